import Addresses
import Testing
import TrafficModel

@testable import Steering

/// One monitored virtual server under a rule, on a clock of seconds.
private final class FailbackFixture {
    var intent = Intent()
    var tracker: FailbackTracker
    private var health: [HealthTarget: HealthState] = [:]
    private let target: HealthTarget

    init(
        hold: Duration = .zero, manual: Bool = false, damping: Failback.Damping? = nil, locked: Set<String> = []
    ) {
        var failback = Failback()
        failback.hold = hold
        failback.manual = manual
        failback.damping = damping
        intent.regions = [Region(name: "r")]
        intent.monitors = [Monitor(name: "m", check: .tcp)]
        var server = VirtualServer(name: "s", endpoint: Endpoint(address: .v4(1), port: 80), region: 0)
        server.monitors = [0]
        server.failback = failback
        intent.virtualServers = [server]
        target = HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[0])
        tracker = FailbackTracker(locked: locked)
    }

    /// The condition after this state was seen at this second.
    func see(_ state: HealthState?, at second: Double) -> ServerCondition? {
        if let state { health[target] = state }
        _ = tracker.update(
            intent, servers: FailbackTracker.servers(in: intent), health: health, now: UInt64(second * 1e9))
        return tracker.conditions["s"]
    }
}

@Suite("Coming back after being down")
struct FailbackTests {
    @Test("held down until it has been up for as long as asked, without a break")
    func hold() {
        let fixture = FailbackFixture(hold: .seconds(30))
        #expect(fixture.see(nil, at: 0) == nil)
        #expect(fixture.see(.up, at: 1) == nil)
        #expect(fixture.see(.down, at: 10) == nil)
        #expect(fixture.see(.up, at: 20) == .held(until: 50_000_000_000))
        #expect(fixture.see(nil, at: 49.9) == .held(until: 50_000_000_000))
        #expect(fixture.see(.down, at: 49.95) == nil)
        #expect(fixture.see(.up, at: 60) == .held(until: 90_000_000_000))
        #expect(fixture.see(nil, at: 90) == nil)
        #expect(fixture.see(nil, at: 91) == nil)
    }

    @Test("what comes up first was down for all that is known, and is held too; what was never up has not fallen")
    func start() {
        let fixture = FailbackFixture(
            hold: .seconds(5), manual: true, damping: .init(falls: 2, halfLife: .seconds(100)))
        #expect(fixture.see(.down, at: 0) == nil)
        #expect(fixture.see(.up, at: 1) == .held(until: 6_000_000_000))
        #expect(fixture.see(nil, at: 6) == nil)
    }

    @Test("a monitor that begins anew changes nothing")
    func unknown() {
        let fixture = FailbackFixture(hold: .seconds(5))
        _ = fixture.see(.up, at: 0)
        _ = fixture.see(.down, at: 1)
        #expect(fixture.see(.unknown, at: 2) == nil)
        #expect(fixture.see(.up, at: 3) == .held(until: 8_000_000_000))
        #expect(fixture.see(.unknown, at: 4) == .held(until: 8_000_000_000))
    }

    @Test("so many falls keep it out until half of the penalty is left; falls far apart do not")
    func damping() {
        let fixture = FailbackFixture(damping: .init(falls: 3, halfLife: .seconds(100)))
        _ = fixture.see(.up, at: 0)
        for second in [1.0, 2, 3] {
            _ = fixture.see(.down, at: second)
            let condition = fixture.see(.up, at: second + 0.5)
            #expect((condition != nil) == (second == 4), "three falls decay to less than three")
        }
        _ = fixture.see(.down, at: 4)
        // The penalty is 3.95 or so, and half of the limit is 1.5.
        guard case .damped(let until)? = fixture.see(.up, at: 5) else {
            Issue.record("not damped")
            return
        }
        #expect((120...160).contains(Double(until) / 1e9), "\(until)")
        #expect(fixture.see(nil, at: Double(until) / 1e9 - 1) == .damped(until: until))
        #expect(fixture.see(nil, at: Double(until) / 1e9) == nil)

        let slow = FailbackFixture(damping: .init(falls: 3, halfLife: .seconds(100)))
        _ = slow.see(.up, at: 0)
        for round in 1...20 {
            _ = slow.see(.down, at: Double(round) * 100)
            #expect(slow.see(.up, at: Double(round) * 100 + 1) == nil)
        }
    }

    @Test("however often it falls, it is out for three half-lives at most after the last time")
    func bound() {
        let fixture = FailbackFixture(damping: .init(falls: 2, halfLife: .seconds(10)))
        _ = fixture.see(.up, at: 0)
        for round in 0..<1000 {
            _ = fixture.see(.down, at: Double(round) / 1000)
            _ = fixture.see(.up, at: Double(round) / 1000 + 0.0005)
        }
        #expect(fixture.see(nil, at: 30) != nil)
        #expect(fixture.see(nil, at: 31.1) == nil)
    }

    @Test("an operator must resume it; a lock outlives the process and ends with the rule")
    func manual() {
        let fixture = FailbackFixture(manual: true)
        _ = fixture.see(.up, at: 0)
        let early = fixture.tracker.resume("s")
        #expect(!early)
        #expect(fixture.see(.down, at: 1) == .locked)
        #expect(fixture.see(.up, at: 2) == .locked)
        #expect(fixture.see(nil, at: 9999) == .locked)
        let other = FailbackFixture(manual: true, locked: fixture.tracker.locked)
        #expect(other.see(.up, at: 0) == .locked)
        let (first, second) = (fixture.tracker.resume("s"), fixture.tracker.resume("s"))
        #expect(first && !second)
        #expect(fixture.see(nil, at: 10_000) == nil)
        other.intent.virtualServers[0].failback?.manual = false
        #expect(other.see(nil, at: 1) == nil)
        other.intent.virtualServers[0].failback = nil
        #expect(other.see(nil, at: 1) == nil)
        #expect(other.tracker.locked.isEmpty)
    }

    @Test("after a resumption the hold still counts")
    func resumedAndHeld() {
        let fixture = FailbackFixture(hold: .seconds(10), manual: true)
        _ = fixture.see(.up, at: 0)
        _ = fixture.see(.down, at: 1)
        #expect(fixture.see(.up, at: 5) == .locked)
        let isResumed = fixture.tracker.resume("s")
        #expect(isResumed)
        #expect(fixture.see(nil, at: 6) == .held(until: 15_000_000_000))
    }

    @Test("a region's rule holds for its virtual servers unless they have their own")
    func region() {
        let fixture = FailbackFixture(hold: .seconds(1))
        var rule = Failback()
        rule.hold = .seconds(9)
        fixture.intent.regions[0].failback = rule
        #expect(fixture.intent.failback(of: fixture.intent.virtualServers[0])?.hold == .seconds(1))
        fixture.intent.virtualServers[0].failback = nil
        #expect(fixture.intent.failback(of: fixture.intent.virtualServers[0])?.hold == .seconds(9))
        fixture.intent.virtualServers[0].failback = Failback()
        #expect(fixture.intent.failback(of: fixture.intent.virtualServers[0]) == nil)
    }
}
