import Testing
import TrafficModel

@testable import Balancing

@Suite("Passive ejection")
struct EjectionTests {
    @Test("the first failure keeps a member out for the configured time", arguments: PassiveFailure.allCases)
    func first(reason: PassiveFailure) {
        var fixture = Fixture(ratios: [1, 1])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: reason, now: 10 * second))
        let state = snapshot.upstreams[0].members[0].state
        #expect(state.ejectionRemaining(now: 10 * second) == 5 * second)
        #expect(state.latestFailure?.reason == reason)
        #expect(state.latestFailure?.at == 10 * second)
        for _ in 0..<10 { #expect(loop.pick(snapshot, now: 15 * second - 1) == .success(1)) }
        let picks = (0..<10).map { _ in loop.pick(snapshot, now: 15 * second) }
        #expect(picks.contains(.success(0)))
    }

    @Test("a probe of one's own takes a place and is evidence, and is counted as no client's")
    func probe() {
        var fixture = Fixture(ratios: [1, 1])
        let upstream = fixture.compile().upstreams[0]
        let state = upstream.members[0].state
        var loop = LoopBalancer(seed: 1)
        var tried = TriedMembers()
        tried.insert(1)
        for isProbe in [true, false] {
            let choice = loop.choose(from: upstream, excluding: tried, now: second, isProbe: isProbe)
            guard case .member = consume choice else {
                Issue.record("nothing was chosen")
                return
            }
            #expect(state.startedCount == (isProbe ? 0 : 1))
        }
        #expect(upstream.reportFailure(member: 0, reason: .refused, now: second, isProbe: true))
        #expect(state.failureCount == 0 && state.ejectionCount == 1 && state.latestFailure?.reason == .refused)
    }

    @Test("doubles while it repeats, up to ten times; a success starts over")
    func doubling() {
        var fixture = Fixture(ratios: [1, 1])
        let snapshot = fixture.compile()
        let state = snapshot.upstreams[0].members[0].state
        var now = second
        for factor: UInt64 in [1, 2, 4, 8, 10, 10, 10] {
            #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: now))
            #expect(state.ejectionRemaining(now: now) == factor * 5 * second)
            now += factor * 5 * second
        }
        #expect(state.ejectionCount == 7)
        var loop = LoopBalancer(seed: 1)
        loop.lease(snapshot, excluding: [1], now: now)?.reportSuccess()
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .reset, now: now))
        #expect(state.ejectionRemaining(now: now) == 5 * second)
    }

    @Test("a hundred connections that die at once are one ejection")
    func burst() {
        var fixture = Fixture(ratios: [1, 1])
        let snapshot = fixture.compile()
        let reports = (0..<100).map { _ in
            snapshot.upstreams[0].reportFailure(member: 0, reason: .reset, now: second)
        }
        #expect(reports.filter { $0 }.count == 1)
        let state = snapshot.upstreams[0].members[0].state
        #expect(state.failureCount == 100)
        #expect(state.ejectionRemaining(now: second) == 5 * second)
    }

    @Test("the last member that could be chosen stays", arguments: [true, false])
    func lastStays(otherIsDown: Bool) {
        var fixture = Fixture(ratios: [1, 1])
        if otherIsDown { fixture.set(.down, member: 1) }
        let snapshot = fixture.compile()
        if !otherIsDown {
            #expect(snapshot.upstreams[0].reportFailure(member: 1, reason: .refused, now: second))
        }
        #expect(!snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: second))
        #expect(snapshot.upstreams[0].members[0].state.failureCount == 1)
        var loop = LoopBalancer(seed: 1)
        #expect(loop.pick(snapshot, now: second) == .success(0))
    }

    @Test("a backup is somebody else")
    func backupCounts() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].members[1].backup = true
        let snapshot = fixture.compile()
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: second))
        var loop = LoopBalancer(seed: 1)
        #expect(loop.pick(snapshot, now: second) == .success(1))
    }

    @Test("when all that is left is ejected, the one that returns first is tried, and its success takes it back")
    func failOpen() {
        var fixture = Fixture(ratios: [1, 1, 1])
        let snapshot = fixture.compile()
        let upstream = snapshot.upstreams[0]
        #expect(upstream.reportFailure(member: 1, reason: .refused, now: second))
        #expect(upstream.reportFailure(member: 0, reason: .refused, now: 2 * second))
        var loop = LoopBalancer(seed: 1)
        #expect(loop.pick(snapshot, excluding: [2], now: 3 * second) == .success(1))
        #expect(loop.pick(snapshot, excluding: [1, 2], now: 3 * second) == .success(0))
        #expect(loop.pick(snapshot, excluding: [0, 1, 2], now: 3 * second) == .failure(Refusal(reason: .tried)))
        guard let lease = loop.lease(snapshot, excluding: [2], now: 3 * second) else {
            Issue.record("no lease")
            return
        }
        #expect(lease.whileEjected)
        lease.reportSuccess()
        #expect(upstream.members[1].state.ejectionRemaining(now: 3 * second) == 0)
        #expect(upstream.members[0].state.ejectionRemaining(now: 3 * second) > 0)
    }

    @Test("the success of an older request does not end an ejection")
    func olderSuccess() {
        var fixture = Fixture(ratios: [1, 1])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        guard let older = loop.lease(snapshot, excluding: [1], now: second) else {
            Issue.record("no lease")
            return
        }
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .reset, now: second))
        older.reportSuccess()
        #expect(older.state.ejectionRemaining(now: second) == 5 * second)
    }

    @Test("an ejection time of zero turns it off")
    func off() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].ejectionTime = .zero
        let snapshot = fixture.compile()
        #expect(!snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: second))
    }

    @Test("absurd durations do not overflow")
    func absurd() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].ejectionTime = .seconds(Int64.max)
        fixture.intent.upstreams[0].slowStart = .seconds(Int64.max)
        fixture.intent.upstreams[0].connectTimeout = .seconds(Int64.max)
        let snapshot = fixture.compile()
        #expect(snapshot.upstreams[0].connectTimeout == .max)
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: second))
        var loop = LoopBalancer(seed: 1)
        #expect(loop.pick(snapshot, now: 100 * second) == .success(1))
    }
}

