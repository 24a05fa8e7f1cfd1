import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import AdminAPI

/// The admin API's connections on a loopback port, with routes of the test's.
private final class LiveServer {
    let counters = AdminCounters()
    let open = OpenConnections()
    let gates: WorkGates
    /// One loop: what was asked of it later is done later.
    private let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let services: ServiceGroup
    private let running: Task<Void, any Error>
    private let port: Int

    /// More than the kernel keeps for a client that does not read.
    static let size = 16 << 20

    init(_ limits: PatienceHandler.Limits = .init(), gates: WorkGates = WorkGates()) async throws {
        self.gates = gates
        let (counters, open) = (counters, open)
        let large = AdminRoute(.get, "/large", .everyone, "") { _, _ in
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(repeating: 0x61, count: Self.size)))
        }
        let gated = AdminRoute(.get, "/gated", .everyone, "", work: .view) { _, _ in Response(status: .ok) }
        let router = Router(context: AdminContext.self)
        router.add(middleware: ProblemMiddleware(routes: [large, gated], counters: counters))
        for route in [large, gated] { route.register(in: router, gates) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, told) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router,
            server: HTTPServerBuilder { responder in
                AdminChannel(
                    base: HTTP1Channel(responder, counters: counters, limits: limits), tls: nil, counters: counters,
                    open: open)
            }, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { told.yield($0.localAddress?.port ?? 0) }, eventLoopGroupProvider: .shared(loops),
            logger: logger)
        let services = ServiceGroup(services: [application], logger: logger)
        self.services = services
        running = Task { try await services.run() }
        var first = ports.makeAsyncIterator()
        port = await first.next() ?? 0
    }

    var slowClients: UInt64? { counters.totals["slowClients"] }

    func connect() async throws -> Client { try await Client(loops, port) }

    /// A connection whose answer has begun.
    func begin() async throws -> Client {
        while true {
            let client = try await connect()
            do {
                try await client.ask("/large")
                try await client.readABit()
                return client
            } catch is ChannelError {
                // It idled for too long before it could ask: this machine has much to do.
                continue
            }
        }
    }

    func shutDown() async { await services.triggerGracefulShutdown() }

    /// Returns when it has ended by itself.
    func end() async throws {
        try await running.value
        try await loops.shutdownGracefully()
    }
}

/// Reads only when told to, and lets the kernel keep little for it.
private struct Client {
    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let count = Mutex(0)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            count.withLock { $0 += unwrapInboundIn(data).readableBytes }
        }
    }

    private let channel: any Channel
    private let reader = Reader()

    init(_ loops: MultiThreadedEventLoopGroup, _ port: Int) async throws {
        let reader = reader
        channel = try await ClientBootstrap(group: loops)
            .channelOption(.autoRead, value: false).channelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader) }
            }.connect(host: "127.0.0.1", port: port).get()
    }

    func ask(_ path: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    /// Returns when something has been read.
    func readABit() async throws {
        let came = try await Patience.lasts {
            guard channel.isActive else { throw ChannelError.eof }
            channel.read()
            return reader.count.withLock { $0 } > 0
        }
        try #require(came)
    }

    /// All that was sent before the server closed the connection.
    func readToTheEnd() async throws -> Int {
        // Fails where it is closed already; what came before that was read.
        try? await channel.setOption(.autoRead, value: true).get()
        try await channel.closeFuture.get()
        return reader.count.withLock { $0 }
    }

    func close() async throws { try await channel.close() }
}

@Suite("Clients that take their time, over sockets", .timeLimit(.minutes(5)))
struct LiveConnectionTests {
    private func wait(until condition: () -> Bool) async {
        #expect(await Patience.lasts(until: condition))
    }

    @Test("an answer that is taken slowly arrives whole, however much longer that takes than a connection may idle")
    func slowly() async throws {
        var limits = PatienceHandler.Limits()
        limits.idle = .milliseconds(100)
        let server = try await LiveServer(limits)
        let slow = try await server.begin()
        // Those come later and are closed because they idle: the first would have been by now.
        for _ in 0..<2 { #expect(try await server.connect().readToTheEnd() == 0) }
        #expect(try await slow.readToTheEnd() > LiveServer.size)
        #expect(server.slowClients == 0)
        await server.shutDown()
        try await server.end()
    }

    @Test("an answer that is on its way arrives whole before its connection ends", arguments: [true, false])
    func farewell(isShutdown: Bool) async throws {
        var limits = PatienceHandler.Limits()
        limits.farewell = .minutes(4)
        let server = try await LiveServer(limits)
        let (slow, idle) = (try await server.connect(), try await server.connect())
        try await slow.ask("/large")
        try await slow.readABit()
        if isShutdown { await server.shutDown() } else { server.open.retire() }
        #expect(try await idle.readToTheEnd() == 0, "one that has nothing to do ends at once")
        #expect(try await slow.readToTheEnd() > LiveServer.size)
        #expect(server.slowClients == 0)
        if !isShutdown { await server.shutDown() }
        try await server.end()
    }

    @Test("a shutdown waits so long for who does not take an answer, and counts him")
    func endOfFarewell() async throws {
        var limits = PatienceHandler.Limits()
        limits.farewell = .milliseconds(100)
        let server = try await LiveServer(limits)
        let slow = try await server.connect()
        try await slow.ask("/large")
        try await slow.readABit()
        await server.shutDown()
        // What the kernel took is all that he can have now.
        await wait { server.slowClients == 1 }
        #expect(try await slow.readToTheEnd() < LiveServer.size)
        try await server.end()
    }

    @Test("who stops reading is cut and counted")
    func stopped() async throws {
        var limits = PatienceHandler.Limits()
        limits.answer.window = .milliseconds(100)
        let server = try await LiveServer(limits)
        let slow = try await server.connect()
        try await slow.ask("/large")
        await wait { server.slowClients == 1 }
        await wait { server.open.count == 0 }
        try await slow.close()
        await server.shutDown()
        try await server.end()
    }

    @Test("a client that goes away while it waits leaves the line, and is counted")
    func departure() async throws {
        let server = try await LiveServer(gates: WorkGates(places: 1, line: 4))
        let (gates, counters) = (server.gates, server.counters)
        let (stay, other) = (try await server.connect(), try await server.connect())
        _ = try await gates.run(.view) { () async throws -> Response in
            try await stay.ask("/gated")
            await wait { gates.waitingCount(.view) == 1 }
            try await other.ask("/gated")
            await wait { gates.waitingCount(.view) == 2 }
            try await other.close()
            await wait { gates.waitingCount(.view) == 1 }
            return Response(status: .ok)
        }
        try await stay.readABit()
        await wait { counters.totals["abandoned"] == 1 }
        #expect(counters.totals["busy"] == 0)
        await server.shutDown()
        #expect(try await stay.readToTheEnd() > 0)
        try await server.end()
    }
}
