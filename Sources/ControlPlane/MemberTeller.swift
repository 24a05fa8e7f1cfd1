import Balancing
import HealthMonitoring
import TrafficModel

/// Puts into words how a member stands in the choice.
struct MemberTeller {
    let upstream: UpstreamSnapshot
    /// Its position in the intent.
    let position: Int
    let monitors: [Monitor]
    let step: MemberSurvey.Step
    let overrides: EffectiveOverrides
    let observations: Observations
    let health: [HealthTarget: TargetStatus]
    /// Monotonic nanoseconds.
    let now: UInt64

    func member(_ index: Int, _ candidate: MemberSurvey.Candidate?) -> HTTPExplanation.Member {
        let member = upstream.members[index]
        let ejection = member.state.ejectionRemaining(now: now)
        return .init(
            endpoint: "\(member.endpoint)", state: StateTable.State(member, now: now).text,
            open: member.state.openCount, limit: member.maxConnections, ratio: member.ratio, share: candidate?.share,
            reasons: reasons(index, member, candidate, ejection))
    }

    private func reasons(
        _ index: Int, _ member: MemberSnapshot, _ candidate: MemberSurvey.Candidate?, _ ejection: UInt64
    ) -> [String] {
        var reasons: [String] = []
        if let effect = overrides.members[.init(upstream: position, member: index)] { reasons.append(effect.words) }
        if member.factor != 1 { reasons.append("operators multiply its share by \(member.factor)") }
        for monitor in monitors {
            let target = HealthTarget(endpoint: member.endpoint, monitor: monitor)
            let status = health[target]
            let age = status.map { ", for \($0.stateAge.components.seconds) s" } ?? ""
            let why = status?.lastReason.map { ": \($0)" } ?? ""
            reasons.append("monitor \(monitor.name): \(observations.health[target] ?? .unknown)\(age)\(why)")
        }
        if ejection > 0 {
            let why = member.state.latestFailure.map { ": \($0.reason.text)" } ?? ""
            reasons.append("kept out for \((ejection + 999_999_999) / 1_000_000_000) s more\(why)")
        }
        if let limit = member.maxConnections, member.state.openCount >= limit {
            reasons.append("full: \(limit) at once")
        }
        if member.ratio == 0 || member.factor == 0 { reasons.append("has no share: its ratio is 0") }
        if let candidate {
            if let full = fullWeight(index), candidate.weight < full {
                reasons.append("starts slowly: \(candidate.weight * 100 / full) % of its weight so far")
            }
            if step == .ejected { reasons.append("nothing else is left, and its time ends first") }
            if upstream.method == .leastConnections, candidate.share == 0 { reasons.append("others have less to do") }
        } else if isReady(member, ejection) {
            switch (step, member.backup) {
            case (.available, true): reasons.append("a backup: others are available")
            case (.available, false) where member.availability == .drained:
                reasons.append("others are available")
            default: break
            }
        }
        return reasons
    }

    /// Whether nothing of its own keeps it out.
    private func isReady(_ member: MemberSnapshot, _ ejection: UInt64) -> Bool {
        member.availability != .down && ejection == 0 && member.ratio > 0
            && member.state.openCount < member.maxConnections ?? .max
    }

    /// What its weight comes to once it has started.
    private func fullWeight(_ index: Int) -> Int64? { upstream.slowStart > 0 ? upstream.fullWeight(of: index) : nil }
}
