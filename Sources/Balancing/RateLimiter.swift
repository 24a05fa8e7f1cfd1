package import Addresses
package import TrafficModel

/// A route's rate limit on its table. The rate is the node's, whatever the number of loops.
package struct RateLimiter: Sendable {
    package enum Verdict: Sendable, Hashable {
        case pass
        /// Answer 429; the whole seconds to put in `Retry-After`, at least 1.
        case refuse(retryAfter: Int)
    }

    package let limit: Route.RateLimit
    private let table: RateTable
    /// Nanoseconds from one request to the next at the full rate.
    private let interval: UInt64
    /// How far ahead of the clock the arrival times may run.
    private let tolerance: UInt64

    init(limit: Route.RateLimit, table: RateTable) {
        self.limit = limit
        self.table = table
        // Slower than one in eleven days, or faster than one a nanosecond, is not told apart.
        let nanoseconds = limit.rate > 0 ? (1e9 / limit.rate).rounded() : .infinity
        interval = UInt64(min(max(nanoseconds, 1), 1e15))
        tolerance = interval * UInt64(min(max(limit.burst, 1), 1_000))
    }

    /// Judges one request and, if it passes, counts it. `now` is monotonic nanoseconds.
    package func check(client: IPAddress, now: UInt64) -> Verdict {
        let key: UInt128 =
            switch (limit.key, client) {
            // The IPv4-mapped range (RFC 4291 section 2.5.5.2), so that the families cannot meet.
            case (.client, .v4(let value)): 0xffff_0000_0000 | UInt128(value)
            // A subscriber has at least a /64 (RFC 6177), so single addresses would limit nobody.
            case (.client, .v6(let value)): value & IPPrefix.mask6(64)
            case (.route, _): 0
            }
        let wait = table.admit(key, interval: interval, tolerance: tolerance, now: now)
        return wait == 0 ? .pass : .refuse(retryAfter: Int((wait + 999_999_999) / 1_000_000_000))
    }

    /// Clients that were forgotten before their time because the table was full: above zero, someone may exceed the
    /// limit.
    package var evictionCount: UInt64 { table.evictionCount }
    /// Requests that were refused.
    package var refusedCount: UInt64 { table.refusedCount }
}
