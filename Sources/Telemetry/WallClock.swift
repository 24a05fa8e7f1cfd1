import Glibc

/// The clock that people and other machines share. It may jump: nothing is timed with it.
package enum WallClock {
    /// Seconds since 1970, modulo 2³². As exact as the timer tick, and read without a system call.
    package static var seconds: UInt32 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return UInt32(truncatingIfNeeded: time.tv_sec)
    }
}
