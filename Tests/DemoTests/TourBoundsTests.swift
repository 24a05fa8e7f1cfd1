import Addresses
import Testing

@testable import Demo

@Suite("Tour bounds")
struct TourBoundsTests {
    private let start = ContinuousClock.now

    private func ledger(failuresAfter times: [Duration], succeeded: UInt64 = 100) -> ClientLedger.Snapshot {
        var ledger = ClientLedger.Snapshot()
        ledger.succeeded = succeeded
        ledger.failed = UInt64(times.count)
        ledger.failures = times.map { .init(time: start + $0, reason: "timeout") }
        return ledger
    }

    @Test("bounds add up from the configuration")
    func bounds() {
        var timing = DemoPlan.Timing()
        timing.interval = .seconds(2)
        timing.timeout = .milliseconds(500)
        timing.jitterPercent = 10
        timing.fall = 3
        timing.rise = 1
        timing.ttl = 5
        #expect(timing.detection == .milliseconds(7100))
        #expect(timing.recovery == .milliseconds(2700))
        let bounds = TourBounds(timing: timing, margin: .seconds(1))
        #expect(bounds.answersMove == .milliseconds(8100))
        #expect(bounds.failureWindow == .milliseconds(13100))
        #expect(bounds.answersReturn == .milliseconds(6400))
        #expect(bounds.clientsReturn == .milliseconds(11400))
    }

    @Test("a failure inside the window is allowed, one past it is not")
    func window() {
        let before = [ledger(failuresAfter: [.seconds(-3)], succeeded: 90)]
        let mark = TourMark(time: start, ledgers: before)
        let none = mark.verdict([ledger(failuresAfter: [.seconds(-3)])], window: .seconds(2))
        #expect(none.isWithin && none.summary == "0 of 10 requests failed")
        let inside = mark.verdict([ledger(failuresAfter: [.seconds(-3), .seconds(2)])], window: .seconds(2))
        #expect(inside.isWithin && inside.summary == "1 of 11 requests failed, the last after 2.0 s")
        let outside = mark.verdict(
            [ledger(failuresAfter: [.seconds(-3), .seconds(1)]), ledger(failuresAfter: [.milliseconds(2001)])],
            window: .seconds(2))
        #expect(!outside.isWithin && outside.summary.contains("timeout"))
    }

    @Test("failures are counted past the number that keeps its time")
    func limit() {
        let ledger = ClientLedger()
        for _ in 0..<(ClientLedger.failureLimit + 5) { ledger.fail("closed", address: nil, at: start) }
        ledger.succeed(region: "eu", member: "eu-1-1", address: .v4(1))
        let snapshot = ledger.snapshot
        #expect(snapshot.failed == UInt64(ClientLedger.failureLimit + 5))
        #expect(snapshot.failures.count == ClientLedger.failureLimit)
        #expect(snapshot.streak == 1 && snapshot.region == "eu")
    }

    @Test("rates are over whole seconds, and a reset is not a flood")
    func rates() {
        var meter = RateMeter<String>()
        #expect(meter.rate(of: "x", count: 10, now: start) == 0)
        #expect(meter.rate(of: "x", count: 20, now: start + .milliseconds(500)) == 0)
        #expect(meter.rate(of: "x", count: 30, now: start + .seconds(2)) == 10)
        #expect(meter.rate(of: "x", count: 99, now: start + .milliseconds(2500)) == 10)
        #expect(meter.rate(of: "x", count: 5, now: start + .seconds(3)) == 5)
        #expect(meter.rate(of: "x", count: 9, now: start + .seconds(5), window: .seconds(4)) == 5)
        #expect(meter.rate(of: "x", count: 13, now: start + .seconds(7), window: .seconds(4)) == 2)
    }

    @Test("events name what turned, and nothing at the first look")
    func events() {
        var events = DemoEvents()
        events.follow(["eu": .unknown, "eu-1": .up], elapsed: .zero)
        #expect(events.lines.isEmpty)
        events.follow(["eu": .up, "eu-1": .down], elapsed: .seconds(61))
        #expect(events.lines == ["1:01  eu is up", "1:01  eu-1 is seen down"])
        events.follow(["eu": .up, "eu-1": .up], elapsed: .seconds(62))
        #expect(events.lines.last == "1:02  eu-1 is back up")
    }
}
