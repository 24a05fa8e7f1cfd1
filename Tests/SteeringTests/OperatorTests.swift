import Addresses
import DNSWire
import Steering
import Testing
import TrafficModel

@testable import Geography

private func entry(_ verdict: Overrides.Verdict, to target: String? = nil, factor: Double = 1) -> Overrides.Entry {
    .init(verdict: verdict, target: target, factor: factor, reason: "test")
}

@Suite("What operators do to names")
struct OperatorTests {
    @Test("what is disabled is not answered where all else is down; what is forced down is")
    func disabled() {
        var fixture = StageFixture(.available, .otherwise, pools: 3)
        fixture.overrides.entries[.pool("p1")] = entry(.forceDown)
        fixture.overrides.entries[.pool("p2")] = entry(.forceDown)
        fixture.overrides.entries[.region("r0")] = entry(.disable)
        #expect(fixture.decide().answer == .alias(pool: 1))
        fixture.overrides.entries[.pool("p1")] = entry(.disable)
        #expect(fixture.decide().answer == .alias(pool: 2))
        fixture.overrides.entries[.pool("p2")] = entry(.disable)
        #expect(fixture.decide().answer == .noData)
    }

    @Test("where all is disabled, an answer that no pool gives is still given")
    func fallback() {
        var fixture = StageFixture(
            .available, .topology(Topology([])), .roundRobin, .weigh(by: .ratio), .draw, .persist(v4: 24, v6: 56),
            .take(1), .otherwise, .answer(.code(5, ttl: nil)), pools: 2)
        fixture.overrides.entries[.pool("*")] = entry(.disable)
        #expect(fixture.decide().answer == .failure(rcode: 5))
        var without = StageFixture(.roundRobin, .draw, pools: 2)
        without.overrides.entries[.pool("*")] = entry(.disable)
        #expect(without.decide().answer == .noData)
    }

    @Test("a pool's own name answers with what is disabled rather than with nothing, and never beside what works")
    func hosts() {
        var fixture = StageFixture(.available, pools: 1)
        let address = IPAddress.v4(0xC000_02FF)
        fixture.intent.virtualServers.append(
            VirtualServer(name: "other", endpoint: Endpoint(address: address, port: 80), region: 0))
        fixture.intent.pools[0].virtualServers = [0, 1]
        let hosts = { (fixture: StageFixture) in
            fixture.snapshot().decide("203.0.113.9", of: .poolHost(0)).chosenServers
        }
        fixture.overrides.entries[.virtualServer("s0")] = entry(.disable)
        fixture.overrides.entries[.virtualServer("other")] = entry(.forceDown)
        #expect(hosts(fixture) == [1], "open: what is down, but not what is disabled")
        fixture.overrides.entries[.virtualServer("other")] = entry(.disable)
        #expect(Set(hosts(fixture)) == [0, 1])
    }

    @Test(
        "a wide IP as a whole",
        arguments: [
            (Overrides.Verdict.disable, SteeringDecision.Answer.noData), (.forceUp, .alias(pool: 0)),
            (.forceDown, .failure(rcode: 2)),
        ])
    func wideIPs(verdict: Overrides.Verdict, answer: SteeringDecision.Answer) {
        var fixture = StageFixture(.available, .otherwise, .answer(.code(2, ttl: nil)), pools: 2)
        fixture.overrides.entries[.pool("p0")] = entry(.forceDown)
        #expect(fixture.decide().answer == .alias(pool: 1))
        fixture.overrides.entries[.wideIP("www.*")] = entry(verdict)
        #expect(fixture.decide().answer == answer)
    }

    // MARK: Weights

    @Test("factors multiply ratios, within a hundredth", arguments: [[1, 1, 1], [3, 2, 1], [60_000, 1, 30_000]])
    func weights(ratios: [Int]) {
        var fixture = StageFixture(.available, .weigh(by: .ratio), .draw, pools: 3, ratios: ratios)
        fixture.overrides.weights[.pool("p0")] = entry(.weight, factor: 0.25)
        fixture.overrides.weights[.region("r2")] = entry(.weight, factor: 2)
        let wanted = [Double(ratios[0]) * 0.25, Double(ratios[1]), Double(ratios[2]) * 2]
        let shares = fixture.snapshot().shares(100_000, pools: 3)
        for (share, part) in zip(shares, wanted) {
            #expect(abs(share - part / wanted.reduce(0, +)) < 0.01, "\(shares)")
        }
        fixture.overrides.weights[.pool("p0")] = entry(.weight, factor: 0)
        #expect(fixture.snapshot().shares(1000, pools: 3)[0] == 0)
    }

