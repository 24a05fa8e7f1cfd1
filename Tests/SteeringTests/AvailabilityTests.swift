import Addresses
import TestSupport
import Testing
import TrafficModel

@testable import Steering

@Suite("Who is available")
struct AvailabilityTests {
    @Test("a condition keeps a virtual server out; an override goes before it")
    func condition() {
        var fixture = StageFixture(.available)
        fixture.observations.conditions["s0"] = .locked
        #expect(fixture.snapshot().servers == [.down, .available, .available])
        #expect(fixture.decide().pool == 1)
        fixture.overrides.entries[.virtualServer("s0")] = .init(verdict: .forceUp, reason: "")
        #expect(fixture.decide().pool == 0)
    }

    @Test("what depends on something down is down, through chains, and whatever the order of the list")
    func dependencies() {
        var fixture = StageFixture(.available, pools: 4)
        fixture.intent.virtualServers[0].dependsOn = [2]
        fixture.intent.virtualServers[2].dependsOn = [3, 1]
        #expect(fixture.snapshot().servers == [.available, .available, .available, .available])
        fixture.disable(1)
        #expect(fixture.snapshot().servers == [.down, .down, .down, .available])
        // An override on the way ends the chain.
        fixture.overrides.entries[.virtualServer("s2")] = .init(verdict: .forceUp, reason: "")
        #expect(fixture.snapshot().servers == [.available, .down, .available, .available])
        // What drains still works.
        fixture.overrides.entries[.virtualServer("s2")] = .init(verdict: .drain, reason: "")
        fixture.intent.virtualServers[1].enabled = true
        #expect(fixture.snapshot().servers == [.available, .available, .draining, .available])
    }

    @Test("dependencies are ordered, and a circle is found, of any length")
    func order() {
        var fixture = StageFixture(.available, pools: 50)
        for position in 0..<49 { fixture.intent.virtualServers[position].dependsOn = [position + 1] }
        #expect(fixture.intent.dependents == Array((0..<49).reversed()))
        fixture.intent.virtualServers[49].dependsOn = [25]
        #expect(fixture.intent.dependents == nil)
        fixture.intent.virtualServers[49].dependsOn = []
        fixture.intent.virtualServers[7].dependsOn = [7]
        #expect(fixture.intent.dependents == nil)
    }

    @Test(
        "a pool needs as many virtual servers as it says",
        arguments: [
            (MinimumUp.count(1), [true, true, true, true, false]), (.count(3), [true, true, false, false, false]),
            (.count(4), [true, false, false, false, false]), (.share(0.5), [true, true, true, false, false]),
            (.share(0.51), [true, true, false, false, false]), (.share(1), [true, false, false, false, false]),
        ])
    func minimum(minimum: MinimumUp, isAvailable: [Bool]) {
        var fixture = StageFixture(.available, pools: 4)
        fixture.intent.pools[0].virtualServers = [0, 1, 2, 3]
        fixture.intent.pools[0].minimumUp = minimum
        for down in 0...4 {
            if down > 0 { fixture.disable(down - 1) }
            #expect((fixture.snapshot().pools[0] == .available) == isAvailable[down], "\(down) down")
        }
    }

    @Test("with those that drain a pool has enough, but is taken only when nothing else is available")
    func drainingMinimum() {
        var fixture = StageFixture(.available, pools: 3)
        fixture.intent.pools[0].virtualServers = [0, 1]
        fixture.intent.pools[0].minimumUp = .count(2)
        fixture.overrides.entries[.virtualServer("s1")] = .init(verdict: .drain, reason: "")
        #expect(fixture.snapshot().pools[0] == .draining)
        fixture.disable(0)
        #expect(fixture.snapshot().pools[0] == .down)
    }

    @Test("when all is down, what was available at last, over any number of snapshots and a reload")
    func lastKnownGood() {
        var fixture = StageFixture([])
        fixture.intent.wideIPs[0].stages = nil
        fixture.intent.wideIPs[0].allDown = .lastKnownGood
        let plan = fixture.plan()
        // Nothing is known yet.
        fixture.disable(0, 1, 2)
        #expect(fixture.snapshot(plan).decide("192.0.2.1").pool == 0)
        for server in 0..<3 { fixture.intent.virtualServers[server].enabled = true }
        var snapshot = fixture.snapshot(plan)
        fixture.disable(0)
        snapshot = fixture.snapshot(plan, previous: snapshot)
        fixture.disable(1, 2)
        for _ in 0..<3 {
            snapshot = fixture.snapshot(plan, previous: snapshot)
            #expect(snapshot.decide("192.0.2.1").pool == 1)
        }
        // A reload that reorders.
        fixture.intent.wideIPs[0].pools = [0, 2, 1]
        snapshot = fixture.snapshot(fixture.plan(), previous: snapshot)
        #expect(snapshot.decide("192.0.2.1").pool == 2)
        fixture.intent.virtualServers[0].enabled = true
        snapshot = fixture.snapshot(snapshot.plan, previous: snapshot)
        #expect(snapshot.decide("192.0.2.1").pool == 0)
    }

