import Addresses
import FlatTables
import TrafficModel

/// Counts the responses of one thread by network and kind, in a table of fixed size.
///
/// Each entry is a token bucket kept as one number: the time at which the bucket is full again (the generic cell rate
/// algorithm). Of a second's worth of tokens all may be spent at once. Entries lie in sets of four, which fill a cache
/// line. A network that finds its set full takes the place of the entry that is full again, or will be first: a network
/// in trouble is forgotten only when three others of the set are in deeper trouble, and then it is answered, not
/// refused. So a flood with ever new source addresses costs a limiter its memory of networks, never an answer to others.
struct ResponseRateLimiter: ~Copyable {
    enum Verdict {
        case send
        /// An empty response with TC: a real client comes back over TCP.
        case truncate
        case drop
    }

    /// Sets of the table: 16,384 networks and kinds, 256 KiB.
    static let setBits: UInt64 = 12
    static let ways = 4
    private static let setWords = 2 * ways
    /// Where a key's count of responses over the limit is kept.
    private static let slipMask: UInt64 = 15
    private static let second: UInt64 = 1_000_000_000

    /// Key and time of each entry in turn. Made when the first response is limited by a configuration.
    private var words: [UInt64] = []
    /// Entries that were not full again when another took their place.
    private(set) var displaced = 0

    init() {}

    /// - Parameters:
    ///   - share: how many threads the responses to a network are spread over.
    ///   - now: monotonic nanoseconds.
    mutating func verdict(
        _ kind: ResponseRateLimit.Kind, to address: IPAddress, policy: RateLimitPolicy, share: UInt64, seed: UInt64,
        now: UInt64
    ) -> Verdict {
        let interval = policy.intervals[kind.rawValue] &* share
        guard interval > 0 else { return .send }
        if words.isEmpty { words = .init(repeating: 0, count: Self.setWords << Int(Self.setBits)) }
        let key = Self.key(kind, address, policy, seed: seed)
        let entry = place(of: key, now: now)
        let full = max(words[entry &+ 1], now) &+ interval
        if full <= now &+ max(Self.second, interval) {
            words[entry &+ 1] = full
            return .send
        }
        if policy.isExempt(address) { return .send }
        guard policy.slip > 0 else { return .drop }
        let count = (words[entry] & Self.slipMask) &+ 1
        words[entry] = key | (count >= policy.slip ? 0 : count)
        return count >= policy.slip ? .truncate : .drop
    }

    /// Where the entry of a key is; made if there is none.
    private mutating func place(of key: UInt64, now: UInt64) -> Int {
        let set = Int(truncatingIfNeeded: key >> (64 &- Self.setBits)) &* Self.setWords
        var oldest = set
        for way in 0..<Self.ways {
            let entry = set &+ 2 &* way
            if words[entry] & ~Self.slipMask == key { return entry }
            if words[entry &+ 1] < words[oldest &+ 1] { oldest = entry }
        }
        if words[oldest &+ 1] > now { displaced &+= 1 }
        words[oldest] = key
        words[oldest &+ 1] = 0
        return oldest
    }

    /// A secret function of network and kind, so that nobody can choose networks that share a set. Never 0: that is an
    /// entry nobody has.
    private static func key(
        _ kind: ResponseRateLimit.Kind, _ address: IPAddress, _ policy: RateLimitPolicy, seed: UInt64
    ) -> UInt64 {
        let network =
            switch address {
            // Not the upper half of an IPv6 address that anyone has.
            case .v4(let value): 0xffff_ffff_0000_0000 | UInt64(value & policy.mask4)
            case .v6(let value): UInt64(truncatingIfNeeded: value >> 64) & policy.mask6
            }
        let (high, low) = (network ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        let mixed = (high ^ low) &+ UInt64(kind.rawValue) &* 0xd6e8_feb8_6659_fd93
        let (upper, lower) = (mixed ^ seed).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
        return (upper ^ lower) & ~slipMask | 16
    }
}
