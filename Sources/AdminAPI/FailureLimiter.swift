import Addresses
import Synchronization

/// How often each source showed wrong credentials of late. Who did too often is not listened to for a while.
///
/// Sources are IPv4 addresses and IPv6 /64 networks. The table is bounded: when it is full of sources that all still
/// count, the one whose record ends first is forgotten.
final class FailureLimiter: Sendable {
    /// Failures that are let pass at once.
    static let burst = 10
    /// One more each.
    static let interval = Duration.seconds(3)
    static let capacity = 4096

    /// When the record of each source ends: each failure adds an interval.
    private let ends = Mutex<[IPPrefix: ContinuousClock.Instant]>([:])

    /// Seconds until the source may try again; `nil`: it may now.
    func wait(for source: IPAddress, now: ContinuousClock.Instant = .now) -> Int? {
        let end = ends.withLock { $0[Self.key(source)] }
        guard let end, end > now + Self.interval * (Self.burst - 1) else { return nil }
        let rest = end - (now + Self.interval * (Self.burst - 1))
        return max(1, Int((rest / .seconds(1)).rounded(.up)))
    }

    func recordFailure(of source: IPAddress, now: ContinuousClock.Instant = .now) {
        ends.withLock { ends in
            let key = Self.key(source)
            if ends[key] == nil, ends.count >= Self.capacity {
                ends = ends.filter { $0.value > now }
                if ends.count >= Self.capacity, let first = ends.min(by: { $0.value < $1.value })?.key {
                    ends[first] = nil
                }
            }
            ends[key] = max(ends[key] ?? now, now) + Self.interval
        }
    }

    var count: Int { ends.withLock { $0.count } }

    /// The source of an address.
    static func key(_ source: IPAddress) -> IPPrefix {
        switch source {
        case .v4: IPPrefix(source, length: 32) ?? IPPrefix(.v4(0), length: 0)!
        case .v6(let value): IPPrefix(.v6(value & IPPrefix.mask6(64)), length: 64) ?? IPPrefix(.v4(0), length: 0)!
        }
    }
}
