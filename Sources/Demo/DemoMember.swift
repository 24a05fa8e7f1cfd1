import Addresses
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A real web server behind a VIP. It can be killed, which closes its sockets at once as the end of a process would,
/// and revived.
final class DemoMember: Sendable {
    private struct State {
        var isAlive = false
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
    }

    let plan: DemoPlan.Member
    private let group: any EventLoopGroup
    private let state = Mutex(State())
    private let served = Atomic<UInt64>(0)

    init(plan: DemoPlan.Member, group: any EventLoopGroup) {
        self.plan = plan
        self.group = group
    }

    var isAlive: Bool { state.withLock { $0.isAlive } }
    /// Requests answered since the start, health checks not counted.
    var requests: UInt64 { served.load(ordering: .relaxed) }

    /// Listens; nothing happens when it already does.
    func revive() async throws {
        let wasAlive = state.withLock { state in
            defer { state.isAlive = true }
            return state.isAlive
        }
        guard !wasAlive else { return }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(MemberHandler(member: self))
                    self.track(channel)
                }
            }
        do {
            let listener = try await bootstrap.bind(to: SocketAddress(plan.endpoint)).get()
            let isAlive = state.withLock { state in
                if state.isAlive { state.listener = listener }
                return state.isAlive
            }
            // Killed while it was binding.
            if !isAlive { try await listener.close().get() }
        } catch {
            state.withLock { $0.isAlive = false }
            throw error
        }
    }

    /// Closes the listening socket and all connections; what was in flight is lost.
    func kill() async {
        let previous = state.withLock { state in
            defer { state = State() }
            return state
        }
        let channels = [previous.listener].compactMap { $0 } + Array(previous.connections.values)
        let closing = channels.map { $0.close(mode: .all) }
        // Waiting for the end of each; that a peer closed first is no failure of ours.
        for future in closing { _ = await future.result() }
    }

    fileprivate func nextRequest() -> UInt64 { served.wrappingAdd(1, ordering: .relaxed).newValue }

    private func track(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let isAlive = state.withLock { state in
            if state.isAlive { state.connections[key] = channel }
            return state.isAlive
        }
        // Accepted before the kill, set up after it.
        guard isAlive else { return channel.close(mode: .all, promise: nil) }
        channel.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.connections.removeValue(forKey: key) } }
    }
}

/// Answers `/healthz` with `ok` and everything else with who answered.
private final class MemberHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let member: DemoMember
    private var head: HTTPRequestHead?

    init(member: DemoMember) { self.member = member }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            respond(to: head, context: context)
        }
    }

    private func respond(to request: HTTPRequestHead, context: ChannelHandlerContext) {
        let plan = member.plan
        let text: String
        if request.uri == "/healthz" {
            text = "ok\n"
        } else {
            let count = member.nextRequest()
            text = """
                region \(plan.region), VIP \(plan.virtualServer), member \(plan.name) at \(plan.endpoint): \
                \(request.method) \(request.uri), request \(count) here\n
                """
        }
        var head = HTTPResponseHead(version: request.version, status: .ok)
        head.headers.add(name: "content-type", value: "text/plain; charset=utf-8")
        head.headers.add(name: "content-length", value: String(text.utf8.count))
        head.headers.add(name: "x-region", value: plan.region)
        head.headers.add(name: "x-member", value: plan.name)
        if !request.isKeepAlive { head.headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
        let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !request.isKeepAlive {
            let channel = context.channel
            end.whenComplete { _ in channel.close(mode: .all, promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
