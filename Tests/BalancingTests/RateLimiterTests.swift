import Addresses
import Testing
import TrafficModel

@testable import Balancing

@Suite("Rate limit")
struct RateLimiterTests {
    private func limiter(
        rate: Double, burst: Int, key: Route.RateLimit.Key = .client, table: RateTable = RateTable(seed: 1)
    ) -> RateLimiter {
        var limit = Route.RateLimit(rate: rate, burst: burst)
        limit.key = key
        return RateLimiter(limit: limit, table: table)
    }

    @Test(
        "a burst passes, then one per interval; the wait is told in whole seconds",
        arguments: [
            (0.1, 1, 10), (0.5, 1, 2), (1.0, 1, 1), (1.0, 5, 1), (10.0, 20, 1),
        ])
    func burst(rate: Double, burst: Int, retryAfter: Int) {
        let limiter = limiter(rate: rate, burst: burst)
        let interval = UInt64(1e9 / rate)
        var now = 1_000 * second
        for _ in 0..<burst { #expect(limiter.check(client: .v4(1), now: now) == .pass) }
        #expect(limiter.check(client: .v4(1), now: now) == .refuse(retryAfter: retryAfter))
        #expect(limiter.check(client: .v4(1), now: now + interval - 1) == .refuse(retryAfter: 1))
        now += interval
        #expect(limiter.check(client: .v4(1), now: now) == .pass)
        #expect(limiter.check(client: .v4(1), now: now) != .pass)
        #expect(limiter.refusedCount == 3)
    }

    @Test("the outlook is what happens, and asking costs nothing")
    func outlook() {
        let limiter = limiter(rate: 2, burst: 5)
        let client = IPAddress.v4(9)
        var random = SeededGenerator(seed: 3)
        var now = 1_000 * second
        for _ in 0..<500 {
            now += random.next() % (3 * second)
            let outlook = limiter.outlook(client: client, now: now)
            #expect(limiter.outlook(client: client, now: now) == outlook)
            var passed = 0
            var verdict = limiter.check(client: client, now: now)
            while verdict == .pass, passed < 10 {
                passed += 1
                verdict = limiter.check(client: client, now: now)
            }
            #expect(passed == outlook.passing)
            if let wait = outlook.retryAfter { #expect(verdict == .refuse(retryAfter: wait)) }
            #expect(limiter.outlook(client: client, now: now).passing == 0)
        }
    }

    /// A bucket that fills at the rate up to the burst: the same rule, told the other way round.
    private struct Reference {
        var level: Double
        var last: UInt64
        let rate: Double
        let burst: Double

        mutating func admit(now: UInt64) -> Bool {
            level = min(burst, level + Double(now - last) * rate / 1e9)
            last = now
            guard level >= 1 - 1e-6 else { return false }
            level -= 1
            return true
        }
    }

    @Test(
        "agrees with a token bucket on random arrivals",
        arguments: [
            (1.0, 1), (2.0, 3), (10.0, 10), (100.0, 1), (1_000.0, 50), (0.25, 4),
        ])
    func reference(rate: Double, burst: Int) {
        var random = SeededGenerator(seed: UInt64(burst))
        let limiter = limiter(rate: rate, burst: burst)
        var now = 5 * second
        var reference = Reference(level: Double(burst), last: now, rate: rate, burst: Double(burst))
        var passed = 0
        for _ in 0..<5_000 {
            // Arrivals at about twice the rate. Whole eighths of the interval, so that no comparison is a tie of
            // rounding; both rules have exact intervals for these rates.
            now += UInt64(random.next() % 9) * (UInt64(1e9 / rate) / 8)
            let expected = reference.admit(now: now)
            #expect((limiter.check(client: .v4(9), now: now) == .pass) == expected)
            passed += expected ? 1 : 0
        }
        #expect((1_000...4_900).contains(passed))
    }

    @Test("clients are told apart: IPv4 by address, IPv6 by /64")
    func clients() throws {
        let limiter = limiter(rate: 1, burst: 1)
        let now = 10 * second
        let groups = [
            ["192.0.2.1"], ["192.0.2.2"], ["2001:db8:0:1::1", "2001:db8:0:1:ffff::9"], ["2001:db8:0:2::1"],
        ]
        for group in groups {
            for (index, text) in group.enumerated() {
                let address = try #require(IPAddress(text))
                #expect((limiter.check(client: address, now: now) == .pass) == (index == 0))
            }
        }
    }

    @Test("a limit on the route is one for all")
    func perRoute() {
        let limiter = limiter(rate: 1, burst: 2, key: .route)
        #expect(limiter.check(client: .v4(1), now: second) == .pass)
        #expect(limiter.check(client: .v6(2), now: second) == .pass)
        #expect(limiter.check(client: .v4(3), now: second) == .refuse(retryAfter: 1))
    }

    @Test("the rate is the node's, not a loop's")
    func shared() async {
        let limiter = limiter(rate: 1, burst: 100, key: .route)
        let passed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<500).reduce(0) { sum, _ in
                        sum + (limiter.check(client: .v4(1), now: second) == .pass ? 1 : 0)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(passed == 100)
    }

    @Test("the table grows to its capacity without forgetting anyone")
    func grows() {
        let table = RateTable(seed: 3, capacity: 65_536)
        let limiter = limiter(rate: 0.001, burst: 1, table: table)
        // An eighth of the capacity, as sets fill unevenly.
        let clients: UInt32 = 8_000
        for client in 0..<clients { #expect(limiter.check(client: .v4(client), now: second) == .pass) }
        #expect(limiter.evictionCount == 0)
        var remembered = 0
        for client in 0..<clients where limiter.check(client: .v4(client), now: 2 * second) != .pass { remembered += 1 }
        #expect(remembered == Int(clients))
    }

    @Test("when it is full, those that used most of their allowance are remembered; the rest is counted")
    func full() {
        let table = RateTable(seed: 4, capacity: 1_024)
        let limiter = limiter(rate: 1, burst: 10, table: table)
        let now = 100 * second
        let heavy = (0..<50).map { IPAddress.v4(UInt32($0)) }
        for client in heavy {
            for _ in 0..<10 { #expect(limiter.check(client: client, now: now) == .pass) }
        }
        for stranger in 0..<50_000 as Range<UInt32> {
            #expect(limiter.check(client: .v4(0x0a00_0000 + stranger), now: now) == .pass)
        }
        #expect(limiter.evictionCount > 40_000)
        for client in heavy { #expect(limiter.check(client: client, now: now) != .pass) }
    }

    @Test("entries whose time has passed are taken over for nothing")
    func expiry() {
        let table = RateTable(seed: 5, capacity: 128)
        let limiter = limiter(rate: 10, burst: 1, table: table)
        var now = second
        for client in 0..<5_000 as Range<UInt32> {
            now += second
            #expect(limiter.check(client: .v4(client), now: now) == .pass)
        }
        #expect(limiter.evictionCount == 0)
    }

    @Test(
        "odd limits are kept in range", arguments: [(0.0, 0), (1e-30, 1), (1e30, 1_000_000), (.infinity, 1), (-1, -1)])
    func odd(rate: Double, burst: Int) {
        let limiter = limiter(rate: rate, burst: burst)
        #expect(limiter.check(client: .v4(1), now: second) == .pass)
    }
}
