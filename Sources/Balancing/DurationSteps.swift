/// The steps that durations of requests are counted in.
package enum DurationSteps {
    /// Upper ends in nanoseconds: from half a millisecond to half a minute.
    package static let bounds: [UInt64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000,
    ]
    /// One more than bounds: what takes longer than the last.
    package static let count = 16

    /// The step of a duration: a few comparisons, written out because this runs for each request.
    @inline(__always)
    static func step(of nanoseconds: UInt64) -> Int {
        if nanoseconds <= 25_000_000 {
            if nanoseconds <= 2_500_000 { return nanoseconds <= 500_000 ? 0 : nanoseconds <= 1_000_000 ? 1 : 2 }
            return nanoseconds <= 5_000_000 ? 3 : nanoseconds <= 10_000_000 ? 4 : 5
        }
        if nanoseconds <= 500_000_000 {
            if nanoseconds <= 100_000_000 { return nanoseconds <= 50_000_000 ? 6 : 7 }
            return nanoseconds <= 250_000_000 ? 8 : 9
        }
        if nanoseconds <= 5_000_000_000 {
            return nanoseconds <= 1_000_000_000 ? 10 : nanoseconds <= 2_500_000_000 ? 11 : 12
        }
        return nanoseconds <= 10_000_000_000 ? 13 : nanoseconds <= 30_000_000_000 ? 14 : 15
    }
}
