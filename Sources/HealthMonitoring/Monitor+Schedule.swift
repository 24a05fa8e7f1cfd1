package import TrafficModel

extension Monitor {
    /// Nanoseconds from the start of one probe to the start of the next: the interval, shifted at random by up to
    /// `jitter` of it either way.
    ///
    /// After its first probe a target waits for a random part of the interval instead, one tenth at least: the first
    /// round starts all targets at once, and they would take many rounds to disperse by jitter alone.
    package func delay(afterFirst isFirst: Bool, using generator: inout some RandomNumberGenerator) -> UInt64 {
        let interval = Double(max(interval.nanoseconds, 1_000_000))
        let jitter = min(max(jitter, 0), 0.5)
        guard jitter > 0 else { return UInt64(interval) }
        let factor =
            isFirst
            ? Double.random(in: 0.1...1, using: &generator)
            : Double.random(in: (1 - jitter)...(1 + jitter), using: &generator)
        return UInt64(interval * factor)
    }
}

extension Duration {
    /// Whole nanoseconds, at most 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000
    }
}
