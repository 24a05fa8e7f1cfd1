package import Addresses

/// What monitors know about a target.
package enum HealthState: UInt8, Sendable, Hashable {
    /// No verdict yet: treated as up, because nothing may be answered "down" before the first round.
    case unknown
    case up
    case down
}

/// One thing to probe in one way. Two users of the same check on the same endpoint share its result.
package struct HealthTarget: Sendable, Hashable {
    package var endpoint: Endpoint
    package var monitor: Monitor

    package init(endpoint: Endpoint, monitor: Monitor) {
        self.endpoint = endpoint
        self.monitor = monitor
    }
}

/// What was measured: the third input of `compile`.
package struct Observations: Sendable {
    package var health: [HealthTarget: HealthState] = [:]

    package init() {}
}
