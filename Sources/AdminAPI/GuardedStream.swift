import HTTPTypes
import Hummingbird
import NIOCore

/// Writes for as long as a reader may read.
private struct GuardedWriter: ResponseBodyWriter {
    struct Ended: Error {}

    var base: any ResponseBodyWriter
    let mayGoOn: @Sendable () -> Bool

    @concurrent
    mutating func write(_ buffer: ByteBuffer) async throws {
        guard mayGoOn() else { throw Ended() }
        try await base.write(buffer)
    }

    @concurrent
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws { try await base.finish(trailingHeaders) }
}

extension Response {
    /// The response, which ends in place of the first part that its reader may not have.
    func guarded(
        by mayGoOn: @escaping @Sendable () -> Bool, ended: @escaping @Sendable () -> Void
    ) -> Response {
        let body = body
        var response = self
        response.body = .init { writer in
            do {
                try await body.write(GuardedWriter(base: writer, mayGoOn: mayGoOn))
            } catch is GuardedWriter.Ended {
                ended()
                try await writer.finish(nil)
            }
        }
        return response
    }
}
