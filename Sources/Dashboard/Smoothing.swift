import Glibc

/// Rates that a person can read: each is drawn towards what was measured last, over some seconds.
enum Smoothing {
    /// Seconds.
    static let requests = 3.0

    static func mean(_ old: Double?, _ latest: Double?, _ elapsed: Double, over span: Double) -> Double? {
        guard let old, let latest else { return latest ?? old }
        return old + (latest - old) * (1 - exp(-max(elapsed, 0) / span))
    }
}

extension NodePicture.Traffic {
    mutating func smooth(_ old: NodePicture.Traffic, _ elapsed: Double) {
        rate = Smoothing.mean(old.rate, rate, elapsed, over: Smoothing.requests)
        latency = Smoothing.mean(old.latency, latency, elapsed, over: Smoothing.requests)
        errorShare = Smoothing.mean(old.errorShare, errorShare, elapsed, over: Smoothing.requests)
        // What fades is none: a hundredth of a request a second is nobody.
        if let rate, rate < 0.01 {
            self.rate = 0
            latency = nil
            errorShare = nil
        }
    }
}