    @Test("factors multiply measured shares, and count alone where nothing is measured", arguments: [true, false])
    func measuredWeights(isMeasured: Bool) {
        var fixture = StageFixture(.available, .weigh(by: .criterion(.capacity)), .draw, pools: 2)
        if isMeasured { fixture.measure(.capacity, [100, 300]) }
        fixture.overrides.weights[.pool("p1")] = entry(.weight, factor: 2)
        let shares = fixture.snapshot().shares(100_000, pools: 2)
        #expect(abs(shares[1] - (isMeasured ? 6.0 / 7 : 2.0 / 3)) < 0.01, "\(shares)")
    }

    // MARK: Cutovers

    @Test("a cutover takes all clients over, whether what it leaves works or not, and stays when the new one fails")
    func cutover() {
        var fixture = StageFixture(.available, .otherwise, pools: 3)
        fixture.overrides.entries[.region("r0")] = entry(.cutover, to: "r2")
        #expect(fixture.decide().answer == .alias(pool: 2))
        fixture.disable(0)
        #expect(fixture.decide().answer == .alias(pool: 2), "not to the second: that is what the cutover is for")
        fixture.disable(2)
        #expect(fixture.decide().answer == .alias(pool: 1), "both are out, and the third is next")
        fixture.disable(1)
        fixture.intent.virtualServers[2].enabled = true
        fixture.overrides.entries[.pool("p2")] = entry(.forceDown)
        #expect(fixture.decide().answer == .alias(pool: 2), "nobody comes back by itself")
        #expect(fixture.decide().scope == 0)
    }

    // MARK: Shifts

    private func shifted(_ fixture: StageFixture, _ progress: Double) -> SteeringSnapshot {
        var state = OperatorState()
        state.overrides = fixture.overrides
        state.shifts[1] = Shift(
            wideIP: "*", kind: .region, from: "r0", to: "r1", share: 1, slope: 0, progress: progress)
        return SteeringSnapshot(
            plan: fixture.plan(), intent: fixture.intent,
            overrides: EffectiveOverrides(state, windows: [:], in: fixture.intent), observations: Observations(),
            epoch: 1)
    }

    @Test("a shift moves its part of the networks, within a hundredth", arguments: [0, 0.01, 0.3, 0.5, 0.99, 1])
    func shares(part: Double) {
        let fixture = StageFixture(.available, pools: 3)
        let shares = shifted(fixture, part).shares(100_000, pools: 3)
        #expect(abs(shares[1] - part) < 0.01 && shares[2] == 0, "\(shares)")
    }

    @Test("who was moved stays moved while a shift grows, and its answers hold for a /24")
    func growth() {
        let fixture = StageFixture(.available, pools: 2)
        let snapshots = [0.1, 0.2, 0.5, 0.9, 1].map { shifted(fixture, $0) }
        for index in 0..<5000 {
            let client = "\(index % 223 + 1).\(index / 223).7.9"
            let pools = snapshots.map { $0.decide(client).pool }
            #expect(pools == pools.sorted(), "\(client): \(pools)")
        }
        #expect(snapshots[1].decide("198.51.100.7").scope == 24)
        #expect(snapshots[4].decide("198.51.100.7").scope == 0, "all alike again")
    }

    @Test("nobody is moved to what does not work, and clients of other pools are not looked at")
    func bounds() {
        var fixture = StageFixture(.available, pools: 3)
        fixture.overrides.entries[.pool("p1")] = entry(.drain)
        #expect(shifted(fixture, 1).decide("203.0.113.9").answer == .alias(pool: 0))
        fixture.overrides.entries[.pool("p1")] = nil
        fixture.overrides.entries[.pool("p0")] = entry(.forceDown)
        fixture.overrides.entries[.pool("p1")] = entry(.forceDown)
        let decision = shifted(fixture, 0.5).decide("203.0.113.9")
        #expect(decision.answer == .alias(pool: 2) && decision.scope == 0)
    }

    @Test("explain says what a shift did with the client, and decides as the wire does")
    func explain() {
        let fixture = StageFixture(.available, .roundRobin, pools: 2)
        let snapshot = shifted(fixture, 0.4)
        for index in 0..<2000 {
            let client = ClientNetwork(address: .v4(UInt32(index) &* 2_654_435_761))
            var decision = SteeringDecision()
            snapshot.decide(.wideIP(0), family: .v4, client: client, sequence: UInt64(index), into: &decision)
            let record = snapshot.explain(.wideIP(0), family: .v4, client: client, sequence: UInt64(index))
            #expect(record.decision.answer == decision.answer && record.decision.scope == decision.scope)
            if let redirection = record.redirection {
                #expect(redirection.isMoved == (decision.pool == 1))
                #expect(abs(redirection.part - 0.4) < 0.001)
            }
        }
    }
}
