/// A part of the clients of one region or pool that is sent to another, growing and shrinking by a slope.
///
/// Its pace is the monotonic clock's, so that setting the machine's clock moves nobody. While the node is down it
/// stands still.
package struct Shift: Sendable, Hashable {
    /// A name or a pattern of wide IPs.
    package var wideIP: String
    /// `region` or `pool`.
    package var kind: Overrides.Subject.Kind
    package var from: String
    package var to: String
    /// The part of the clients of `from` to be sent to `to`, 0...1.
    package var share: Double
    /// By how much the part changes in a second.
    package var slope: Double
    /// The part that is sent now.
    package var progress: Double
    /// Whether it goes back to nothing, and ends there.
    package var isReturning = false
    package var reason: String
    package var author: String
    package var since: WallTime

    /// Shifts of one node at a time.
    package static let limit = 64

    package init(
        wideIP: String, kind: Overrides.Subject.Kind, from: String, to: String, share: Double, slope: Double,
        progress: Double = 0, reason: String = "", author: String = "", since: WallTime = .init(milliseconds: 0)
    ) {
        self.wideIP = wideIP
        self.kind = kind
        self.from = from
        self.to = to
        self.share = share
        self.slope = slope
        self.progress = progress
        self.reason = reason
        self.author = author
        self.since = since
    }

    package var goal: Double { isReturning ? 0 : share }
    package var hasArrived: Bool { progress == goal }
    /// Nobody is sent elsewhere by it any more.
    package var isOver: Bool { isReturning && progress == 0 }

    /// Goes on for a time that has passed; never beyond the goal and never faster than the slope.
    package mutating func advance(by elapsed: Duration) {
        let step = slope * max(elapsed / .seconds(1), 0)
        progress = progress < goal ? min(progress + step, goal) : max(progress - step, goal)
    }

    /// Until the goal is reached.
    package var remaining: Duration { slope > 0 ? .seconds(abs(goal - progress) / slope) : .zero }
}
