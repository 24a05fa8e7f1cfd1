import Addresses
import Authority
import DNSWire
import Testing
import TrafficModel

@Suite("What a thread counts")
struct CounterTests {
    @Test("queries count by type and transport, responses by outcome and code")
    func codes() throws {
        var fixture = Fixture()
        _ = try fixture.ask("api.example.com", .txt)
        _ = try fixture.ask("missing.example.com", .a)
        _ = try fixture.ask("elsewhere.test", .a)
        let counters = fixture.responder.counters
        #expect(counters.value(.txt, overTCP: false) == 1 && counters.value(.txt, overTCP: true) == 0)
        #expect(counters.value(.a, overTCP: false) == 2 && counters.value(WorkerCounters.Question.a) == 2)
        #expect(counters.value(.nameError, code: 3) == 1 && counters.value(.nameError) == 1)
        #expect(counters.value(.refused, code: 5) == 1)
        #expect(Outcome.allCases.reduce(0) { $0 + counters.value($1) } == 3)
    }

    @Test("codes have their names", arguments: [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED")])
    func names(code: Int, name: String) {
        #expect("\(Outcome.answered.codeName(code))" == name)
        #expect("\(Outcome.badVersion.codeName(0))" == "BADVERS" && "\(Outcome.cookie.codeName(7))" == "BADCOOKIE")
    }

    @Test("a batch counts for each of its queries, in the step that holds its time")
    func durations() {
        let counters = WorkerCounters()
        counters.count(queries: 64, nanoseconds: 10_000)
        counters.count(queries: 1, nanoseconds: 10_001)
        counters.count(queries: 2, nanoseconds: 5_000_000_000)
        let durations = counters.durations
        #expect(durations.counts.count == WorkerCounters.durationBounds.count + 1)
        #expect(durations.counts[0] == 64 && durations.counts[1] == 1 && durations.counts.last == 2)
        #expect(durations.nanoseconds == 64 * 10_000 + 10_001 + 10_000_000_000)
    }
}
