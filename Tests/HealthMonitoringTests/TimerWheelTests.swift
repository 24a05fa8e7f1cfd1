import TestSupport
import Testing
import TrafficModel

@testable import HealthMonitoring

@Suite("Timer wheel")
struct TimerWheelTests {
    @Test(
        "fires in the first tick at or after the deadline, once",
        arguments: [
            (0, 10), (1, 10), (9, 10), (10, 10), (11, 20), (20, 20), (79, 80), (80, 80), (81, 90), (1_000, 1_000),
        ] as [(UInt64, UInt64)])
    func single(deadline: UInt64, fires: UInt64) {
        var wheel = TimerWheel(slots: 8, tickLength: 10, now: 0)
        wheel.schedule(3, at: deadline)
        for now in 0..<fires { #expect(wheel.popDue(now: now) == nil) }
        #expect(wheel.popDue(now: fires) == 3)
        for now in fires..<fires + 200 { #expect(wheel.popDue(now: now) == nil) }
        #expect(wheel.count == 0)
    }

    @Test("does what a plain list does, under random use", arguments: 0..<40)
    func againstNaive(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let tick: UInt64 = [1, 7, 20][Int(random.next() % 3)]
        var now = random.next() % 10_000
        var wheel = TimerWheel(slots: [1, 2, 16][Int(random.next() % 3)], tickLength: tick, now: now)
        // Timer to the time it fires at, by the documented rule.
        var naive: [Int: UInt64] = [:]
        for _ in 0..<2_000 {
            let timer = Int(random.next() % 40)
            switch random.next() % 4 {
            case 0, 1:
                let deadline = now + random.next() % (tick * 50)
                wheel.schedule(timer, at: deadline)
                naive[timer] = max((deadline + tick - 1) / tick, now / tick + 1) * tick
            case 2:
                wheel.cancel(timer)
                naive[timer] = nil
            default:
                now += random.next() % (tick * [1, 3, 100][Int(random.next() % 3)])
                var fired: Set<Int> = []
                while let timer = wheel.popDue(now: now) {
                    #expect(fired.insert(timer).inserted)
                }
                let expected = Set(naive.filter { $0.value <= now }.keys)
                #expect(fired == expected)
                for timer in expected { naive[timer] = nil }
            }
            #expect(wheel.count == naive.count)
        }
    }

    @Test("a timer that is due can still be cancelled or moved, also while others are taken")
    func whileDue() {
        var wheel = TimerWheel(slots: 4, tickLength: 1, now: 0)
        for timer in 0..<4 { wheel.schedule(timer, at: 5) }
        #expect(wheel.popDue(now: 5) == 0)
        wheel.cancel(1)
        wheel.schedule(2, at: 5)
        wheel.schedule(0, at: 6)
        #expect(wheel.popDue(now: 5) == 3)
        #expect(wheel.popDue(now: 5) == nil)
        let last = Set([wheel.popDue(now: 6), wheel.popDue(now: 6)])
        #expect(last == [0, 2])
        #expect(wheel.popDue(now: 6) == nil)
    }

    @Test("those of one tick fire in the order they were scheduled in")
    func order() {
        var wheel = TimerWheel(slots: 4, tickLength: 1, now: 0)
        for timer in [3, 1, 2, 0] { wheel.schedule(timer, at: 9) }
        for timer in [3, 1, 2, 0] { #expect(wheel.popDue(now: 9) == timer) }
    }

    @Test("cancelling what was never scheduled does nothing")
    func unknown() {
        var wheel = TimerWheel(slots: 4, tickLength: 1, now: 0)
        wheel.cancel(77)
        #expect(wheel.count == 0)
    }
}

@Suite("Pace of probes")
struct ScheduleTests {
    @Test("stays within the jitter, and uses all of it", arguments: [0.0, 0.1, 0.5, 0.9, -1])
    func jitter(jitter: Double) {
        var monitor = Monitor(name: "m", check: .tcp)
        monitor.interval = .seconds(10)
        monitor.jitter = jitter
        let effective = min(max(jitter, 0), 0.5)
        var random = SplitMix64(seed: 1)
        let delays = (0..<2_000).map { _ in Double(monitor.delay(afterFirst: false, using: &random)) / 1e10 }
        #expect(delays.allSatisfy { $0 >= 1 - effective - 1e-9 && $0 <= 1 + effective + 1e-9 })
        guard let least = delays.min(), let most = delays.max() else { return }
        #expect(least <= 1 - effective * 0.98 && most >= 1 + effective * 0.98)
    }

    @Test("the crowd of the first round disperses within one interval")
    func disperse() {
        var monitor = Monitor(name: "m", check: .tcp)
        monitor.interval = .seconds(10)
        var random = SplitMix64(seed: 2)
        var tenths = Array(repeating: 0, count: 11)
        for _ in 0..<9_000 { tenths[Int(monitor.delay(afterFirst: true, using: &random) / 1_000_000_000)] += 1 }
        #expect(tenths[0] == 0)
        #expect(tenths[1...9].allSatisfy { (850...1_150).contains($0) })
    }
}
