import Logging
import Maintenance
import StateStore
import Steering
import TrafficModel

extension Node {
    /// How often the calendar is looked at and shifts go on. The calendar's clock may be set at any time, so no timer
    /// can be trusted to fire at an instant of it.
    private static let interval = Duration.seconds(1)
    /// A step of a shift that is worth writing down: what is lost when the node is killed.
    private static let progressStep = 0.005

    /// Does what time demands, until the task is cancelled.
    package func followTime() async {
        let clock = SuspendingClock()
        var last = clock.now
        while !Task.isCancelled {
            // Fails only when it is cancelled.
            do { try await Task.sleep(for: Self.interval) } catch { return }
            let now = clock.now
            await advance(to: .now, elapsed: now - last)
            last = now
            await rememberHealth()
            lookAround()
        }
    }

    /// Ends overrides whose time has come, opens and closes windows, and moves shifts on.
    func advance(to now: WallTime, elapsed: Duration) async {
        let isDue = !timetable.due(operators, windows: windows, at: now).isEmpty
        let isMissed = refusedRuns.values.contains { $0.run.ends <= now }
        guard isDue || isMissed || operators.shifts.values.contains(where: { !$0.hasArrived || $0.isOver }) else {
            return
        }
        await changes.enterAnyway()
        defer { changes.leave() }
        // Before windows that came once are forgotten.
        await missRuns(at: now)
        // Asked again: others may have had their turn before this one.
        for due in timetable.due(operators, windows: windows, at: now) { await meet(due, at: now) }
        await moveShifts(by: elapsed, at: now)
    }

    private func meet(_ due: Timetable.Due, at now: WallTime) async {
        switch due {
        case .expireOverride(let subject):
            guard let entry = operators.overrides.entries[subject] else { return }
            await end(.override(subject, nil), entry, subject, at: now)
        case .expireWeight(let subject):
            guard let entry = operators.overrides.weights[subject] else { return }
            await end(.weight(subject, nil), entry, subject, at: now)
        // What cannot be written is found due again in a second; the log has said why.
        case .forgetWindow(let name): try? await make([.window(name, nil)], isForced: true, [])
        case .forgetSkip(let name): try? await make([.skip(name, nil)], isForced: true, [])
        case .run(let name, let run): await change(name, to: run, at: now)
        }
    }

    private func end(
        _ change: StateChange, _ entry: Overrides.Entry, _ subject: Overrides.Subject, at now: WallTime
    ) async {
        let record = self.record(.expireOverride, subject.kind.rawValue, subject.name, entry.words, entry.reason, now)
        // What cannot be written stays in force and is tried again in a second; the log has said why.
        try? await make([change], isForced: true, [record])
    }

    private func change(_ name: String, to run: WindowRun?, at now: WallTime) async {
        let window = windows[name]
        let action: AuditRecord.Action =
            switch run?.phase {
            case .draining: .drainForWindow
            case .open: .openWindow
            case nil: .closeWindow
            }
        let detail = run.map { "until \($0.ends.text)" } ?? ""
        if let run, let refusal = refusedRuns[name], refusal.run == run, refusal.epoch == snapshot.epoch { return }
        do {
            try await make(
                [.run(name, run)], isForced: run == nil,
                [record(action, "window", name, detail, window?.reason ?? "", now)])
            refusedRuns[name] = nil
        } catch {
            guard case .refused(let reasons) = error, let run else { return }
            let isNew = refusedRuns[name]?.run != run
            // It is tried again when anything changed.
            refusedRuns[name] = RefusedRun(run: run, reasons: reasons, epoch: snapshot.epoch)
            guard isNew else { return }
            logger.error(
                "a window does not begin",
                metadata: ["window": "\(name)", "reasons": "\(reasons.joined(separator: "; "))"])
            await record(
                record(.refuseWindow, "window", name, reasons.joined(separator: "; "), window?.reason ?? "", now))
        }
    }

    /// Tells of windows that were refused until their time was over: who planned them may think that the work was done.
    private func missRuns(at now: WallTime) async {
        for (name, refused) in refusedRuns.sorted(by: { $0.key < $1.key }) where refused.run.ends <= now {
            refusedRuns[name] = nil
            // One that is gone from the configuration, or was put off, is nobody's any more.
            guard let window = windows[name],
                MaintenanceCalendar.occurrence(
                    of: window, notEndedAt: refused.run.ends.advanced(by: .milliseconds(-1)))?
                    .ends == refused.run.ends
            else { continue }
            let what = refused.run.phase == .open && operators.runs[name] != nil ? "open" : "begin"
            let detail = "it did not \(what): \(refused.reasons.joined(separator: "; "))"
            logger.error("a window is over and did not \(what)", metadata: ["window": "\(name)"])
            await record(record(.missWindow, "window", name, detail, window.reason, now))
        }
    }

    private func moveShifts(by elapsed: Duration, at now: WallTime) async {
        var moved = false
        for (id, shift) in operators.shifts.sorted(by: { $0.key < $1.key }) where !shift.hasArrived || shift.isOver {
            var next = shift
            next.advance(by: elapsed)
            if next.hasArrived {
                let detail = next.isOver ? "ended" : "reached \(Node.percent(next.share))"
                let record = self.record(.finishShift, "shift", "\(id)", detail, shift.reason, now)
                // One that cannot be written is tried again in a second; the log has said why.
                try? await make([.shift(id, next.isOver ? nil : next)], isForced: true, [record])
                if operators.shifts[id] != nil { storedProgress[id] = next.progress }
                continue
            }
            operators.shifts[id] = next
            noteProgress(of: id, from: shift, to: next)
            effective.progress[id] = next.progress
            moved = true
            if abs(next.progress - storedProgress[id, default: 0]) >= Self.progressStep {
                storedProgress[id] = next.progress
                // What is not written is lost only if the node is killed, and then the shift goes on from before.
                try? await store?.apply([.shift(id, next)], [])
            }
        }
        storedProgress = storedProgress.filter { operators.shifts[$0.key] != nil }
        if moved { publish(AvailabilityChanges()) }
    }

    private func record(
        _ action: AuditRecord.Action, _ kind: String, _ name: String, _ detail: String, _ reason: String,
        _ now: WallTime
    ) -> AuditRecord {
        AuditRecord(
            time: now, author: Author.clock.name, origin: Author.clock.origin, action: action, kind: kind, name: name,
            detail: detail, reason: reason)
    }
}
