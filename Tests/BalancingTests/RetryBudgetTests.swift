import Testing
import TrafficModel

@testable import Balancing

@Suite("Retry budget")
struct RetryBudgetTests {
    @Test("ten retries are always allowed")
    func minimum() {
        let budget = RetryBudget()
        for _ in 0..<10 { #expect(budget.take(share: 0, now: 50 * second)) }
        #expect(!budget.take(share: 0, now: 50 * second))
        #expect(budget.refusedCount == 1)
    }

    @Test("above that, a share of the requests", arguments: [(49, 10), (50, 10), (55, 11), (100, 20), (1_000, 200)])
    func share(requests: Int, allowed: Int) {
        let budget = RetryBudget()
        for _ in 0..<requests { budget.countRequest(now: 50 * second) }
        var taken = 0
        while budget.take(share: 0.2, now: 50 * second) { taken += 1 }
        #expect(taken == allowed)
    }

    @Test("requests and retries leave the window after ten seconds")
    func window() {
        let budget = RetryBudget()
        for _ in 0..<1_000 { budget.countRequest(now: 50 * second) }
        for _ in 0..<200 { #expect(budget.take(share: 0.2, now: 59 * second)) }
        #expect(!budget.take(share: 0.2, now: 59 * second + 999_999_999))
        // The requests are gone, the retries are not.
        #expect(!budget.take(share: 0.2, now: 60 * second))
        #expect(!budget.take(share: 0.2, now: 68 * second))
        for _ in 0..<10 { #expect(budget.take(share: 0.2, now: 69 * second)) }
        #expect(!budget.take(share: 0.2, now: 69 * second))
    }

    @Test("the first seconds of a clock, and a ring gone round")
    func edges() {
        let budget = RetryBudget()
        budget.countRequest(now: 0)
        #expect(budget.take(share: 1, now: 0))
        for round in 0..<40 as Range<UInt64> {
            for _ in 0..<100 { budget.countRequest(now: round * 16 * second) }
            var taken = 0
            while budget.take(share: 0.5, now: round * 16 * second) { taken += 1 }
            #expect((49...51).contains(taken))
        }
    }

    @Test("loops that ask at once do not exceed it")
    func racing() async {
        let budget = RetryBudget()
        for _ in 0..<1_000 { budget.countRequest(now: second) }
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<500).reduce(0) { sum, _ in sum + (budget.take(share: 0.2, now: second) ? 1 : 0) } }
            }
            return await group.reduce(0, +)
        }
        #expect((150...200).contains(taken))
    }

    @Test("first choices count as requests, retries do not")
    func counting() {
        var fixture = Fixture(ratios: [1, 1])
        fixture.intent.upstreams[0].retryBudget = 0.5
        let snapshot = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        for _ in 0..<100 {
            _ = loop.pick(snapshot, now: second)
            _ = loop.pick(snapshot, excluding: [0], now: second)
        }
        var taken = 0
        while snapshot.upstreams[0].takeRetry(now: second) { taken += 1 }
        #expect(taken == 50)
        #expect(snapshot.upstreams[0].refusedRetryCount == 1)
    }
}
