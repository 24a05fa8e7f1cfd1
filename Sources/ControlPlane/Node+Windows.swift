import Maintenance
import StateStore
package import TrafficModel

extension Node {
    /// Plans a window. It is checked against the safety rules when it begins, for much can change until then.
    package func addWindow(
        _ name: String, _ window: MaintenanceWindow, by author: Author
    ) async throws(ChangeError) {
        try await takeTurn()
        defer { changes.leave() }
        guard compiler.intent.windows[name] == nil, operators.windows[name] == nil else {
            throw .refused(["there is a window named \(name): cancel it first, or give this one another name"])
        }
        guard windows.count < MaintenanceWindow.limit else {
            throw .refused(["there are \(MaintenanceWindow.limit) windows: cancel some first"])
        }
        guard compiler.intent.has(window.subject) else {
            throw .unknown(
                "the configuration has no \(window.subject.kind.rawValue) named \(window.subject.name)", field: "name")
        }
        guard window.subject.kind != .wideIP else {
            throw .invalid("a wide IP cannot be maintained: name its region or pool", field: "kind")
        }
        guard MaintenanceCalendar.occurrence(of: window, notEndedAt: .now) != nil else {
            let isOnce = if case .once = window.schedule { true } else { false }
            throw .invalid("the window is over already, or never comes", field: isOnce ? "start" : "days")
        }
        var window = window
        window.author = author.name
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .addWindow, kind: "window", name: name,
            detail: window.words, reason: window.reason)
        try await make([.window(name, window)], isForced: true, [record])
    }

    /// Ends a window that an operator planned. Of one of the configuration, only the run that is under way or comes
    /// next is cancelled; the returned end of that run tells.
    package func cancelWindow(_ name: String, by author: Author) async throws(ChangeError) -> WallTime? {
        try await takeTurn()
        defer { changes.leave() }
        guard let window = windows[name] else { throw .unknown("there is no window named \(name)", field: "name") }
        var made: [StateChange] = operators.runs[name] == nil ? [] : [.run(name, nil)]
        var end: WallTime?
        if compiler.intent.windows[name] == nil {
            made += [.window(name, nil), .skip(name, nil)]
        } else {
            let next = timetable.occurrence(of: window, named: name, at: .now, skip: operators.skips[name])
            guard let next else { throw .refused(["the window \(name) has no run to come"]) }
            made.append(.skip(name, next.ends))
            end = next.ends
        }
        let record = AuditRecord(
            time: .now, author: author.name, origin: author.origin, action: .cancelWindow, kind: "window", name: name,
            detail: end.map { "the run that ends \($0.text)" } ?? "")
        try await make(made, isForced: true, [record])
        if Trial.current == nil { refusedRuns[name] = nil }
        return end
    }
}

extension MaintenanceWindow {
    /// What happens when, in words.
    package var words: String {
        let time =
            switch schedule {
            case .once(let start): start.text
            case .rule(let rule): rule.text
            }
        let before = lead > .zero ? ", draining \(lead.brief) before" : ""
        return "\(verdict.rawValue) \(subject) \(time) for \(duration.brief)\(before)"
    }
}

extension Duration {
    /// ``brief`` for what is still to come: no less than it is, and from two minutes on in whole minutes.
    package var roughly: String {
        let seconds = max(0, Int64((self / .seconds(1)).rounded(.up)))
        guard seconds > 0 else { return "0s" }
        return Duration.seconds(seconds < 120 ? seconds : (seconds + 59) / 60 * 60).brief
    }

    /// As people write it: `1h30m`.
    package var brief: String {
        var rest = Int64(self / .milliseconds(1))
        guard rest >= 1000 else { return "\(rest)ms" }
        rest /= 1000
        let parts = [("d", Int64(86_400)), ("h", 3600), ("m", 60), ("s", 1)].compactMap { unit, seconds in
            let count = rest / seconds
            rest %= seconds
            return count > 0 ? "\(count)\(unit)" : nil
        }
        return parts.prefix(2).joined()
    }
}
