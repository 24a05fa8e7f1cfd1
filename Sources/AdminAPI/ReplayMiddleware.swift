import ControlPlane
import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// `Idempotency-Key` on changes: a change that is sent again with its key gets the answer that it got, and is not made
/// again. Answers that say to come again are not kept.
struct ReplayMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let table: ReplayTable
    let counters: AdminCounters

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let text = request.headers[.idempotencyKey] else { return try await next(request, context) }
        guard [.post, .put, .delete].contains(request.method), request.uri.path != "/v1/session" else {
            throw BadRequest("Idempotency-Key: of changes only")
        }
        guard (1...ReplayTable.keyLimit).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw BadRequest("Idempotency-Key: 1 to \(ReplayTable.keyLimit) visible ASCII characters") }
        // Those without credentials get their refusal, and no place in the table.
        guard let identity = context.identity else { return try await next(request, context) }
        let buffer = try await request.wholeBody()
        var request = request
        request.body = .init(buffer: buffer)
        var hash = SHA256()
        for part in ["\(request.method)", request.uri.string, request.headers[.ifMatch] ?? ""] {
            hash.update(data: Array(part.utf8) + [0])
        }
        hash.update(data: Array(buffer.readableBytesView))
        let key = ReplayTable.Key(owner: identity.key, key: text)
        switch table.begin(key, fingerprint: Array(hash.finalize())) {
        case .go: break
        case .replay(let answer):
            counters.count(.replays)
            return Self.response(answer)
        case .other:
            throw Refusal(
                .unprocessableContent, "this Idempotency-Key was given to another request: draw a new one",
                reason: .replayConflicts)
        case .busy:
            throw Refusal(
                .conflict, "the request with this Idempotency-Key is being made", reason: .replayConflicts,
                retryAfter: 1)
        case .full:
            throw Refusal(.serviceUnavailable, "too many changes are being made: try again in a while", retryAfter: 5)
        }
        do {
            let response = try await next(request, context)
            table.finish(key, with: try await Self.answer(response))
            return response
        } catch {
            // A refusal changed nothing: it is judged again when it comes again.
            table.finish(key, with: nil)
            throw error
        }
    }

    /// What to keep of a response; `nil`: nothing.
    private static func answer(_ response: Response) async throws -> ReplayTable.Answer? {
        guard (200..<300).contains(response.status.code) else { return nil }
        let collector = Collector()
        try await response.body.write(collector.writer)
        return .init(
            status: response.status.code, contentType: response.headers[.contentType],
            body: collector.bytes)
    }

    /// Takes what a response writes.
    private final class Collector: Sendable {
        private let buffer = Mutex<[UInt8]>([])

        var bytes: [UInt8] { buffer.withLock { $0 } }
        var writer: Writer { Writer(collector: self) }

        struct Writer: ResponseBodyWriter {
            let collector: Collector

            mutating func write(_ buffer: ByteBuffer) async throws {
                collector.buffer.withLock { $0 += buffer.readableBytesView }
            }

            consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
        }
    }

    private static func response(_ answer: ReplayTable.Answer) -> Response {
        var headers: HTTPFields = [.idempotencyReplayed: "true"]
        if let type = answer.contentType { headers[.contentType] = type }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self("Idempotency-Key")!
    static let idempotencyReplayed = Self("Idempotency-Replayed")!
}
