import Addresses
import NIOCore

extension SocketAddress {
    init(_ endpoint: Endpoint) throws {
        try self.init(
            packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
    }
}

extension EventLoopFuture where Value: Sendable {
    /// Waits for the outcome without throwing.
    func result() async -> Result<Value, any Error> {
        do { return .success(try await get()) } catch { return .failure(error) }
    }
}
