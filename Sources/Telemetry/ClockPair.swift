import Glibc

/// One look at the wall clock, between two at the monotonic one; all in nanoseconds.
struct ClockReading {
    var before: UInt64
    /// Since 1970.
    var wall: Int
    var after: UInt64

    init(before: UInt64, wall: Int, after: UInt64) {
        self.before = before
        self.wall = wall
        self.after = after
    }

    init() {
        var time = timespec()
        before = MonotonicClock.now
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        after = MonotonicClock.now
        wall = Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}

/// What both clocks showed at one moment, as nearly as that can be told: a thread may lose its processor between two looks.
struct ClockPair {
    /// Nanoseconds that a look may take and be believed at once.
    static let precision: UInt64 = 100_000
    /// Looks, of which the shortest counts if none was short enough.
    static let attempts = 4

    /// Nanoseconds since 1970.
    let wall: Int
    let monotonic: UInt64

    init(reading read: () -> ClockReading) {
        var best = read()
        for _ in 1..<Self.attempts where best.after &- best.before > Self.precision {
            let next = read()
            if next.after &- next.before < best.after &- best.before { best = next }
        }
        wall = best.wall
        monotonic = best.before &+ (best.after &- best.before) / 2
    }

    /// What the wall clock showed, or will show, when the monotonic one is at `moment`.
    func wall(at moment: UInt64) -> Int { wall &- Int(Int64(bitPattern: monotonic &- moment)) }
}
