package import TrafficModel

/// Turns verdicts of probes into the state of a target.
///
///     unknown ── first success ──▶ up ── `fall` failures in a row ──▶ down
///        └────── first failure ──────────────────────────────────────▶ │
///                                  up ◀── `rise` successes in a row ───┘
///
/// The first verdict decides at once: before it nothing is known, so there is nothing to protect from flapping.
package struct HealthStateMachine: Sendable {
    package private(set) var state = HealthState.unknown
    private let rise: Int
    private let fall: Int
    /// Verdicts in a row that speak against the state.
    private var contrary = 0
    /// Whether the last verdict spoke against the state.
    package var isWavering: Bool { contrary > 0 }

    /// `rise` and `fall` below 1 count as 1.
    package init(rise: Int, fall: Int) {
        self.rise = max(rise, 1)
        self.fall = max(fall, 1)
    }

    /// Goes on from the state of another machine, with these limits: the same check under a changed monitor.
    package init(rise: Int, fall: Int, continuing state: HealthState) {
        self.init(rise: rise, fall: fall)
        self.state = state
    }

    /// Takes one verdict; returns whether the state changed.
    package mutating func record(isSuccess: Bool) -> Bool {
        let limit: Int
        switch (state, isSuccess) {
        case (.unknown, _): limit = 1
        case (.up, true), (.down, false):
            contrary = 0
            return false
        case (.up, false): limit = fall
        case (.down, true): limit = rise
        }
        contrary += 1
        guard contrary >= limit else { return false }
        contrary = 0
        state = isSuccess ? .up : .down
        return true
    }
}
