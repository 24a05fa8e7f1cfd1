import Testing

@testable import Balancing

@Suite("Durations of requests")
struct DurationStepsTests {
    @Test("each duration counts for the first bound that is not below it")
    func steps() {
        #expect(DurationSteps.count == DurationSteps.bounds.count + 1)
        #expect(DurationSteps.bounds == DurationSteps.bounds.sorted())
        for (index, bound) in DurationSteps.bounds.enumerated() {
            #expect(DurationSteps.step(of: bound - 1) == index)
            #expect(DurationSteps.step(of: bound) == index)
            #expect(DurationSteps.step(of: bound + 1) == index + 1)
        }
        #expect(DurationSteps.step(of: 0) == 0 && DurationSteps.step(of: .max) == DurationSteps.count - 1)
    }

    @Test("tallies of several loops add up, and what had no response has no duration")
    func tallies() {
        let counters = TrafficCounters()
        for loop in 1...3 {
            var tally = TrafficTally()
            tally.count(status: 200, bytes: 10, nanoseconds: 400_000)
            tally.count(status: 503, bytes: 5, nanoseconds: 40_000_000_000)
            tally.count(status: 0, bytes: 0, nanoseconds: 1_000_000)
            counters.add(tally)
            #expect(counters.durations[0] == UInt64(loop) && counters.durations[15] == UInt64(loop))
            #expect(counters.durations.reduce(0, +) == UInt64(2 * loop))
        }
        let totals = counters.totals
        #expect(totals.requests == 9 && totals.successes == 3 && totals.serverErrors == 3 && totals.unanswered == 3)
    }
}
