import FlatTables
import Geography
package import TrafficModel

/// One epoch of steering: a plan and what is available now. Immutable; the DNS workers share it.
package final class SteeringSnapshot: Sendable {
    package let plan: SteeringPlan
    package let epoch: UInt64
    /// By position in `Intent.virtualServers` and `Intent.pools`.
    package let servers: [Availability]
    package let pools: [Availability]
    /// Of all candidates: virtual servers, then pools.
    let ranks: FlatTable<Availability>
    /// Whether any of them is `disabled`.
    let hasDisabled: Bool
    /// Of `weigh`: the plan's, or with the factors of operators.
    let weights: FlatTable<UInt32>
    private let ownsWeights: Bool
    let redirections: Redirections
    let loads: LoadTables
    let latency: SharedLatencyTable?
    /// By position in `SteeringPlan.lastGoodPrograms`: bit n says that candidate n was available when one was at last.
    let lastGood: FlatTable<UInt64>
    /// The most that TTLs may be now: of pools, then of wide IPs; empty unless `SteeringPlan.usesStateTTL`.
    let ttlLimits: FlatTable<UInt32>

    /// - Parameters:
    ///   - now: monotonic nanoseconds, on the clock of the measurements.
    ///   - previous: the snapshot before, from which shedding goes on.
    ///   - changes: what can have changed who is available since then; `nil`: anything. With changes, the overrides must
    ///     be those of the snapshot before.
    package init(
        plan: SteeringPlan, intent: Intent, overrides: EffectiveOverrides, observations: Observations, epoch: UInt64,
        now: UInt64 = 0, previous: SteeringSnapshot? = nil, changes: AvailabilityChanges? = nil
    ) {
        self.plan = plan
        self.epoch = epoch
        let same = previous?.plan === plan ? previous : nil
        let servers: [Availability]
        let pools: [Availability]
        if let same, let changes {
            (servers, pools) = same.availability(
                after: changes, in: intent, overrides: overrides, observations: observations)
        } else {
            servers = Self.availability(
                in: intent, dependents: plan.dependents, overrides: overrides, observations: observations)
            pools = intent.pools.indices.map { position in
                Self.availability(ofPool: position, servers: servers, in: intent, overrides: overrides)
            }
        }
        self.servers = servers
        self.pools = pools
        let all = servers + Self.ranks(ofPools: pools, overrides: overrides)
        ranks = FlatTable(all)
        hasDisabled = all.contains(.disabled)
        redirections = Redirections(intent: intent, pools: pools, overrides: overrides)
        let factors = ShareFactors(overrides, serverCount: servers.count)
        ownsWeights = !factors.isEmpty
        weights = factors.isEmpty ? plan.weights : factors.weights(of: plan)
        ttlLimits = FlatTable(
            plan.usesStateTTL
                ? Self.ttlLimits(
                    intent, dependents: plan.dependents, overrides: overrides, observations: observations, now: now)
                : [])
        lastGood = FlatTable(Self.lastGood(plan, ranks: ranks, previous: previous))
        loads = LoadTables(
            plan: plan,
            facts: CandidateFacts(
                intent: intent, servers: servers, measurements: observations.measurements, now: now),
            factors: factors, previous: same?.loads)
        let measurements = observations.measurements
        if !plan.usesLatency || measurements.latency.isEmpty {
            latency = nil
        } else if let table = same?.latency, table.value.version == measurements.latencyVersion {
            latency = table
        } else {
            latency = SharedLatencyTable(
                LatencyTable(measurements: measurements, regions: intent.regions.map(\.name), now: now))
        }
    }

    deinit {
        ranks.deallocate()
        lastGood.deallocate()
        ttlLimits.deallocate()
        loads.deallocate()
        if ownsWeights { weights.deallocate() }
        redirections.deallocate()
    }

    /// What is available, or drains, for each program that asks; where nothing is, what was before. Another
    /// configuration's candidates are known by their names.
    private static func lastGood(
        _ plan: SteeringPlan, ranks: FlatTable<Availability>, previous: SteeringSnapshot?
    ) -> [UInt64] {
        var seeds: Set<UInt64>?
        return plan.lastGoodPrograms.enumerated().map { position, program in
            func mask(where holds: (Int) -> Bool) -> UInt64 {
                (0..<Int(program.candidateCount)).reduce(0) { mask, local in
                    holds(Int(plan.candidates[Int(program.firstCandidate) + local])) ? mask | 1 << UInt64(local) : mask
                }
            }
            let available = mask { ranks[$0] == .available }
            if available != 0 { return available }
            let draining = mask { ranks[$0] == .draining }
            if draining != 0 { return draining }
            guard let previous else { return 0 }
            if previous.plan === plan { return previous.lastGood[position] }
            let known = seeds ?? previous.lastGoodSeeds
            seeds = known
            return mask { known.contains(plan.seeds[$0]) }
        }
    }

    private var lastGoodSeeds: Set<UInt64> {
        var seeds: Set<UInt64> = []
        for (position, program) in plan.lastGoodPrograms.enumerated() {
            for local in 0..<Int(program.candidateCount) where lastGood[position] >> UInt64(local) & 1 != 0 {
                seeds.insert(plan.seeds[Int(plan.candidates[Int(program.firstCandidate) + local])])
            }
        }
        return seeds
    }

    /// Begins to load what ``decide(_:family:client:sequence:into:)`` needs of the wide IP at `position`.
    @inline(__always)
    package func prefetch(wideIP position: Int) { plan.wideIPs.prefetch(position) }

    /// Decides what `subject` answers. Allocates nothing.
    ///
    /// - Parameters:
    ///   - family: what the question asks for.
    ///   - sequence: rises with each decision of a worker; it spreads round robin and ratio evenly even where a worker
    ///     shares one sequence among many names.
    ///   - isApex: whether the name is a zone's own, which cannot be a CNAME.
    package func decide(
        _ subject: SteeredSubject, family: AddressFamily, client: ClientNetwork, sequence: UInt64,
        isApex: Bool = false, into decision: inout SteeringDecision
    ) {
        var trace = NoTrace()
        decide(
            subject, family: family, client: client, sequence: sequence, isApex: isApex, into: &decision, trace: &trace)
    }
}

/// A latency table that snapshots share as long as the measurements stay.
final class SharedLatencyTable: Sendable {
    let value: LatencyTable

    init(_ value: LatencyTable) { self.value = value }

    deinit { value.deallocate() }
}
