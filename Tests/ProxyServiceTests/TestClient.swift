import Addresses
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport

/// A client that says exactly what a test tells it to, and keeps all that comes back.
final class TestClient: Sendable {
    struct Ended: Error, CustomStringConvertible {
        var description: String
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex<(text: [UInt8], isClosed: Bool)>(([], false))
        let wasReset = Mutex(false)
        let isPaused: Bool

        init(isPaused: Bool) { self.isPaused = isPaused }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.withLock { $0.text += bytes.readableBytesView }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { state.withLock { $0.isClosed = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { wasReset.withLock { $0 = true } }
            context.close(promise: nil)
        }
    }

    private let channel: any Channel
    private let collector: Collector

    /// - Parameters:
    ///   - isPaused: reads nothing until ``resume()``.
    ///   - tls: speak TLS, asking for this server name.
    ///   - authority: a PEM file with the only certificate to accept.
    init(
        _ endpoint: Endpoint, isPaused: Bool = false, tls: String? = nil, authority: String? = nil
    ) async throws {
        let collector = Collector(isPaused: isPaused)
        self.collector = collector
        var context: NIOSSLContext?
        if let authority {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(authority)
            context = try NIOSSLContext(configuration: configuration)
        }
        let secure = context
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: !isPaused)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let secure {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: secure, serverHostname: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
            .connect(
                to: SocketAddress(
                    packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
            ).get()
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// For peers that may close before all is taken.
    func post(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func resume() async throws { try await channel.setOption(.autoRead, value: true).get() }

    func closeOutput() async throws { try await channel.close(mode: .output) }

    func close() async { try? await channel.close() }

    /// With TLS: closes without saying that this is the end.
    func cut() async throws {
        let channel = self.channel
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self).close(promise: nil)
        }.get()
    }

    /// Closes with RST.
    func reset() async throws {
        let options = channel as? any SocketOptionProvider
        try await options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }

    /// Whether the other side has done so.
    var wasReset: Bool { collector.wasReset.withLock { $0 } }

    var received: String { collector.state.withLock { String(decoding: $0.text, as: UTF8.self) } }
    var receivedBytes: [UInt8] { collector.state.withLock { $0.text } }
    var receivedCount: Int { collector.state.withLock { $0.text.count } }
    var isClosed: Bool { collector.state.withLock { $0.isClosed } }

    /// Waits until what came satisfies `condition`.
    @discardableResult
    func wait(_ what: String = "more", until condition: (String) -> Bool) async throws -> String {
        var text = ""
        let came = try await Patience.lasts {
            // In this order: what came before the end is there then.
            let wasClosed = isClosed
            text = received
            if condition(text) { return true }
            if wasClosed { throw Ended(description: "closed while waiting for \(what); got \(text.debugDescription)") }
            return false
        }
        guard came else { throw Ended(description: "no \(what) in time; got \(text.debugDescription)") }
        return text
    }

    /// Waits for the other side's end.
    @discardableResult
    func waitForEnd() async throws -> String {
        guard await Patience.lasts(until: { isClosed }) else {
            throw Ended(description: "not closed in time; got \(received.debugDescription)")
        }
        return received
    }

    /// Sends one request on a connection of its own and returns all that came until the end.
    static func exchange(_ endpoint: Endpoint, _ text: String) async throws -> String {
        let client = try await TestClient(endpoint)
        client.post(Array(text.utf8))
        let answer = try await client.waitForEnd()
        await client.close()
        return answer
    }
}
