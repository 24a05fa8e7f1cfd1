import Maintenance
import StateStore
import TrafficModel

extension NodeView {
    /// What is in force, operators' overrides and those of windows.
    package var overrideStatus: [NodeStatus.Override] {
        let operatorsOwn = [operators.overrides.entries, operators.overrides.weights].flatMap { entries in
            entries.map { NodeStatus.Override($0, $1) }
        }
        let windows = windows
        let ofWindows = operators.runs.compactMap { name, run in
            windows[name].map { NodeStatus.Override($0.subject, $0.entry(named: name, in: run)) }
        }
        return (operatorsOwn + ofWindows).sorted {
            ($0.kind, $0.name, $0.window ?? "", $0.verdict) < ($1.kind, $1.name, $1.window ?? "", $1.verdict)
        }
    }

    package var shiftStatus: [NodeStatus.Shift] {
        guard !operators.shifts.isEmpty else { return [] }
        let standing = shiftStanding
        return operators.shifts.sorted { $0.key < $1.key }.map { id, shift in
            NodeStatus.Shift(
                id: id, wideIP: shift.wideIP, kind: shift.kind.rawValue, from: shift.from, to: shift.to,
                share: shift.share, progress: shift.progress, isReturning: shift.isReturning,
                remaining: shift.remaining / .seconds(1), idle: standing.obstacle(of: id, shift)?.words,
                reason: shift.reason, author: shift.author)
        }
    }
}

extension Node {
    package var windowStatus: [NodeStatus.Window] {
        let now = WallTime.now
        return windows.sorted { $0.key < $1.key }.map { name, window in
            let next = timetable.occurrence(of: window, named: name, at: now, skip: operators.skips[name])
            let phase = operators.runs[name]?.phase
            // A run that drained may be refused to open: then it goes on draining.
            let refusal = refusedRuns[name].flatMap { refused in
                next?.phase(at: now) == refused.run.phase && next?.ends == refused.run.ends ? refused.reasons : nil
            }
            let state = refusal != nil ? "refused" : phase?.rawValue ?? "waiting"
            return NodeStatus.Window(
                name: name, kind: window.subject.kind.rawValue, subject: window.subject.name, plan: window.words,
                isConfigured: compiler.intent.windows[name] != nil, state: state, isDraining: phase == .draining,
                refusal: refusal?.joined(separator: "; "),
                drains: next?.drains.milliseconds, starts: next?.starts.milliseconds, ends: next?.ends.milliseconds,
                reason: window.reason, author: window.author)
        }
    }
}

extension NodeStatus.Override {
    init(_ subject: Overrides.Subject, _ entry: Overrides.Entry) {
        self.init(
            kind: subject.kind.rawValue, name: subject.name, verdict: entry.verdict.rawValue, target: entry.target,
            factor: entry.verdict == .weight ? entry.factor : nil, window: entry.window, reason: entry.reason,
            author: entry.author, since: entry.since.milliseconds, expires: entry.expires?.milliseconds)
    }
}