    @Test("a candidate several times slower than the best is out, and comes back a tenth below")
    func outliers() {
        var fixture = StageFixture(.available, .outliers(factor: 3))
        let plan = fixture.plan()
        var snapshot: SteeringSnapshot?
        for (times, isOut) in [
            ([0.1, 0.1, 0.2], false), ([0.3, 0.1, 0.2], false), ([0.31, 0.1, 0.2], true), ([0.28, 0.1, 0.2], true),
            ([0.26, 0.1, 0.2], false), ([0.28, 0.1, 0.2], false), ([0.0095, 0.001, 0.001], false),
            ([0.012, 0.001, 0.001], true),
        ] as [([Double?], Bool)] {
            fixture.measure(.response, times)
            let next = fixture.snapshot(plan, previous: snapshot)
            #expect((next.decide("192.0.2.1").pool == 1) == isOut, "\(times)")
            snapshot = next
        }
        // What is not known is no outlier, and one that is down is nobody's measure.
        fixture.measure(.response, [0.9, 0.1, 0.8])
        fixture.disable(1)
        #expect(fixture.decide().pool == 0)
        fixture.observations.measurements.loads["s0"] = nil
        #expect(fixture.decide().pool == 0)
    }

    @Test("with all codes and times of its own, a name says no when all is down")
    func codes() {
        var fixture = StageFixture([])
        fixture.intent.wideIPs[0].stages = nil
        fixture.disable(0, 1, 2)
        for (code, ttl, answer) in [
            (UInt8(0), UInt32?(5), SteeringDecision.Answer.noData), (3, 7, .failure(rcode: 3)),
            (2, nil, .failure(rcode: 2)), (0, nil, .noData),
        ] {
            fixture.intent.wideIPs[0].allDown = .rcode(code, ttl: ttl)
            let decision = fixture.decide()
            #expect(decision.answer == answer && decision.negativeTTL == ttl)
        }
    }

    @Test("changes alone lead to where looking at everything does, over random changes", arguments: [UInt64(1), 2, 3])
    func changes(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var fixture = StageFixture(.available, pools: 12)
        fixture.intent.monitors = [Monitor(name: "a", check: .tcp), Monitor(name: "b", check: .tcp)]
        for server in 0..<12 {
            fixture.intent.virtualServers[server].monitors = [[], [0], [1], [0, 1]][server % 4]
            // Some share a target.
            if server % 5 == 0 {
                fixture.intent.virtualServers[server].endpoint = fixture.intent.virtualServers[1].endpoint
            }
            fixture.intent.pools[server].virtualServers = [server, (server + 3) % 12, (server + 7) % 12]
            fixture.intent.pools[server].minimumUp = .count(1 + server % 3)
        }
        fixture.intent.virtualServers[2].dependsOn = [9, 3]
        fixture.intent.virtualServers[9].dependsOn = [5]
        fixture.overrides.entries[.virtualServer("s6")] = .init(verdict: .drain, reason: "")
        let plan = fixture.plan()
        var snapshot = fixture.snapshot(plan)
        var differing = 0
        var turned = 0
        for _ in 0..<2000 {
            var changes = AvailabilityChanges()
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let server = Int.random(in: 0..<12, using: &generator)
                let monitor = Int.random(in: 0...1, using: &generator)
                let target = HealthTarget(
                    endpoint: fixture.intent.virtualServers[server].endpoint,
                    monitor: fixture.intent.monitors[monitor])
                fixture.observations.health[target] = Bool.random(using: &generator) ? .up : .down
                changes.targets.insert(target)
            }
            if Int.random(in: 0...3, using: &generator) == 0 {
                let server = Int.random(in: 0..<12, using: &generator)
                fixture.observations.conditions["s\(server)"] = Bool.random(using: &generator) ? .locked : nil
                changes.servers.append(server)
            }
            let next = SteeringSnapshot(
                plan: plan, intent: fixture.intent,
                overrides: EffectiveOverrides(fixture.overrides, in: fixture.intent),
                observations: fixture.observations,
                epoch: 1, now: fixture.now, previous: snapshot, changes: changes)
            let whole = fixture.snapshot(plan)
            if next.servers != whole.servers || next.pools != whole.pools { differing += 1 }
            if next.pools != snapshot.pools { turned += 1 }
            snapshot = next
        }
        #expect(differing == 0)
        #expect(turned > 200)
    }
}
