import TrafficModel

/// Among whom a choice would be made now, and what would come of it.
package struct MemberSurvey: Sendable {
    /// The step of a choice (see ``LoopBalancer``) that has anyone.
    package enum Step: String, Sendable, Hashable {
        case available
        case backup
        case drained
        case ejected
        case none
    }

    package struct Candidate: Sendable, Hashable {
        /// Position in ``UpstreamSnapshot/members``.
        package var member: Int
        /// In 256ths, slow start included.
        package var weight: Int64
        /// Requests or connections that it has now.
        package var open: Int
        /// Of the next choices while loads stay as they are, 0...1; `nil`: too many candidates to work it out.
        package var share: Double?
    }

    package var step: Step
    package var candidates: [Candidate]
    /// The member that this loop would take next.
    package var next: Int?
    /// Why there is none.
    package var refusal: NoMember?

    /// Shares of two drawn at random cost the square of the candidates.
    static let pairLimit = 1000
}

extension UpstreamSnapshot {
    /// A member's weight when it has started, in 256ths.
    package func fullWeight(of member: Int) -> Int64 { Int64(candidates[member].weight) << 8 }
}

extension LoopBalancer {
    /// Goes through the steps of ``choose(from:excluding:now:again:)`` for a first try, and takes nothing: neither a
    /// place nor a turn.
    package func survey(of upstream: UpstreamSnapshot, now: UInt64) -> MemberSurvey {
        var trial = self
        let none = TriedMembers()
        let steps = [
            (MemberSurvey.Step.available, upstream.primaries), (.backup, upstream.backups),
            (.drained, upstream.drained),
        ]
        for (step, members) in steps where trial.gather(members, upstream, none, now) {
            let entries = trial.entries
            let shares = Self.shares(of: entries, upstream.method)
            return MemberSurvey(
                step: step,
                candidates: zip(entries, shares).map {
                    .init(member: $0.member, weight: $0.weight, open: $0.open, share: $1)
                }, next: trial.pick(upstream), refusal: nil)
        }
        guard let ejected = firstToReturn(upstream, none) else {
            return MemberSurvey(step: .none, candidates: [], next: nil, refusal: reason(upstream, none))
        }
        let candidate = upstream.candidates[ejected]
        return MemberSurvey(
            step: .ejected,
            candidates: [
                .init(member: ejected, weight: Int64(candidate.weight) << 8, open: candidate.open, share: 1)
            ], next: ejected, refusal: nil)
    }

    private static func shares(of entries: [Entry], _ method: Upstream.Method) -> [Double?] {
        let total = Double(entries.reduce(0) { $0 + $1.weight })
        switch method {
        case .roundRobin, .ratio: return entries.map { Double($0.weight) / total }
        case .leastConnections:
            guard let least = entries.min(by: isLess) else { return [] }
            let weights = entries.map { isLess(least, $0) ? 0 : $0.weight }
            let sum = Double(weights.reduce(0, +))
            return weights.map { Double($0) / sum }
        case .randomTwo:
            guard entries.count > 1 else { return entries.map { _ in 1 } }
            guard entries.count <= MemberSurvey.pairLimit else { return entries.map { _ in nil } }
            var shares = [Double](repeating: 0, count: entries.count)
            for (first, one) in entries.enumerated() {
                let drawn = Double(one.weight) / total
                for (second, other) in entries.enumerated() where second != first {
                    let pair = drawn * Double(other.weight) / (total - Double(one.weight))
                    shares[isLess(other, one) ? second : first] += pair
                }
            }
            return shares
        }
    }
}
