import ControlPlane

/// How many answers names and pools gave lately: looks at their counts over some seconds.
///
/// Rates are over the same seconds as the total of the node, so that parts and whole fit. Shares are over more of them:
/// resolvers ask when their caches end, which comes in waves.
struct AnswerHistory: Sendable {
    /// Seconds that rates are over, as those of ``TrafficHistory/recent(_:)``.
    static let rateSeconds = 5
    static let shareSeconds = 15
    /// Two looks in a second is more than are taken.
    static let limit = 2 * shareSeconds

    private struct Look {
        /// Monotonic nanoseconds.
        var instant: UInt64
        var counts: AnswerCounts
    }

    /// Oldest first.
    private var looks: [Look] = []

    var count: Int { looks.count }

    mutating func add(_ counts: AnswerCounts, instant: UInt64) {
        if let last = looks.last, last.instant >= instant { return }
        looks.append(Look(instant: instant, counts: counts))
        // One that is old enough stays, for the others to be compared with.
        while looks.count > 2, looks.count > Self.limit || Self.age(looks[1], instant) >= Self.shareSeconds {
            looks.removeFirst()
        }
    }

    /// - Returns: `nil` before there are two looks.
    var rates: Window? { window(Self.rateSeconds) }
    var shares: Window? { window(Self.shareSeconds) }

    /// From the youngest look that is so old, or the oldest that there is, to the latest.
    private func window(_ seconds: Int) -> Window? {
        guard looks.count > 1, let last = looks.last else { return nil }
        let start = looks.dropLast().last { Self.age($0, last.instant) >= seconds } ?? looks[0]
        return Window(
            start: start.counts, end: last.counts, seconds: Double(last.instant - start.instant) / 1e9)
    }

    /// In seconds, to the nearest: looks come some milliseconds early or late.
    private static func age(_ look: Look, _ instant: UInt64) -> Int {
        Int((instant - look.instant + 500_000_000) / 1_000_000_000)
    }

    struct Window: Sendable {
        fileprivate var start: AnswerCounts
        fileprivate var end: AnswerCounts
        fileprivate var seconds: Double

        /// Answers a second; a count that fell began anew.
        func rate(_ name: String, _ counts: (AnswerCounts) -> [String: UInt64]) -> Double {
            let (now, before) = (counts(end)[name] ?? 0, counts(start)[name] ?? 0)
            return now >= before ? Double(now - before) / seconds : 0
        }
    }
}
