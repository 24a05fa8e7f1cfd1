package import Authority
package import Balancing
package import DNSWire
package import Geography
package import Steering
package import TrafficModel

/// Turns intent, overrides and observations into snapshots; the only place where state becomes behaviour.
///
/// What depends on the configuration alone is made once per generation; each further epoch costs only the arrays of
/// availability.
package struct Compiler: Sendable {
    package let intent: Intent
    package let plan: SteeringPlan
    /// Positions of the virtual servers that have a rule about coming back.
    package let failbackServers: [Int]
    /// Where clients are, for those who watch.
    let countries: ClientCountries
    private let authority: AuthorityData
    private let registry: MemberRegistry

    /// - Parameters:
    ///   - registry: the state of members that outlives generations.
    ///   - seed: secret and random: of the name table, so that nobody can choose names that collide.
    ///   - cookieSeed: secret and random: of DNS cookies where no secrets are configured.
    ///   - poolSlots: the places of pools in the counters of DNS workers, the same for all generations.
    ///   - pairSlots: the same of wide IPs with their pools.
    ///   - previous: of the generation before, whose tables are shared where nothing changed.
    package init(
        intent: Intent, geography: GeographyDatabase, registry: MemberRegistry, seed: UInt64, cookieSeed: SipKey,
        poolSlots: PoolSlots, pairSlots: PairSlots = .init(), previous: Compiler? = nil
    ) {
        self.intent = intent
        self.registry = registry
        plan = SteeringPlan(intent: intent, geography: geography)
        failbackServers = FailbackTracker.servers(in: intent)
        countries = ClientCountries(geography)
        authority = AuthorityData(
            intent: intent, plan: plan, seed: seed, cookieSeed: cookieSeed, poolSlots: poolSlots, pairSlots: pairSlots,
            previous: previous.map { ($0.authority, $0.intent, $0.plan) })
    }

    /// - Parameters:
    ///   - now: monotonic nanoseconds, on the clock that the proxy's choices are made with.
    ///   - previous: the snapshot before, whose parts are shared where nothing changed.
    ///   - changes: what can have changed who is available since then; `nil`: anything.
    package func compile(
        overrides: EffectiveOverrides, observations: Observations, epoch: UInt64, now: UInt64, previous: Snapshot?,
        changes: AvailabilityChanges? = nil
    ) -> Snapshot {
        let steering = SteeringSnapshot(
            plan: plan, intent: intent, overrides: overrides, observations: observations, epoch: epoch, now: now,
            previous: previous?.authority.steering, changes: changes)
        return Snapshot(
            generation: intent.generation, epoch: epoch,
            authority: AuthoritySnapshot(data: authority, steering: steering),
            balancing: BalancingSnapshot(
                intent: intent, overrides: overrides, observations: observations, registry: registry, epoch: epoch,
                now: now, previous: previous?.balancing))
    }

    /// What the DNS side would be with other overrides, for those who judge them.
    func steering(
        overrides: EffectiveOverrides, observations: Observations, previous: Snapshot
    ) -> SteeringSnapshot {
        SteeringSnapshot(
            plan: plan, intent: intent, overrides: overrides, observations: observations, epoch: previous.epoch)
    }
}
