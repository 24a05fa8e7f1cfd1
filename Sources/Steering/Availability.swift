package import TrafficModel

/// Whether something can be sent to.
package enum Availability: UInt8, Sendable, Hashable, BitwiseCopyable {
    /// Taken out by an operator: not answered while there is anything else, even where all of that is down.
    case disabled
    case down
    /// It works, but operators want nothing new on it: taken when nothing else is available.
    case draining
    case available

    /// Whether it is answered without need.
    package var isWorking: Bool { self == .draining || self == .available }
}

extension SteeringSnapshot {
    /// Of all virtual servers. Overrides go before monitors, dependencies and conditions, and a virtual server's own
    /// before its region's. Unknown health counts as up.
    ///
    /// - Parameter dependents: as `Intent.dependents`.
    static func availability(
        in intent: Intent, dependents: [Int], overrides: EffectiveOverrides, observations: Observations
    ) -> [Availability] {
        var result = intent.virtualServers.indices.map { own(of: $0, in: intent, overrides, observations) }
        for position in dependents { depend(position, in: intent, overrides, &result) }
        return result
    }

    /// Of a virtual server that needs no other.
    private static func own(
        of position: Int, in intent: Intent, _ overrides: EffectiveOverrides, _ observations: Observations
    ) -> Availability {
        let server = intent.virtualServers[position]
        guard server.enabled else { return .down }
        let isOut =
            observations.conditions[server.name] != nil || intent.health(of: server, in: observations.health) == .down
        return verdict(on: position, overrides).applied(to: isOut ? .down : .available)
    }

    /// Takes out a virtual server that works by itself but depends on what is down.
    private static func depend(
        _ position: Int, in intent: Intent, _ overrides: EffectiveOverrides, _ result: inout [Availability]
    ) {
        let server = intent.virtualServers[position]
        guard result[position].isWorking, server.dependsOn.contains(where: { !result[$0].isWorking }) else { return }
        result[position] = verdict(on: position, overrides).applied(to: .down)
    }

    /// What became of the virtual servers and pools of this snapshot: only what the changes touch is looked at.
    ///
    /// - Parameter overrides: those that this snapshot was made with.
    func availability(
        after changes: AvailabilityChanges, in intent: Intent, overrides: EffectiveOverrides, observations: Observations
    ) -> (servers: [Availability], pools: [Availability]) {
        var (servers, pools) = (servers, pools)
        var touched = Set(changes.servers)
        for target in changes.targets { touched.formUnion(plan.uses.servers(of: target)) }
        touched.formUnion(plan.dependents)
        for position in touched {
            servers[position] = Self.own(of: position, in: intent, overrides, observations)
        }
        for position in plan.dependents { Self.depend(position, in: intent, overrides, &servers) }
        var seen: Set<Int> = []
        for position in touched where servers[position] != self.servers[position] {
            for pool in plan.uses.pools(of: position) where seen.insert(pool).inserted {
                pools[pool] = Self.availability(
                    ofPool: pool, servers: servers, in: intent, overrides: overrides)
            }
        }
        return (servers, pools)
    }

    static func verdict(on server: Int, _ overrides: EffectiveOverrides) -> Overrides.Verdict? {
        overrides.servers.isEmpty ? nil : overrides.servers[server]?.entry.verdict
    }

    /// What stands in for pools that are cut over counts for them; of the others, their own state.
    static func ranks(ofPools pools: [Availability], overrides: EffectiveOverrides) -> [Availability] {
        guard !overrides.substitutes.isEmpty else { return pools }
        var ranks = pools
        for (pool, targets) in overrides.substitutes {
            ranks[pool] = targets.map { pools[$0] }.max { $0.rawValue < $1.rawValue } ?? .down
        }
        return ranks
    }

    /// What clients of a wide IP meet that are sent to one of its pools: where that is cut over, what took over counts.
    ///
    /// - Parameters:
    ///   - pool, wideIP: positions in `Intent.pools` and `Intent.wideIPs`.
    ///   - overrides: those that this snapshot was made with.
    package func availability(ofPool pool: Int, in wideIP: Int, _ overrides: EffectiveOverrides) -> Availability {
        guard let order = overrides.cutover(of: pool, in: wideIP) else { return pools[pool] }
        return order.to.map { pools[$0] }.max { $0.rawValue < $1.rawValue } ?? .down
    }

    /// A pool is as available as enough of its virtual servers; one without virtual servers points elsewhere and counts
    /// as up.
    static func availability(
        ofPool position: Int, servers: [Availability], in intent: Intent, overrides: EffectiveOverrides
    ) -> Availability {
        let pool = intent.pools[position]
        guard pool.enabled else { return .down }
        var found = Availability.available
        if !pool.virtualServers.isEmpty {
            let needed = max(pool.minimumUp.count(of: pool.virtualServers.count), 1)
            let available = pool.virtualServers.count { servers[$0] == .available }
            let working = pool.virtualServers.count { servers[$0].isWorking }
            let isDisabled = pool.virtualServers.allSatisfy { servers[$0] == .disabled }
            found =
                available >= needed ? .available : working >= needed ? .draining : isDisabled ? .disabled : .down
        }
        return (overrides.pools[position]?.entry.verdict).applied(to: found)
    }
}

extension Overrides.Verdict? {
    fileprivate func applied(to monitored: Availability) -> Availability {
        switch self {
        case nil: monitored
        case .drain?: monitored.isWorking ? .draining : monitored
        case .disable?: .disabled
        case .forceDown?: .down
        case .forceUp?: .available
        // They change who is chosen, not who could be.
        case .cutover?, .weight?: monitored
        }
    }
}
