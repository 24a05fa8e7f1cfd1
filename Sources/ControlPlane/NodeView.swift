import Authority
import ConfigurationLoading
import DNSService
import HealthMonitoring
import ProxyService
import Steering
import TrafficModel

/// References to all that a node tells, taken at one moment. What they come to is worked out away from the node, and what
/// is counted behind them is read while it is written: ten thousand members must not keep a node from its changes.
package struct NodeView: Sendable {
    let configurationPath: String
    let started: ContinuousClock.Instant
    let intent: Intent
    let snapshot: Snapshot
    /// The states of all parts, by position in `intent`.
    let table: StateTable
    let effective: EffectiveOverrides
    let observations: Observations
    let operators: OperatorState
    let diagnostics: [Diagnostic]
    let zoneFailures: [ZoneFailure]
    let refusedReload: NodeStatus.RefusedReload?
    let meter: NodeMeter
    let services: ServiceLevels
    let routeFailures: RouteFailures
    let pairSlots: PairSlots
    let poolSlots: PoolSlots
    let refusedChanges: UInt64
    let journal: Journal
    let adminCounters: AdminCounters
    let dns: DNSServer?
    let dnsCounters: DNSCounters
    let proxy: ProxyServer
    let health: HealthMonitor

    /// What monitors found, by target.
    typealias Findings = [HealthTarget: TargetStatus]

    func findings() async -> Findings {
        Dictionary(await health.status().map { ($0.target, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The configuration's windows and the operators'.
    var windows: [String: MaintenanceWindow] {
        intent.windows.merging(operators.windows) { configured, _ in configured }
    }
}

extension Node {
    /// The node as of now. It costs some references, however large the node is.
    package func view() -> NodeView {
        NodeView(
            configurationPath: configurationPath, started: started, intent: compiler.intent, snapshot: snapshot,
            table: watch.states, effective: effective, observations: observations, operators: operators,
            diagnostics: diagnostics, zoneFailures: zoneFailures, refusedReload: refusedReload, meter: meter,
            services: services,
            routeFailures: routeFailures, pairSlots: pairSlots, poolSlots: poolSlots,
            refusedChanges: changes.refusedCount, journal: journal,
            adminCounters: adminCounters, dns: dns, dnsCounters: dnsCounters, proxy: proxy, health: health)
    }

    /// Reads the configuration's file as it is now, and changes nothing.
    package func check() async throws(ChangeError) -> Resource.Configuration {
        // One at a time: it costs as much as a reload.
        try await takeTurn()
        defer { changes.leave() }
        let result = await load(reusing: zones)
        return .init(
            path: configurationPath, generation: snapshot.generation, isValid: result.intent != nil,
            diagnostics: (result.diagnostics
                + (result.intent.map { Surroundings.findings($0, in: configurationPath) } ?? []))
                .map(Resource.Diagnostic.init))
    }
}
