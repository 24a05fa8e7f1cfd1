import Addresses
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TrafficModel

/// A server that does what a test tells it to, byte by byte.
final class TestMember: Sendable {
    enum Step: Sendable {
        case send(String)
        /// When what was sent before has been on its way for a while.
        case sendLater(String)
        /// One after the other, with as many milliseconds before each.
        case sendSlowly([String], Int64)
        case close
        case closeOutput
        /// Closes with RST.
        case reset
        /// With TLS: closes without saying that this is the end.
        case cut
    }

    /// Gets what came on a connection since the last answer, and the connection's number; nothing: wait for more.
    typealias Script = @Sendable (_ received: String, _ connection: Int) -> [Step]

    struct Log: Sendable {
        var connections = 0
        var open = 0
        var received: [String] = []
        /// A client closed with RST.
        var wasReset = false
    }

    let endpoint: Endpoint
    private let channel: any Channel
    private let log: LogBox

    final class LogBox: Sendable {
        let state = Mutex(Log())
        let channels = Mutex<[any Channel]>([])
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let script: Script
        let log: LogBox
        var number = 0
        var slot = 0
        var pending = ""

        init(script: @escaping Script, log: LogBox) {
            self.script = script
            self.log = log
        }

        func channelActive(context: ChannelHandlerContext) {
            number = log.state.withLock {
                $0.connections += 1
                $0.open += 1
                $0.received.append("")
                return $0.connections
            }
            let own = context.channel
            log.channels.withLock { $0.append(own) }
            run(context)
        }

        func channelInactive(context: ChannelHandlerContext) { log.state.withLock { $0.open -= 1 } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            log.state.withLock { $0.received[number - 1] += text }
            pending += text
            run(context)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event {
                pending += "<FIN>"
                log.state.withLock { $0.received[number - 1] += "<FIN>" }
                run(context)
                if context.channel.isActive { context.close(promise: nil) }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { log.state.withLock { $0.wasReset = true } }
            context.close(promise: nil)
        }

        private func run(_ context: ChannelHandlerContext) {
            let steps = script(pending, number)
            if !steps.isEmpty { pending = "" }
            for step in steps {
                switch step {
                case .send(let text):
                    context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
                case .sendLater(let text):
                    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                    context.eventLoop.scheduleTask(in: .milliseconds(100)) {
                        bound.value.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
                    }
                case .sendSlowly(let texts, let pause):
                    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                    for (index, text) in texts.enumerated() {
                        context.eventLoop.scheduleTask(in: .milliseconds(pause * Int64(index + 1))) {
                            bound.value.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
                        }
                    }
                case .cut:
                    // Past the handler that would say it.
                    try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                        .close(promise: nil)
                case .close: context.close(promise: nil)
                case .closeOutput: context.close(mode: .output, promise: nil)
                case .reset:
                    _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                    context.close(promise: nil)
                }
            }
        }
    }

    /// - Parameter tls: what the member shows; `nil`: it speaks in clear text.
    init(tls: Certificate? = nil, _ script: @escaping Script) async throws {
        let log = LogBox()
        self.log = log
        var context: NIOSSLContext?
        if let tls {
            context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(tls.chainPath).map { .certificate($0) },
                    privateKey: .privateKey(NIOSSLPrivateKey(file: tls.keyPath, format: .pem))))
        }
        let secure = context
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let secure {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: secure))
                    }
                    try channel.pipeline.syncOperations.addHandler(Handler(script: script, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(channel.localAddress?.port ?? 0))
    }

    /// Answers each request head with `response`, and with its body's end where it has one of a known length.
    static func answering(_ response: String) async throws -> TestMember {
        try await TestMember { received, _ in received.hasSuffix("\r\n\r\n") ? [.send(response)] : [] }
    }

    var wasReset: Bool { log.state.withLock { $0.wasReset } }
    var connections: Int { log.state.withLock { $0.connections } }
    var openConnections: Int { log.state.withLock { $0.open } }
    /// What came on each connection.
    var received: [String] { log.state.withLock { $0.received } }

    func close() async { try? await channel.close() }

    /// Says something on the latest connection.
    func say(_ text: String) {
        log.channels.withLock { $0.last }?.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    /// Closes all connections that there are.
    func closeConnections() async {
        for channel in log.channels.withLock({ $0 }) { try? await channel.close() }
    }

    /// A port that refuses connections, now and later: it is taken, and nothing listens on it.
    static func closedEndpoint() -> Endpoint {
        // Open until the process ends; a port that was given back could become another test's.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let wanted = Endpoint(address: .v4(0x7f00_0001), port: 0)
        let result = unsafe KernelAddress.withPointer(to: wanted) { unsafe Glibc.bind(descriptor, $0, $1) }
        guard result == 0, let own = KernelAddress.local(of: descriptor) else { fatalError("no port is free") }
        return own
    }
}
