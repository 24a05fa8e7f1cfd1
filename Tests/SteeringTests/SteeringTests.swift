import Addresses
import DNSWire
import Geography
import Steering
import Testing
import TrafficModel

/// Two pools of two virtual servers each, and one wide IP over both.
struct Fixture {
    var intent = Intent()
    var overrides = Overrides()
    var observations = Observations()
    let monitor = Monitor(name: "port", check: .tcp)

    init(_ method: WideIP.Method, poolMethod: Pool.Method = .roundRobin) throws {
        intent.monitors = [monitor]
        intent.regions = [Region(name: "eu"), Region(name: "us")]
        for (position, text) in ["192.0.2.1:80", "192.0.2.2:80", "198.51.100.1:80", "198.51.100.2:80"].enumerated() {
            var server = VirtualServer(
                name: "vs\(position)", endpoint: try #require(Endpoint(text)), region: position / 2)
            server.monitors = [0]
            intent.virtualServers.append(server)
        }
        for (position, name) in ["eu", "us"].enumerated() {
            var pool = Pool(name: name)
            pool.region = position
            pool.virtualServers = [2 * position, 2 * position + 1]
            pool.host = DomainName("\(name).lb.example.net")
            pool.method = poolMethod
            intent.pools.append(pool)
        }
        var wideIP = WideIP(name: try #require(DomainName("api.example.com")), pools: [0, 1])
        wideIP.method = method
        intent.wideIPs = [wideIP]
    }

    mutating func setDown(_ servers: Int...) {
        for server in servers {
            let target = HealthTarget(endpoint: intent.virtualServers[server].endpoint, monitor: monitor)
            observations.health[target] = .down
        }
    }

    func snapshot() -> SteeringSnapshot {
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(overrides, in: intent),
            observations: observations, epoch: 1)
    }

    func decide(
        _ subject: SteeredSubject = .wideIP(0), family: AddressFamily = .v4, client: String = "203.0.113.9",
        sequence: UInt64 = 0
    ) throws -> SteeringDecision {
        var decision = SteeringDecision()
        let address = try #require(IPAddress(client))
        snapshot().decide(
            subject, family: family, client: ClientNetwork(address: address), sequence: sequence, into: &decision)
        return decision
    }
}

extension SteeringDecision {
    var chosenServers: [UInt32] { (0..<serverCount).map { servers[$0] } }
}

@Suite("Steering a wide IP")
struct WideIPSteeringTests {
    @Test("global availability takes the first pool that works, and the next when it fails")
    func globalAvailability() throws {
        var fixture = try Fixture(.globalAvailability)
        #expect(try fixture.decide().answer == .alias(pool: 0))
        fixture.setDown(0)
        #expect(try fixture.decide().answer == .alias(pool: 0))
        fixture.setDown(1)
        #expect(try fixture.decide().answer == .alias(pool: 1))
    }

    @Test("the same alias for every family, so that no query type sees another name", arguments: [0, 1, 2])
    func coherent(family: Int) throws {
        let fixture = try Fixture(.globalAvailability)
        let families: [AddressFamily] = [.v4, .v6, .any]
        #expect(try fixture.decide(family: families[family]).answer == .alias(pool: 0))
    }

    @Test("ratio gives exact shares within one per cent, in short runs too", arguments: [100, 10_000])
    func ratio(count: Int) throws {
        var fixture = try Fixture(.ratio)
        fixture.intent.pools[0].ratio = 7
        fixture.intent.pools[1].ratio = 3
        let snapshot = fixture.snapshot()
        var decision = SteeringDecision()
        var first = 0
        for sequence in 0..<UInt64(count) {
            snapshot.decide(
                .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(0)), sequence: sequence, into: &decision)
            if decision.answer == .alias(pool: 0) { first += 1 }
        }
        #expect(abs(Double(first) / Double(count) - 0.7) <= 0.01 + 1.0 / Double(count))
    }

    @Test("round robin is fair at every stride, as when names share a worker's sequence", arguments: 1...8)
    func roundRobin(stride: Int) throws {
        let snapshot = try Fixture(.roundRobin).snapshot()
        var decision = SteeringDecision()
        var first = 0
        for step in 0..<1000 {
            snapshot.decide(
                .wideIP(0), family: .v4, client: ClientNetwork(address: .v4(0)), sequence: UInt64(step * stride),
                into: &decision)
            if decision.answer == .alias(pool: 0) { first += 1 }
        }
        #expect((480...520).contains(first))
    }

    @Test("all ratios zero means equal shares")
    func zeroRatios() throws {
        var fixture = try Fixture(.ratio)
        fixture.intent.pools[0].ratio = 0
        fixture.intent.pools[1].ratio = 0
        let pools = Set(try (0..<8).map { try fixture.decide(sequence: $0).pool })
        #expect(pools == [0, 1])
    }

