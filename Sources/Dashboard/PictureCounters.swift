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
    var answers: AnswerCounts

    init(_ status: NodeStatus, answers: AnswerCounts, instant: UInt64) {
        self.instant = instant
        self.answers = answers
        generation = status.generation
        members = Dictionary(
            status.upstreams.map { ($0.name, $0.members.map(Member.init)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Answers a second since then; `nil`: there is nothing to compare with.
    func rate(
        of name: String, _ counts: (AnswerCounts) -> [String: UInt64], since old: PictureCounters?
    ) -> Double? {
        guard let old, instant > old.instant else { return nil }
        let (now, before) = (counts(answers)[name] ?? 0, counts(old.answers)[name] ?? 0)
        return now >= before ? Double(now - before) / (Double(instant - old.instant) / 1e9) : 0
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
