import Addresses
import Balancing
import Dispatch
import Logging
import NIOCore
import ProxyService
import Sockets
import Telemetry
import TestSupport
import TrafficModel

/// A proxy on loopback with one loop.
final class TestProxy: Sendable {
    let server: ProxyServer
    let published: Published<BalancingSnapshot>
    let registry = MemberRegistry(seed: 7)
    private let accessLog: LogFile?
    let endpoint: Endpoint
    private let group: SocketLoopGroup

    static let loopback = Endpoint(address: .v4(0x7f00_0001), port: 0)

    /// One listener `web` whose only route leads to `members`.
    static func intent(_ members: [Endpoint], _ change: (inout Intent) -> Void = { _ in }) -> Intent {
        var intent = Intent()
        intent.upstreams = [Upstream(name: "app", members: members.map { Upstream.Member(endpoint: $0) })]
        intent.listeners = [
            Listener(name: "web", endpoint: loopback, mode: .http(routes: [Route(name: "all", action: .upstream(0))]))
        ]
        intent.proxy.accessLog = nil
        // So that none runs out for a test that a loaded machine holds up.
        intent.proxy.limits.headTimeout = .seconds(300)
        intent.proxy.limits.handshakeTimeout = .seconds(300)
        intent.upstreams[0].connectTimeout = .seconds(60)
        change(&intent)
        return intent
    }

    init(_ intent: Intent, accessLog: String? = nil, threads: Int = 1, descriptors: UInt64? = nil) async throws {
        group = try SocketLoopGroup(threads: threads)
        var intent = intent
        self.accessLog = accessLog.map { LogFile(path: $0) }
        intent.proxy.accessLog = self.accessLog
        let snapshot = Self.compile(intent, registry, epoch: 1)
        published = Published(snapshot)
        server = ProxyServer(
            group: group, published: published, accessLog: intent.proxy.accessLog, logger: Logger(label: "test"),
            descriptors: descriptors)
        try await server.apply(snapshot)
        endpoint = server.status.listeners.first?.endpoint ?? Self.loopback
    }

    convenience init(_ members: [TestMember], _ change: (inout Intent) -> Void = { _ in }) async throws {
        try await self.init(Self.intent(members.map(\.endpoint), change))
    }

    /// Members speak TLS and show this certificate.
    static func secureMembers(_ intent: inout Intent, _ certificate: Certificate) {
        var tls = Upstream.TLS()
        tls.serverName = "a.example"
        tls.authorityPath = certificate.chainPath
        intent.upstreams[0].tls = tls
        intent.upstreams[0].tries = 1
    }

    private static func compile(_ intent: Intent, _ registry: MemberRegistry, epoch: UInt64) -> BalancingSnapshot {
        BalancingSnapshot(
            intent: intent, overrides: EffectiveOverrides(), observations: Observations(), registry: registry,
            epoch: epoch,
            now: MonotonicClock.now)
    }

    func reload(_ intent: Intent, generation: UInt64) async throws {
        var intent = intent
        intent.generation = generation
        intent.proxy.accessLog = accessLog
        let snapshot = Self.compile(intent, registry, epoch: generation)
        try await server.apply(snapshot)
        published.publish(snapshot)
    }

    /// Keeps the loop from doing anything until the semaphore is signalled.
    func pause() -> DispatchSemaphore {
        let (begun, end) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        group.loops[0].execute {
            begun.signal()
            end.wait()
        }
        begun.wait()
        return end
    }

    func stop() async {
        await server.shutdown(gracefulWithin: .zero)
        try? await group.shutdownGracefully()
    }

    /// Waits until the figures satisfy `condition`; `false` when they never do.
    func settles(_ condition: (ProxyStatus) -> Bool) async -> Bool {
        await Patience.lasts { condition(server.status) }
    }
}

func get(_ path: String = "/", _ fields: String = "", close: Bool = true) -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\(close ? "Connection: close\r\n" : "")\r\n"
}

func ok(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