    @Test("topology follows the records in their order, with the scope of the network that decided")
    func topology() throws {
        var fixture = try Fixture(.topology)
        let prefix = try #require(IPPrefix("203.0.113.0/24"))
        fixture.intent.wideIPs[0].topology = [TopologyRecord(sources: [.prefix(prefix)], candidates: [1])]
        let inside = try fixture.decide()
        #expect(inside.answer == .alias(pool: 1))
        #expect(inside.scope == 24)
        let outside = try fixture.decide(client: "8.8.8.8")
        #expect(outside.answer == .alias(pool: 0))
        #expect(outside.scope > 0)
        fixture.setDown(2, 3)
        #expect(try fixture.decide().answer == .alias(pool: 0))
    }

    @Test("an earlier record wins over a later, more specific one")
    func topologyOrder() throws {
        var fixture = try Fixture(.topology)
        fixture.intent.wideIPs[0].topology = [
            TopologyRecord(sources: [.prefix(try #require(IPPrefix("203.0.0.0/16")))], candidates: [1]),
            TopologyRecord(sources: [.prefix(try #require(IPPrefix("203.0.113.0/24")))], candidates: [0]),
        ]
        let decision = try fixture.decide()
        #expect(decision.answer == .alias(pool: 1))
        #expect(decision.scope == 16)
    }

    @Test("all down: the named policy answers")
    func allDown() throws {
        var fixture = try Fixture(.globalAvailability)
        fixture.setDown(0, 1, 2, 3)
        #expect(try fixture.decide().answer == .alias(pool: 0))
        fixture.intent.wideIPs[0].allDown = .closed
        #expect(try fixture.decide().answer == .noData)
        fixture.intent.wideIPs[0].allDown = .pool(1)
        #expect(try fixture.decide().answer == .alias(pool: 1))
        fixture.intent.wideIPs[0].allDown = .rcode(2)
        #expect(try fixture.decide().answer == .failure(rcode: 2))
    }

    @Test("a wide IP's TTL goes before its pool's")
    func ttl() throws {
        var fixture = try Fixture(.globalAvailability)
        #expect(try fixture.decide().ttl == 30)
        fixture.intent.pools[0].ttl = 20
        #expect(try fixture.decide().ttl == 20)
        fixture.intent.wideIPs[0].ttl = 5
        #expect(try fixture.decide().ttl == 5)
    }
}

@Suite("Overrides")
struct OverrideTests {
    @Test("a drained region gets nothing new while another works, but its host name still answers")
    func drain() throws {
        var fixture = try Fixture(.globalAvailability)
        fixture.overrides.entries[.region("eu")] = .init(verdict: .drain, reason: "")
        #expect(try fixture.decide().answer == .alias(pool: 1))
        #expect(Set(try fixture.decide(.poolHost(0)).chosenServers) == [0, 1])
        fixture.setDown(2, 3)
        #expect(try fixture.decide().answer == .alias(pool: 0))
    }

    @Test("forcing goes before monitors, and a virtual server's own before its region's")
    func force() throws {
        var fixture = try Fixture(.globalAvailability)
        fixture.overrides.entries[.region("eu")] = .init(verdict: .forceDown, reason: "")
        #expect(try fixture.decide().answer == .alias(pool: 1))
        fixture.overrides.entries[.virtualServer("vs1")] = .init(verdict: .forceUp, reason: "")
        fixture.setDown(1)
        #expect(try fixture.decide().answer == .alias(pool: 0))
        #expect(try fixture.decide(.poolHost(0)).chosenServers == [1])
    }
}

@Suite("Regional DNS")
struct PoolHostTests {
    @Test("answers every available virtual server, rotated")
    func rotation() throws {
        let fixture = try Fixture(.globalAvailability)
        let orders = Set(try (0..<16).map { try fixture.decide(.poolHost(0), sequence: $0).chosenServers })
        #expect(orders == [[0, 1], [1, 0]])
    }

    @Test("leaves out a virtual server that is down, and answers all when all are")
    func health() throws {
        var fixture = try Fixture(.globalAvailability)
        fixture.setDown(0)
        #expect(try fixture.decide(.poolHost(0)).chosenServers == [1])
        fixture.setDown(1)
        #expect(Set(try fixture.decide(.poolHost(0)).chosenServers) == [0, 1])
        fixture.intent.pools[0].allDown = .closed
        #expect(try fixture.decide(.poolHost(0)).answer == .noData)
        fixture.intent.pools[0].allDown = .pool(1)
        #expect(Set(try fixture.decide(.poolHost(0)).chosenServers) == [2, 3])
    }

    @Test("no address of the asked family is NODATA, whatever the health")
    func family() throws {
        let fixture = try Fixture(.globalAvailability)
        #expect(try fixture.decide(.poolHost(0), family: .v6).answer == .noData)
        #expect(try fixture.decide(.poolHost(0), family: .any).answer == .noData)
    }

    @Test("ratio and global availability answer one address", arguments: [Pool.Method.ratio, .globalAvailability])
    func single(method: Pool.Method) throws {
        let fixture = try Fixture(.globalAvailability, poolMethod: method)
        #expect(try fixture.decide(.poolHost(0)).serverCount == 1)
    }

    @Test("at most the configured number of addresses")
    func limit() throws {
        var fixture = try Fixture(.globalAvailability)
        fixture.intent.pools[0].maxAnswers = 1
        #expect(try fixture.decide(.poolHost(0)).serverCount == 1)
    }
}
