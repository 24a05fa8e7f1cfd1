import Addresses
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A server on a loopback port that treats its connections as it is told.
final class ProbeServer: Sendable {
    enum Behaviour: Sendable {
        case silent
        case respond(String)
        /// One byte every so often.
        case drip(String, every: TimeAmount)
        case close
        case reset
    }

    struct Seen: Sendable {
        var accepted = 0
        var open = 0
        var mostOpen = 0
        var requests: [String] = []
        var serverNames: [String?] = []
    }

    let endpoint: Endpoint
    private let channel: any Channel
    private let state: State

    final class State: Sendable {
        let seen = Mutex(Seen())
        /// One for each connection in turn; the last stays.
        let script: Mutex<[Behaviour]>

        init(_ script: [Behaviour]) { self.script = Mutex(script) }

        func next() -> Behaviour {
            script.withLock { script in script.count > 1 ? script.removeFirst() : script.first ?? .silent }
        }
    }

    var seen: Seen { state.seen.withLock { $0 } }

    func behave(_ script: [Behaviour]) { state.script.withLock { $0 = script } }

    init(_ script: [Behaviour], tls: NIOSSLContext? = nil, group: any EventLoopGroup) async throws {
        let state = State(script)
        self.state = state
        channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(
                            ByteToMessageHandler(
                                SNIHandler { result in
                                    var name: String?
                                    if case .hostname(let host) = result { name = host }
                                    state.seen.withLock { $0.serverNames.append(name) }
                                    return channel.eventLoop.makeSucceededVoidFuture()
                                }))
                        try pipeline.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try pipeline.addHandler(Connection(state))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        endpoint = Endpoint(address: .v4(0x7f00_0001), port: UInt16(port))
    }

    func stop() async throws { try await channel.close() }

    private final class Connection: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: State
        private let behaviour: Behaviour
        private var request = ""

        init(_ state: State) {
            self.state = state
            behaviour = state.next()
        }

        func channelActive(context: ChannelHandlerContext) {
            state.seen.withLock { seen in
                seen.accepted += 1
                seen.open += 1
                seen.mostOpen = max(seen.mostOpen, seen.open)
            }
            switch behaviour {
            case .close: context.close(promise: nil)
            case .reset:
                let channel = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
                (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                    .whenComplete { _ in channel.value.close(promise: nil) }
            default: break
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.seen.withLock { $0.open -= 1 }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            request += String(buffer: unwrapInboundIn(data))
            guard request.hasSuffix("\r\n\r\n") else { return }
            let whole = request
            request = ""
            state.seen.withLock { $0.requests.append(whole) }
            switch behaviour {
            case .respond(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .drip(let text, let pause): drip(Array(text.utf8)[...], pause, context)
            default: break
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func drip(_ rest: ArraySlice<UInt8>, _ pause: TimeAmount, _ context: ChannelHandlerContext) {
            guard let first = rest.first, context.channel.isActive else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [first])), promise: nil)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: pause) {
                bound.value.0.drip(rest.dropFirst(), pause, bound.value.1)
            }
        }
    }
}

extension ProbeServer {
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
