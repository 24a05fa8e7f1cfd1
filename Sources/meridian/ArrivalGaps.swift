/// How far apart those are who still come: who comes every minute has not gone after a second of silence.
struct ArrivalGaps {
    private var latest: ContinuousClock.Instant
    /// The silence that says that nobody will come: the least that is asked for, or twice the longest gap so far.
    private(set) var needed: Duration

    init(start: ContinuousClock.Instant, least: Duration) {
        latest = start
        needed = least
    }

    mutating func note(_ now: ContinuousClock.Instant) {
        needed = max(needed, (now - latest) * 2)
        latest = now
    }

    /// Since the latest arrival, or since the start.
    func quiet(at now: ContinuousClock.Instant) -> Duration { now - latest }

    func isOver(at now: ContinuousClock.Instant) -> Bool { quiet(at: now) >= needed }
}
