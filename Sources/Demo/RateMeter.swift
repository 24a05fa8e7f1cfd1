/// Turns counters that only rise into rates, each over at least a second, so that a fast redraw does not make them
/// jump.
struct RateMeter<Key: Hashable & Sendable>: Sendable {
    private struct Sample: Sendable {
        var time: ContinuousClock.Instant
        var count: UInt64
        var rate: Double
    }

    private var samples: [Key: Sample] = [:]

    /// Events a second in the last whole window; clients whose caches expire together need one that is longer than
    /// the TTL.
    mutating func rate(
        of key: Key, count: UInt64, now: ContinuousClock.Instant, window: Duration = .seconds(1)
    ) -> Double {
        guard let sample = samples[key] else {
            samples[key] = Sample(time: now, count: count, rate: 0)
            return 0
        }
        let elapsed = now - sample.time
        guard elapsed >= window else { return sample.rate }
        // A counter that fell was reset: what it shows is what came since.
        let events = count >= sample.count ? count - sample.count : count
        let rate = Double(events) / (elapsed / .seconds(1))
        samples[key] = Sample(time: now, count: count, rate: rate)
        return rate
    }
}
