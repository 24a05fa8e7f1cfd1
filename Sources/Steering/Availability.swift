import TrafficModel

/// Whether something can be sent to.
package enum Availability: UInt8, Sendable, Hashable, BitwiseCopyable {
    case down
    /// It works, but operators want nothing new on it: taken when nothing else is available.
    case draining
    case available
}

extension SteeringSnapshot {
    /// Of all virtual servers. Overrides go before monitors, dependencies and conditions, and a virtual server's own
    /// before its region's. Unknown health counts as up.
    ///
    /// - Parameter dependents: as `Intent.dependents`.
    static func availability(
        in intent: Intent, dependents: [Int], overrides: Overrides, observations: Observations
    ) -> [Availability] {
        var result = intent.virtualServers.map { own(of: $0, in: intent, overrides, observations) }
        for position in dependents { depend(position, in: intent, overrides, &result) }
        return result
    }

    /// Of a virtual server that needs no other.
    private static func own(
        of server: VirtualServer, in intent: Intent, _ overrides: Overrides, _ observations: Observations
    ) -> Availability {
        guard server.enabled else { return .down }
        let isOut =
            observations.conditions[server.name] != nil || intent.health(of: server, in: observations.health) == .down
        return verdict(on: server, intent, overrides).applied(to: isOut ? .down : .available)
    }

    /// Takes out a virtual server that works by itself but depends on what is down.
    private static func depend(
        _ position: Int, in intent: Intent, _ overrides: Overrides, _ result: inout [Availability]
    ) {
        let server = intent.virtualServers[position]
        guard result[position] != .down, server.dependsOn.contains(where: { result[$0] == .down }) else { return }
        result[position] = verdict(on: server, intent, overrides).applied(to: .down)
    }

    /// What became of the virtual servers and pools of this snapshot: only what the changes touch is looked at.
    ///
    /// - Parameter overrides: those that this snapshot was made with.
    func availability(
        after changes: AvailabilityChanges, in intent: Intent, overrides: Overrides, observations: Observations
    ) -> (servers: [Availability], pools: [Availability]) {
        var (servers, pools) = (servers, pools)
        var touched = Set(changes.servers)
        for target in changes.targets { touched.formUnion(plan.uses.servers(of: target)) }
        touched.formUnion(plan.dependents)
        for position in touched {
            servers[position] = Self.own(of: intent.virtualServers[position], in: intent, overrides, observations)
        }
        for position in plan.dependents { Self.depend(position, in: intent, overrides, &servers) }
        var seen: Set<Int> = []
        for position in touched where servers[position] != self.servers[position] {
            for pool in plan.uses.pools(of: position) where seen.insert(pool).inserted {
                pools[pool] = Self.availability(
                    of: intent.pools[pool], servers: servers, in: intent, overrides: overrides)
            }
        }
        return (servers, pools)
    }

    static func verdict(
        on server: VirtualServer, _ intent: Intent, _ overrides: Overrides
    ) -> Overrides.Verdict? {
        guard !overrides.entries.isEmpty else { return nil }
        return
            (overrides.entries[.virtualServer(server.name)]
            ?? overrides.entries[.region(intent.regions[server.region].name)])?.verdict
    }

    /// A pool is as available as enough of its virtual servers; one without virtual servers points elsewhere and counts
    /// as up.
    static func availability(
        of pool: Pool, servers: [Availability], in intent: Intent, overrides: Overrides
    ) -> Availability {
        guard pool.enabled else { return .down }
        var found = Availability.available
        if !pool.virtualServers.isEmpty {
            let needed = max(pool.minimumUp.count(of: pool.virtualServers.count), 1)
            let available = pool.virtualServers.count { servers[$0] == .available }
            let working = pool.virtualServers.count { servers[$0] != .down }
            found = available >= needed ? .available : working >= needed ? .draining : .down
        }
        let override =
            overrides.entries[.pool(pool.name)]
            ?? (pool.virtualServers.isEmpty
                ? pool.region.flatMap { overrides.entries[.region(intent.regions[$0].name)] } : nil)
        return (override?.verdict).applied(to: found)
    }
}

extension Overrides.Verdict? {
    fileprivate func applied(to monitored: Availability) -> Availability {
        switch self {
        case nil: monitored
        case .drain?: monitored == .down ? .down : .draining
        case .forceDown?: .down
        case .forceUp?: .available
        }
    }
}
