import TrafficModel

/// What a node counts of its own work.
struct NodeMeter: Sendable {
    /// Nanoseconds of the latest compilation, and of all.
    private(set) var lastCompilation: UInt64 = 0
    private(set) var compilationTime: UInt64 = 0
    private(set) var compilations: UInt64 = 0
    private(set) var reloads: UInt64 = 0
    private(set) var refusedReloads: UInt64 = 0
    /// The start counts as a reload that was applied.
    private(set) var wasLastReloadApplied = true
    private(set) var lastApplied = WallTime.now

    mutating func compiled(in nanoseconds: UInt64) {
        lastCompilation = nanoseconds
        compilationTime &+= nanoseconds
        compilations += 1
    }

    mutating func reloaded(isApplied: Bool) {
        wasLastReloadApplied = isApplied
        guard isApplied else {
            refusedReloads += 1
            return
        }
        reloads += 1
        lastApplied = .now
    }
}
