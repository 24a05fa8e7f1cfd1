/// Learns how long a member keeps idle connections, so that they are given up a little before: a request that is sent
/// while the member closes is lost half-way.
struct IdleLimit {
    /// Nanoseconds after which the member was seen to close; `nil`: not known.
    private(set) var learnt: UInt64?
    private var learntAt: UInt64 = 0
    /// Seen once. A member that restarts closes connections of any age, so that one is not evidence.
    private var seenOnce: UInt64?

    /// A member that closes sooner does not keep connections idle at all, or died.
    private static let shortest: UInt64 = 200_000_000
    /// What was learnt is forgotten, as the member may have been told something else meanwhile.
    private static let memory: UInt64 = 600_000_000_000

    /// The member closed a connection that was idle for so long.
    mutating func closed(after age: UInt64, now: UInt64) {
        guard age >= Self.shortest else { return }
        let isSame = seenOnce.map { max($0, age) - min($0, age) <= max($0, age) / 5 } ?? false
        if isSame {
            learnt = min(seenOnce ?? age, age)
            learntAt = now
        }
        seenOnce = age
    }

    /// How long to keep a connection idle.
    ///
    /// - Parameter hint: seconds that the member said in `Keep-Alive: timeout=`.
    mutating func allowance(configured: UInt64, hint: Int?, now: UInt64) -> UInt64 {
        if learnt != nil, now &- learntAt > Self.memory { learnt = nil }
        var limit = configured
        if let learnt { limit = min(limit, Self.sooner(than: learnt)) }
        if let hint { limit = min(limit, Self.sooner(than: UInt64(hint) * 1_000_000_000)) }
        return limit
    }

    /// By a tenth, and half a second at least where that leaves anything.
    private static func sooner(than time: UInt64) -> UInt64 {
        let margin = max(time / 10, min(time / 2, 500_000_000))
        return time - margin
    }
}
