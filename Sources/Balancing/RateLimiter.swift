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
        let wait = table.admit(key(of: client), interval: interval, tolerance: tolerance, now: now)
        return wait == 0 ? .pass : .refuse(retryAfter: Self.seconds(wait))
    }

    /// What ``check(client:now:)`` would say, without counting a request.
    ///
    /// - Returns: requests of this client that would pass if they came at once; when none would, after how many seconds
    ///   one does.
    package func outlook(client: IPAddress, now: UInt64) -> (passing: Int, retryAfter: Int?) {
        let lead = table.lead(of: key(of: client), now: now)
        let room = tolerance > lead ? tolerance - lead : 0
        if room >= interval { return (Int(room / interval), nil) }
        return (0, Self.seconds(lead + interval - tolerance))
    }

    private static func seconds(_ wait: UInt64) -> Int { Int((wait + 999_999_999) / 1_000_000_000) }

    private func key(of client: IPAddress) -> UInt128 {
        switch (limit.key, client) {
        // The IPv4-mapped range (RFC 4291 section 2.5.5.2), so that the families cannot meet.
        case (.client, .v4(let value)): 0xffff_0000_0000 | UInt128(value)
        // A subscriber has at least a /64 (RFC 6177), so single addresses would limit nobody.
        case (.client, .v6(let value)): value & IPPrefix.mask6(64)
        case (.route, _): 0
        }
    }

    /// Clients that were forgotten before their time because the table was full: above zero, someone may exceed the
    /// limit.
    package var evictionCount: UInt64 { table.evictionCount }
    /// Requests that were refused.
    package var refusedCount: UInt64 { table.refusedCount }
}
