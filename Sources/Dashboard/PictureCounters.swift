import ControlPlane

/// What two pictures need of each other to tell rates.
struct PictureCounters: Sendable {
    struct Member: Sendable {
        var started: UInt64
        var finished: UInt64
        var errors: UInt64
        var seconds: Double

        init(_ member: NodeStatus.Member) {
            started = member.started
            finished = member.traffic.requests
            errors = member.traffic.serverErrors + member.traffic.unanswered
            seconds = member.traffic.seconds
        }
    }

    /// Monotonic nanoseconds.
    var instant: UInt64
    var generation: UInt64
    /// By upstream, in the order of its members.
    var members: [String: [Member]]

    init(_ status: NodeStatus, instant: UInt64) {
        self.instant = instant
        generation = status.generation
        members = Dictionary(
            status.upstreams.map { ($0.name, $0.members.map(Member.init)) }, uniquingKeysWith: { first, _ in first })
    }
}

extension NodePicture.Traffic {
    init(from old: PictureCounters.Member, to new: PictureCounters.Member, elapsed: Double) {
        func difference(_ value: (PictureCounters.Member) -> UInt64) -> Double {
            Double(value(new) >= value(old) ? value(new) - value(old) : 0)
        }
        let finished = difference(\.finished)
        self.init(
            requests: finished, errors: difference(\.errors), seconds: max(new.seconds - old.seconds, 0),
            elapsed: elapsed)
        // Connections are begun long before they end.
        rate = max(difference(\.started), finished) / elapsed
    }
}
