import Synchronization
import Testing
import TrafficModel

@testable import Balancing

@Suite("What would be chosen, without choosing")
struct SurveyTests {
    @Test("the next member is the one that is chosen, by every method", arguments: Upstream.Method.allCases)
    func next(method: Upstream.Method) throws {
        var fixture = Fixture(method: method, ratios: [5, 1, 3, 0])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 11)
        var held: [Held] = []
        for turn in 0..<300 {
            let survey = loop.survey(of: snapshot.upstreams[0], now: 0)
            #expect(loop.survey(of: snapshot.upstreams[0], now: 0).next == survey.next, "asking takes no turn")
            let taken = loop.lease(snapshot)
            let lease = try #require(taken)
            #expect(survey.step == .available && survey.next == lease.member)
            #expect(survey.candidates.map(\.member) == [0, 1, 2])
            held.append(lease)
            if turn % 3 == 0 { held.removeFirst(held.count / 2) }
        }
    }

    @Test("shares are those of many choices", arguments: Upstream.Method.allCases)
    func shares(method: Upstream.Method) throws {
        var fixture = Fixture(method: method, ratios: [5, 1, 3, 4])
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 5)
        var crowd = LoopBalancer(seed: 6)
        // Some have work already; it stays while shares are measured.
        let held = (0..<6).map { _ in crowd.lease(snapshot) }
        let survey = loop.survey(of: snapshot.upstreams[0], now: 0)
        var counts = [Int](repeating: 0, count: 4)
        for _ in 0..<20_000 { counts[try loop.pick(snapshot).get()] += 1 }
        for candidate in survey.candidates {
            let measured = Double(counts[candidate.member]) / 20_000
            let told = try #require(candidate.share)
            #expect(abs(measured - told) < 0.02, "\(method) member \(candidate.member): \(measured), told \(told)")
        }
        withExtendedLifetime(held) {}
    }

    @Test("each step is told")
    func steps() throws {
        var fixture = Fixture(ratios: [1, 1, 1])
        fixture.intent.upstreams[0].members[2].backup = true
        let loop = LoopBalancer(seed: 1)
        func survey(now: UInt64 = 0) -> MemberSurvey { loop.survey(of: fixture.compile().upstreams[0], now: now) }
        #expect(survey().step == .available)
        fixture.set(.drain, member: 0)
        fixture.set(.down, member: 1)
        #expect(survey().step == .backup && survey().next == 2)
        fixture.set(.disable, member: 2)
        #expect(survey().step == .drained && survey().next == 0)
        fixture.set(.disable, member: 0)
        #expect(survey().step == .none && survey().refusal == .down)
        fixture.set(nil, member: 0)
        let upstream = fixture.compile().upstreams[0]
        upstream.members[0].state.ejectedUntil.store(5 * second, ordering: .relaxed)
        #expect(survey(now: second).step == .ejected && survey(now: second).next == 0)
        #expect(survey(now: 6 * second).step == .available)
    }
}
