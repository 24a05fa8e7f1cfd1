/// Tells when lines of a log begin to be lost, as on a full disk, and when that is over: once each, however many it are.
struct LostLines {
    enum News: Hashable {
        case begun
        /// How many were lost meanwhile.
        case over(UInt64)
    }

    /// Nanoseconds without a loss after which it is over. So there are two lines a minute at most.
    static let quiet: UInt64 = 60_000_000_000

    private var lost: UInt64 = 0
    private var failures: UInt64 = 0
    /// While lines are lost: how many were before, and when the latest was.
    private var spell: (before: UInt64, latest: UInt64)?

    /// - Parameters:
    ///   - lost: lines that were dropped since the start.
    ///   - failures: writes that failed since the start.
    ///   - now: monotonic nanoseconds.
    mutating func look(lost: UInt64, failures: UInt64, now: UInt64) -> News? {
        defer { (self.lost, self.failures) = (lost, failures) }
        if lost > self.lost || failures > self.failures {
            let isNew = spell == nil
            spell = (spell?.before ?? self.lost, now)
            return isNew ? .begun : nil
        }
        guard let (before, latest) = spell, now &- latest >= Self.quiet else { return nil }
        spell = nil
        // Counts of a log that is gone may be missing for a while.
        return .over(lost - min(before, lost))
    }
}
