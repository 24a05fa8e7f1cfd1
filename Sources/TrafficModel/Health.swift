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

extension HealthTarget {
    /// What is asked of which place, whatever the pace, the limits and the name: two targets with the same question
    /// have the same answer, so what is known outlives a change of the others.
    package struct Question: Sendable, Hashable {
        private let endpoint: Endpoint
        private let check: Monitor.Check
        private let port: UInt16?

        fileprivate init(_ target: HealthTarget) {
            endpoint = target.endpoint
            check = target.monitor.check
            port = target.monitor.port
        }
    }

    package var question: Question { Question(self) }
}

/// What was measured: the third input of `compile`.
package struct Observations: Sendable {
    package var health: [HealthTarget: HealthState] = [:]
    /// Whose last verdicts spoke against their state, though not often enough yet. Told only where TTLs go by it.
    package var wavering: Set<HealthTarget> = []
    package var measurements = Measurements()
    /// By name of the virtual server: why it is kept out though its monitors have it up.
    package var conditions: [String: ServerCondition] = [:]

    package init() {}

    /// Forgets all but `targets`. One that is new and asks what another asked takes over its state, as the health
    /// monitor does, so that a reload that only changes the pace of a check does not take a target that is down for up.
    package mutating func keep(_ targets: Set<HealthTarget>) {
        var known: [HealthTarget.Question: HealthState] = [:]
        for (target, state) in health { known[target.question] = state }
        var kept: [HealthTarget: HealthState] = [:]
        for target in targets {
            if let state = health[target] ?? known[target.question] { kept[target] = state }
        }
        health = kept
        wavering.formIntersection(targets)
    }
}
