import Maintenance
import TrafficModel

/// What the calendar demands of what operators decided: a function of their state and the time, without a clock.
struct Timetable {
    enum Due: Hashable {
        case expireOverride(Overrides.Subject)
        case expireWeight(Overrides.Subject)
        /// `nil`: it closes.
        case run(String, WindowRun?)
        /// A window that came once and is over.
        case forgetWindow(String)
        case forgetSkip(String)
    }

    private var calendar = MaintenanceCalendar()

    /// - Parameter windows: the configuration's and the operators'.
    mutating func due(
        _ state: OperatorState, windows: [String: MaintenanceWindow], at now: WallTime
    ) -> [Due] {
        var due: [Due] = []
        for (subject, entry) in state.overrides.entries where entry.hasExpired(at: now) {
            due.append(.expireOverride(subject))
        }
        for (subject, entry) in state.overrides.weights where entry.hasExpired(at: now) {
            due.append(.expireWeight(subject))
        }
        for (name, window) in windows.sorted(by: { $0.key < $1.key }) {
            let occurrence = calendar.occurrence(of: window, named: name, at: now, skip: state.skips[name])
            let run = occurrence.flatMap { occurrence in
                occurrence.phase(at: now).map {
                    WindowRun(phase: $0, starts: occurrence.starts, ends: occurrence.ends)
                }
            }
            if run != state.runs[name] { due.append(.run(name, run)) }
            if occurrence == nil, state.windows[name] != nil { due.append(.forgetWindow(name)) }
        }
        for name in state.runs.keys.sorted() where windows[name] == nil { due.append(.run(name, nil)) }
        for (name, until) in state.skips where until <= now || windows[name] == nil { due.append(.forgetSkip(name)) }
        return due
    }

    /// The window's occurrence that runs or comes next.
    mutating func occurrence(
        of window: MaintenanceWindow, named name: String, at now: WallTime, skip: WallTime?
    ) -> MaintenanceCalendar.Occurrence? {
        calendar.occurrence(of: window, named: name, at: now, skip: skip)
    }
}
