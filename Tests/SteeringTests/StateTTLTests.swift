import Addresses
import Testing
import TrafficModel

@testable import Steering

@Suite("TTL by state")
struct StateTTLTests {
    /// Two pools of one monitored virtual server each; probes every 5 s, fall 3, rise 2.
    private struct World {
        var fixture = StageFixture(.available, pools: 2)

        init(wideIP: UInt32? = 2, pool: UInt32? = nil) {
            var monitor = Monitor(name: "m", check: .tcp)
            monitor.fall = 3
            monitor.rise = 2
            fixture.intent.monitors = [monitor]
            for server in 0..<2 { fixture.intent.virtualServers[server].monitors = [0] }
            fixture.intent.wideIPs[0].minimumTTL = wideIP
            fixture.intent.pools[0].minimumTTL = pool
        }

        func target(_ server: Int) -> HealthTarget {
            HealthTarget(
                endpoint: fixture.intent.virtualServers[server].endpoint, monitor: fixture.intent.monitors[0])
        }

        mutating func see(_ server: Int, _ state: HealthState, wavering: Bool = false) {
            fixture.observations.health[target(server)] = state
            if wavering {
                fixture.observations.wavering.insert(target(server))
            } else {
                fixture.observations.wavering.remove(target(server))
            }
        }

        func ttl(_ subject: SteeredSubject = .wideIP(0)) -> UInt32 {
            var decision = SteeringDecision()
            fixture.snapshot().decide(
                subject, family: .v4, client: ClientNetwork(address: .v4(1)), sequence: 0, into: &decision)
            return decision.ttl
        }
    }

    @Test("it is the time in which enough verdicts may have come, cut to a step, between the minimum and the TTL")
    func states() {
        var world = World()
        world.see(0, .up)
        world.see(1, .up)
        #expect(world.ttl() == 15)
        world.see(1, .up, wavering: true)
        #expect(world.ttl() == 5)
        world.see(1, .down)
        #expect(world.ttl() == 10)
        world.fixture.intent.monitors[0].interval = .seconds(7)
        world.see(0, .up)
        world.see(1, .down)
        #expect(world.ttl() == 10)
        world.see(1, .up)
        #expect(world.ttl() == 20)
        world.fixture.intent.monitors[0].interval = .seconds(60)
        world.see(0, .up)
        world.see(1, .up)
        #expect(world.ttl() == 30)
        world.fixture.intent.monitors[0].interval = .milliseconds(100)
        #expect(world.ttl() == 2)
    }

    @Test("it can be switched off, and is of each name by itself")
    func off() {
        var world = World(wideIP: nil)
        #expect(world.fixture.plan().usesStateTTL == false)
        #expect(world.ttl() == 30)
        world = World(wideIP: nil, pool: 1)
        #expect(world.ttl() == 30)
        #expect(world.ttl(.poolHost(0)) == 15)
        #expect(world.ttl(.poolHost(1)) == 30)
    }

    @Test("what nobody watches, what operators forced and what waits for them does not change by itself")
    func never() {
        var world = World()
        for server in 0..<2 { world.fixture.intent.virtualServers[server].monitors = [] }
        #expect(world.ttl() == 30)
        world = World()
        for server in 0..<2 {
            world.fixture.overrides.entries[.virtualServer("s\(server)")] = .init(verdict: .forceUp, reason: "")
        }
        #expect(world.ttl() == 30)
        world = World()
        world.fixture.observations.conditions = ["s0": .locked, "s1": .locked]
        #expect(world.ttl() == 30)
    }

    @Test("a hold counts, whether it runs or is still to come")
    func hold() {
        var world = World()
        world.fixture.intent.virtualServers[1].monitors = []
        var failback = Failback()
        failback.hold = .seconds(12)
        world.fixture.intent.virtualServers[0].failback = failback
        world.see(0, .down)
        #expect(world.ttl() == 20)
        world.fixture.observations.conditions["s0"] = .held(until: world.fixture.now + 11_500_000_000)
        #expect(world.ttl() == 10)
        world.fixture.now += 11_000_000_000
        #expect(world.ttl() == 2)
    }

    @Test("what a virtual server depends on changes it too")
    func dependencies() {
        var world = World()
        world.fixture.intent.virtualServers[0].monitors = []
        world.fixture.intent.wideIPs[0].pools = [0]
        #expect(world.ttl() == 30)
        world.fixture.intent.virtualServers[0].dependsOn = [1]
        // Unwatched itself, it changes with the other.
        #expect(world.ttl() == 15)
    }

    @Test(
        "every length is cut to a step that is not longer", arguments: [0, 0.5, 1, 1.9, 2, 4, 5, 14.9, 59, 3600, 1e6])
    func steps(seconds: Double) {
        let limit = StateTTL.limit(UInt64(seconds * 1e9), minimum: 1)
        #expect(StateTTL.steps.contains(limit))
        #expect(Double(limit) <= max(seconds, 1))
        #expect(StateTTL.limit(UInt64(seconds * 1e9), minimum: 7) >= 7)
    }
}
