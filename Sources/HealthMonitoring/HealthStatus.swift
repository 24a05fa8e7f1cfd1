package import TrafficModel

/// A target's state turned.
package struct HealthChange: Sendable, Hashable {
    package let target: HealthTarget
    package let previous: HealthState
    package let state: HealthState
    /// Whether its last verdict speaks against the state; always `false` unless doubts are told.
    package var isWavering = false
    /// What the last probe found, as operators read it.
    package let reason: String
}

/// What is known about one target.
package struct TargetStatus: Sendable {
    package let target: HealthTarget
    package let state: HealthState
    /// Time since the state turned, or since the target was added.
    package let stateAge: Duration
    /// What the last probe found, as operators read it; `nil` before the first.
    package let lastReason: String?
    /// From the start of the last probe to its verdict.
    package let lastDuration: Duration?
    /// Probes with a verdict.
    package let checks: UInt64
    /// Probes that failed.
    package let failures: UInt64
    /// Probes that could not be made, for reasons on this side.
    package let inconclusive: UInt64
    /// Whether a probe runs now.
    package let isProbing: Bool
}

/// Figures of the whole service.
package struct HealthCounts: Sendable, Hashable {
    package var targets = 0
    package var up = 0
    package var down = 0
    package var unknown = 0
    /// Probes that run now.
    package var inFlight = 0
    /// Probes that are due and wait for a place.
    package var waiting = 0
    /// Probes with a verdict, since the start.
    package var checks: UInt64 = 0
    package var failures: UInt64 = 0
    package var inconclusive: UInt64 = 0
    /// Probes that had to wait for a place, since the start.
    package var delayed: UInt64 = 0
}