@Suite("Slow start")
struct SlowStartTests {
    /// The share of member 0 of two, `age` after it came up, in a thousand picks.
    private func share(method: Upstream.Method, age: UInt64, slowStart: Duration) -> Double {
        var fixture = Fixture(method: method, ratios: [1, 1])
        fixture.intent.upstreams[0].slowStart = slowStart
        fixture.set(.down, member: 0)
        _ = fixture.compile(now: 100 * second)
        fixture.set(.up, member: 0)
        let snapshot = fixture.compile(now: 200 * second)
        var loop = LoopBalancer(seed: 1)
        var count = 0
        for _ in 0..<10_000 where loop.pick(snapshot, now: 200 * second + age) == .success(0) { count += 1 }
        return Double(count) / 10_000
    }

    @Test(
        "the weight grows linearly to full", arguments: [0, 1, 2, 5, 8, 10, 11],
        [
            Upstream.Method.roundRobin, .ratio, .leastConnections, .randomTwo,
        ])
    func curve(age: Int, method: Upstream.Method) {
        let weight = min(Double(age) / 10, 1)
        let expected = max(weight, 1.0 / 256) / (max(weight, 1.0 / 256) + 1)
        let measured = share(method: method, age: UInt64(age) * second, slowStart: .seconds(10))
        // The draws of random two are random; the turns are exact.
        #expect(abs(measured - expected) < (method == .randomTwo ? 0.02 : 0.004))
    }

    @Test("without it a member is taken fully at once")
    func none() { #expect(abs(share(method: .roundRobin, age: 0, slowStart: .zero) - 0.5) < 0.001) }

    @Test("the members of a new upstream do not start slowly, one that joins later does")
    func joining() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].slowStart = .seconds(10)
        var loop = LoopBalancer(seed: 1)
        let first = fixture.compile(now: 100 * second)
        var counts = [0, 0, 0]
        for _ in 0..<1_000 {
            if let member = try? loop.pick(first, now: 100 * second).get() { counts[member] += 1 }
        }
        #expect(abs(counts[0] - 500) <= 2)
        fixture.intent.upstreams[0].members.append(Upstream.Member(endpoint: Fixture.endpoint(2)))
        let later = fixture.compile(now: 200 * second)
        counts = [0, 0, 0]
        for _ in 0..<1_000 {
            if let member = try? loop.pick(later, now: 201 * second).get() { counts[member] += 1 }
        }
        #expect((40...55).contains(counts[2]))
    }

    @Test("a member that returns from an ejection starts slowly too")
    func afterEjection() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].slowStart = .seconds(10)
        let snapshot = fixture.compile(now: second)
        #expect(snapshot.upstreams[0].reportFailure(member: 0, reason: .refused, now: 100 * second))
        var loop = LoopBalancer(seed: 1)
        var count = 0
        for _ in 0..<1_000 where loop.pick(snapshot, now: 106 * second) == .success(0) { count += 1 }
        #expect((80...100).contains(count))
    }
}
