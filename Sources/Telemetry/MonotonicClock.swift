import Glibc

/// The clock that decisions are timed with: it never jumps.
package enum MonotonicClock {
    /// Nanoseconds since some point of the past, the same for the whole process.
    package static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
