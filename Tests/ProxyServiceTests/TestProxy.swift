import Addresses
import Balancing
import Logging
import NIOCore
import ProxyService
import Sockets
import Telemetry
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
        change(&intent)
        return intent
    }

    init(_ intent: Intent, accessLog: String? = nil, threads: Int = 1) async throws {
        group = try SocketLoopGroup(threads: threads)
        var intent = intent
        self.accessLog = accessLog.map { LogFile(path: $0) }
        intent.proxy.accessLog = self.accessLog
        let snapshot = Self.compile(intent, registry, epoch: 1)
        published = Published(snapshot)
        server = ProxyServer(
            group: group, published: published, accessLog: intent.proxy.accessLog, logger: Logger(label: "test"))
        try await server.apply(snapshot)
        endpoint = server.status.listeners.first?.endpoint ?? Self.loopback
    }

    convenience init(_ members: [TestMember], _ change: (inout Intent) -> Void = { _ in }) async throws {
        try await self.init(Self.intent(members.map(\.endpoint), change))
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

    func stop() async {
        await server.shutdown(gracefulWithin: .zero)
        try? await group.shutdownGracefully()
    }

    /// Waits until the figures satisfy `condition`; `false` after ten seconds.
    func settles(_ condition: (ProxyStatus) -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while !condition(server.status) {
            guard ContinuousClock.now < deadline, (try? await Task.sleep(for: .milliseconds(2))) != nil else {
                return false
            }
        }
        return true
    }
}

func get(_ path: String = "/", _ fields: String = "", close: Bool = true) -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\(close ? "Connection: close\r\n" : "")\r\n"
}

func ok(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
