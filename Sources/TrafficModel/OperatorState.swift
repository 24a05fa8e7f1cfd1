/// All that operators decided at run time, and what came of it: it is kept over restarts.
package struct OperatorState: Sendable, Hashable {
    package var overrides = Overrides()
    /// Windows that operators planned, by name; those of the configuration are in `Intent.windows`.
    package var windows: [String: MaintenanceWindow] = [:]
    /// Windows of which no run begins before an instant, because theirs was cancelled.
    package var skips: [String: WallTime] = [:]
    /// Windows that hold now.
    package var runs: [String: WindowRun] = [:]
    package var shifts: [Int64: Shift] = [:]
    /// Virtual servers that fell and wait until an operator resumes them.
    package var locks: Set<String> = []
    /// The number of the latest shift: none is used twice.
    package var lastShift: Int64 = 0

    package init() {}
}
