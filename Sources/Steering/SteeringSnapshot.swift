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
    let loads: LoadTables
    let latency: SharedLatencyTable?

    /// - Parameters:
    ///   - now: monotonic nanoseconds, on the clock of the measurements.
    ///   - previous: the snapshot before, from which shedding goes on.
    package init(
        plan: SteeringPlan, intent: Intent, overrides: Overrides, observations: Observations, epoch: UInt64,
        now: UInt64 = 0, previous: SteeringSnapshot? = nil
    ) {
        self.plan = plan
        self.epoch = epoch
        let servers = intent.virtualServers.map { server in
            Self.availability(of: server, in: intent, overrides: overrides, observations: observations)
        }
        let pools = intent.pools.map { pool in
            Self.availability(of: pool, servers: servers, in: intent, overrides: overrides)
        }
        self.servers = servers
        self.pools = pools
        ranks = FlatTable(servers + pools)
        let same = previous?.plan === plan ? previous : nil
        loads = LoadTables(
            plan: plan,
            facts: CandidateFacts(
                intent: intent, servers: servers, measurements: observations.measurements, now: now),
            previous: same?.loads)
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
        loads.deallocate()
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
    package func decide(
        _ subject: SteeredSubject, family: AddressFamily, client: ClientNetwork, sequence: UInt64,
        into decision: inout SteeringDecision
    ) {
        var trace = NoTrace()
        decide(subject, family: family, client: client, sequence: sequence, into: &decision, trace: &trace)
    }
}

/// A latency table that snapshots share as long as the measurements stay.
final class SharedLatencyTable: Sendable {
    let value: LatencyTable

    init(_ value: LatencyTable) { self.value = value }

    deinit { value.deallocate() }
}
