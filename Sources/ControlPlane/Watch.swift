import TrafficModel

/// What a node remembers of how things stood, to tell what turned.
struct Watch {
    var states: StateTable
    /// What the positions in `states` stand for.
    var intent: Intent
    /// What the probe found that turned a target.
    var findings: [HealthTarget: String] = [:]
    var certificates: [String: KnownCertificate] = [:]

    struct KnownCertificate {
        /// Seconds since 1970.
        var end: Int
        /// The fewest days of ``certificateSteps`` that were told.
        var told = Int.max
    }

    /// Days left at which the end of a certificate is told.
    static let certificateSteps = [30, 14, 7, 3, 1, 0]

    init(_ snapshot: Snapshot, intent: Intent, overrides: EffectiveOverrides) {
        states = StateTable(snapshot, of: intent, overrides: overrides)
        self.intent = intent
    }
}
