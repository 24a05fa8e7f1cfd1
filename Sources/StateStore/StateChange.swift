package import TrafficModel

/// One part of a change of what is kept. `nil` takes it out.
package enum StateChange: Sendable, Hashable {
    case override(Overrides.Subject, Overrides.Entry?)
    /// An override of the sort `weight`.
    case weight(Overrides.Subject, Overrides.Entry?)
    case window(String, MaintenanceWindow?)
    case skip(String, WallTime?)
    case run(String, WindowRun?)
    case shift(Int64, Shift?)
    /// Whether a virtual server waits for an operator.
    case lock(String, Bool)

    /// What a state becomes by it.
    package func apply(to state: inout OperatorState) {
        switch self {
        case .override(let subject, let entry): state.overrides.entries[subject] = entry
        case .weight(let subject, let entry): state.overrides.weights[subject] = entry
        case .lock(let name, true): state.locks.insert(name)
        case .lock(let name, false): state.locks.remove(name)
        case .window(let name, let window): state.windows[name] = window
        case .skip(let name, let time): state.skips[name] = time
        case .run(let name, let run): state.runs[name] = run
        case .shift(let id, let shift):
            state.shifts[id] = shift
            state.lastShift = max(state.lastShift, id)
        }
    }
}
