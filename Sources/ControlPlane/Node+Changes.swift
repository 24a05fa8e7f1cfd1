import Authority
import Logging
package import StateStore
import Steering
import TrafficModel

extension Node {
    /// The configuration's windows and the operators'.
    var windows: [String: MaintenanceWindow] {
        compiler.intent.windows.merging(operators.windows) { configured, _ in configured }
    }

    /// Takes the caller's turn for a change; `changes.leave()` must follow.
    func takeTurn() async throws(ChangeError) {
        switch await changes.enter() {
        case .entered: break
        case .full:
            logger.warning("a change was turned away: too many wait", metadata: ["waiting": "\(Turnstile.changeLine)"])
            throw .busy
        case .gone: throw .abandoned
        }
        // Now, and not before: others had their turns while this one waited, and a body may have been long in coming.
        if let permission = Permission.current, !permission.isStillGiven() {
            changes.leave()
            throw .notPermitted
        }
        if let expected = Expectation.current, !expected.revisions.contains(revisions[expected.collection]) {
            changes.leave()
            throw .stale(expected.collection.rawValue)
        }
    }

    /// Makes changes, in the caller's turn. They are on the disk before they take effect, so that a node that is killed
    /// in between comes back with what it acknowledged.
    ///
    /// - Parameter isForced: whether no objection counts.
    func make(_ changes: [StateChange], isForced: Bool, _ records: [AuditRecord]) async throws(ChangeError) {
        var next = operators
        for change in changes { change.apply(to: &next) }
        let overrides = effective(next)
        if !isForced || Trial.current != nil {
            let reasons = objections(to: overrides, shifts: next.shifts)
            guard isForced || reasons.isEmpty else { throw .refused(reasons) }
            if let trial = Trial.current { return await trial.record(tried(changes, next, reasons)) }
        }
        do throws(StateStoreError) {
            try await keep(changes, records)
        } catch {
            logger.error("nothing was changed", metadata: ["reason": "\(error)"])
            throw .notStored(error)
        }
        operators = next
        effective = overrides
        revisions.bump(Set(changes.flatMap(\.collections)))
        for record in records {
            logger.notice(
                "\(record.action.rawValue)",
                metadata: [
                    "kind": "\(record.kind ?? "")", "name": "\(record.name ?? "")", "detail": "\(record.detail)",
                    "reason": "\(record.reason)", "author": "\(record.author)", "origin": "\(record.origin)",
                ])
        }
        journal.record(records.map(NodeEvent.init))
        publish()
    }

    /// What changes would do. Of a window that is planned, what its run will; of a shift, what it will have done when it
    /// has arrived.
    private func tried(
        _ changes: [StateChange], _ next: OperatorState, _ objections: [String]
    ) async -> ChangePreview {
        var next = next
        for case .window(let name, _?) in changes {
            next.runs[name] = WindowRun(phase: .open, starts: .now, ends: .now)
        }
        for case .shift(let id, let shift?) in changes { next.shifts[id]?.progress = shift.goal }
        let overrides = effective(next)
        let steering = steering(of: compiler, overrides)
        var preview = await preview(of: compiler, steering, overrides)
        preview.objections = objections
        preview.remarks = idleShifts(next, .init(intent: compiler.intent, overrides: overrides, steering: steering))
        // It is planned all the same: much can change until then.
        if changes.contains(where: { if case .window(_, _?) = $0 { true } else { false } }) {
            preview.remarks += self.objections(to: overrides, shifts: next.shifts).map {
                "its run would be refused if it began now: \($0)"
            }
        }
        preview.replaced = changes.compactMap(replaced)
        return preview
    }

    /// Shifts that would move nobody, and that do now or are not there yet.
    private func idleShifts(_ next: OperatorState, _ after: ShiftStanding) -> [String] {
        let before = view().shiftStanding
        return next.shifts.sorted { $0.key < $1.key }.compactMap { id, shift in
            guard let obstacle = after.obstacle(of: id, shift) else { return nil }
            guard let known = operators.shifts[id] else { return "it would move nobody: \(obstacle.words)" }
            return before.obstacle(of: id, known) == nil ? "shift \(id) would move nobody: \(obstacle.words)" : nil
        }
    }

    /// The override whose place a change takes.
    private func replaced(by change: StateChange) -> NodeStatus.Override? {
        switch change {
        case .override(let subject, _?): operators.overrides.entries[subject].map { .init(subject, $0) }
        case .weight(let subject, _?): operators.overrides.weights[subject].map { .init(subject, $0) }
        default: nil
        }
    }

    func effective(_ state: OperatorState) -> EffectiveOverrides {
        EffectiveOverrides(
            state, windows: compiler.intent.windows.merging(state.windows) { configured, _ in configured },
            in: compiler.intent)
    }

    private func objections(to overrides: EffectiveOverrides, shifts: [Int64: Shift]) -> [String] {
        let steering = compiler.steering(overrides: overrides, observations: observations, previous: snapshot)
        return ChangeReview(intent: compiler.intent, observations: observations).objections(
            from: .init(overrides: effective, steering: snapshot.authority.steering, shifts: operators.shifts),
            to: .init(overrides: overrides, steering: steering, shifts: shifts))
    }

    /// A record that cannot be written does not undo what it is about; the log has it, and says so.
    func record(_ record: AuditRecord) async {
        journal.record(NodeEvent(record))
        do throws(StateStoreError) {
            try await keep([], [record])
        } catch {
            logger.error("the audit trail misses a record", metadata: ["reason": "\(error)", "record": "\(record)"])
        }
    }

    private func keep(_ changes: [StateChange], _ records: [AuditRecord]) async throws(StateStoreError) {
        guard let store else { return recentAudit.append(records) }
        try await store.apply(changes, records)
    }

    /// The latest changes, newest first. Without `admin.state` they are those since the start, ``RecentAudit/limit`` at
    /// most.
    package func audit(latest count: Int) async throws(StateStoreError) -> [AuditRecord] {
        guard let store else { return recentAudit.latest(count) }
        return try await store.audit(latest: count)
    }
}
