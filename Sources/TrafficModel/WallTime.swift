/// An instant of the calendar, for what operators plan and read: milliseconds since 1970 in UTC. It may jump when the
/// machine's clock is set; data planes use the monotonic clock.
package struct WallTime: Sendable, Hashable, Comparable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }

    package func advanced(by duration: Duration) -> WallTime {
        WallTime(milliseconds: milliseconds + Int64(duration / .milliseconds(1)))
    }
}
