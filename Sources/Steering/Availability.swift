import TrafficModel

/// Whether something can be sent to.
package enum Availability: UInt8, Sendable, Hashable, BitwiseCopyable {
    case down
    /// It works, but operators want nothing new on it: taken when nothing else is available.
    case draining
    case available
}

extension SteeringSnapshot {
    /// Overrides go before monitors, and a virtual server's own before its region's. Unknown health counts as up.
    static func availability(
        of server: VirtualServer, in intent: Intent, overrides: Overrides, observations: Observations
    ) -> Availability {
        let monitored: Availability =
            server.monitors.contains { monitor in
                let target = HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[monitor])
                return observations.health[target] == .down
            } ? .down : .available
        guard server.enabled else { return .down }
        let override =
            overrides.entries[.virtualServer(server.name)]
            ?? overrides.entries[.region(intent.regions[server.region].name)]
        return override.map { $0.verdict.applied(to: monitored) } ?? monitored
    }

    /// A pool is as available as its best virtual server; one without virtual servers points elsewhere and counts as up.
    static func availability(
        of pool: Pool, servers: [Availability], in intent: Intent, overrides: Overrides
    ) -> Availability {
        guard pool.enabled else { return .down }
        let best = pool.virtualServers.map { servers[$0] }.max { $0.rawValue < $1.rawValue } ?? .available
        let override =
            overrides.entries[.pool(pool.name)]
            ?? (pool.virtualServers.isEmpty
                ? pool.region.flatMap { overrides.entries[.region(intent.regions[$0].name)] } : nil)
        return override.map { $0.verdict.applied(to: best) } ?? best
    }
}

extension Overrides.Verdict {
    fileprivate func applied(to monitored: Availability) -> Availability {
        switch self {
        case .drain: monitored == .down ? .down : .draining
        case .forceDown: .down
        case .forceUp: .available
        }
    }
}
