import Authority
import Balancing
import DNSService
import HealthMonitoring
import ProxyService
import Steering
package import Telemetry
import TrafficModel

/// What the node says about its configuration, and about what follows from it.
package enum NodeMetrics {
    static let generation = MetricFamily(
        "meridian_configuration_generation", .gauge, [], "Number of the configuration in force.")
    static let epoch = MetricFamily(
        "meridian_snapshot_epoch", .gauge, [], "Number of the snapshot in force; it rises with each change of anything."
    )
    static let compilations = MetricFamily(
        "meridian_snapshot_compilations_total", .counter, [], "Snapshots that were compiled.")
    static let compilationTime = MetricFamily(
        "meridian_snapshot_compilation_seconds_total", .counter, [], "Time that compiling snapshots took.")
    static let lastCompilation = MetricFamily(
        "meridian_snapshot_last_compilation_seconds", .gauge, [], "Time that the latest snapshot took.")
    static let reloads = MetricFamily(
        "meridian_configuration_reloads_total", .counter, ["result"],
        "Reloads of the configuration: applied, or refused because of an error.")
    static let reloadSuccessful = MetricFamily(
        "meridian_configuration_last_reload_successful", .gauge, [],
        "1: the latest reload was applied; 0: it was refused, and the configuration before is in force.")
    static let reloadTime = MetricFamily(
        "meridian_configuration_last_reload_success_timestamp_seconds", .gauge, [],
        "When the configuration in force was read; seconds since 1970.")
    static let poolUp = MetricFamily(
        "meridian_pool_available", .gauge, ["pool", "region"],
        "1: the pool is available; 0.5: it is draining; 0: it is down or disabled.")
    static let poolState = MetricFamily(
        "meridian_pool_state", .gauge, ["pool", "region", "state"],
        "1: the pool is in this state; 0: it is in another.")
    static let poolOut = MetricFamily(
        "meridian_pool_taken_out", .gauge, ["pool", "region"],
        "1: operators or windows keep clients from the pool, or from all of its virtual servers.")
    static let regionState = MetricFamily(
        "meridian_region_state", .gauge, ["region", "state"],
        "1: the region is in this state, by its virtual servers, or by its pools where it has none; 0: it is in another."
    )
    static let regionOut = MetricFamily(
        "meridian_region_taken_out", .gauge, ["region"],
        "1: operators or windows keep clients from all that is in the region.")
    static let serverUp = MetricFamily(
        "meridian_virtual_server_available", .gauge, ["virtual_server", "region"],
        "1: the virtual server is available; 0.5: it is draining; 0: it is down or disabled.")
    static let brokenZones = MetricFamily(
        "meridian_zone_files_broken", .gauge, [], "Zone files that the configuration in force goes without.")
    static let overrides = MetricFamily(
        "meridian_overrides", .gauge, ["verdict"], "Overrides of operators and windows that are in force.")
    static let shifts = MetricFamily("meridian_shifts", .gauge, [], "Shifts of load that are in force.")
    static let refusedChanges = MetricFamily(
        "meridian_changes_refused_total", .counter, [], "Changes turned away because too many waited.")
    static let logLines = MetricFamily(
        "meridian_log_lines_total", .counter, ["log"], "Lines of access and query logs that were taken.")
    static let logDropped = MetricFamily(
        "meridian_log_lines_dropped_total", .counter, ["log"],
        "Lines that were lost: too many waited, or they could not be written.")
    static let logFailures = MetricFamily(
        "meridian_log_write_failures_total", .counter, ["log"],
        "Writes that failed, and files that could not be opened again or renamed.")
    static let folded = MetricFamily(
        "meridian_metrics_folded", .gauge, ["kind"],
        "Things without series of their own, because there are more than `metrics.series`.")

    package static let all = [
        generation, epoch, compilations, compilationTime, lastCompilation, reloads, reloadSuccessful, reloadTime,
        poolUp, poolState, poolOut, regionState, regionOut, serverUp, brokenZones, overrides, shifts, refusedChanges,
        logLines, logDropped, logFailures, folded,
    ]
}

extension MetricsWriter {
    /// - Parameter targets: how many endpoints monitors watch.
    mutating func write(_ view: NodeView, targets: Int) {
        let (intent, snapshot, meter) = (view.intent, view.snapshot, view.meter)
        let limit = intent.metrics.series
        write(NodeMetrics.generation, snapshot.generation)
        write(NodeMetrics.epoch, snapshot.epoch)
        write(NodeMetrics.compilations, meter.compilations)
        begin(NodeMetrics.compilationTime)
        sample(MetricLabels(), nanoseconds: meter.compilationTime)
        begin(NodeMetrics.lastCompilation)
        sample(MetricLabels(), nanoseconds: meter.lastCompilation)
        begin(NodeMetrics.reloads)
        sample(MetricLabels(), "result", "applied", meter.reloads)
        sample(MetricLabels(), "result", "refused", meter.refusedReloads)
        write(NodeMetrics.reloadSuccessful, meter.wasLastReloadApplied ? 1 : UInt64(0))
        write(NodeMetrics.reloadTime, Double(meter.lastApplied.milliseconds) / 1000)

        let steering = snapshot.authority.steering
        begin(NodeMetrics.poolUp)
        for (pool, availability) in zip(intent.pools, steering.pools).prefix(limit) {
            let region = pool.region.map { intent.regions[$0].name } ?? ""
            sample(MetricLabels("pool", pool.name).adding("region", region), availability.level)
        }
        if intent.pools.count > limit {
            let rest = steering.pools.dropFirst(limit).reduce(0.0) { $0 + $1.level }
            sample(MetricLabels("pool", "other").adding("region", "other"), rest)
        }
        writeStates(view, limit: limit)
        begin(NodeMetrics.serverUp)
        for (server, availability) in zip(intent.virtualServers, steering.servers).prefix(limit) {
            sample(
                MetricLabels("virtual_server", server.name).adding("region", intent.regions[server.region].name),
                availability.level)
        }
        if intent.virtualServers.count > limit {
            let rest = steering.servers.dropFirst(limit).reduce(0.0) { $0 + $1.level }
            sample(MetricLabels("virtual_server", "other").adding("region", "other"), rest)
        }
        write(NodeMetrics.brokenZones, UInt64(view.zoneFailures.count))
        begin(NodeMetrics.overrides)
        let overrides = Dictionary(view.overrideStatus.map { ($0.verdict, 1) }, uniquingKeysWith: +)
        for (verdict, count) in overrides.sorted(by: { $0.key < $1.key }) {
            sample(MetricLabels("verdict", verdict), count)
        }
        write(NodeMetrics.shifts, UInt64(view.operators.shifts.count))
        write(NodeMetrics.refusedChanges, view.refusedChanges)

        let access = view.proxy.status
        let queries = view.dnsCounters.logs.counts
        begin(NodeMetrics.logLines)
        sample(MetricLabels(), "log", "access", access.logLines)
        sample(MetricLabels(), "log", "query", queries.written)
        begin(NodeMetrics.logDropped)
        sample(MetricLabels(), "log", "access", access.droppedLogLines)
        sample(MetricLabels(), "log", "query", queries.dropped)
        begin(NodeMetrics.logFailures)
        sample(MetricLabels(), "log", "access", access.logFailures)
        sample(MetricLabels(), "log", "query", queries.failures)

        begin(NodeMetrics.folded)
        let counts: [(StaticString, Int)] = [
            ("member", intent.upstreams.reduce(0) { $0 + $1.members.count }),
            ("pool", intent.pools.count), ("virtual_server", intent.virtualServers.count),
            ("upstream", intent.upstreams.count),
            ("route", intent.listeners.reduce(0) { $0 + $1.routeCount }), ("target", targets),
            ("decision", view.pairSlots.pairs.count),
        ]
        for (kind, count) in counts { sample(MetricLabels(), "kind", kind, UInt64(max(0, count - limit))) }
    }
}

extension MetricsWriter {
    /// States of pools and regions as the API has them, and whether those are meant. What has no series of its own is
    /// counted by state.
    fileprivate mutating func writeStates(_ view: NodeView, limit: Int) {
        let (intent, table) = (view.intent, view.table)
        func labels(_ pool: Pool) -> MetricLabels {
            MetricLabels("pool", pool.name).adding("region", pool.region.map { intent.regions[$0].name } ?? "")
        }
        let words = StateTable.State.allCases.filter { $0 != .ejected }
        begin(NodeMetrics.poolState)
        for (pool, state) in zip(intent.pools, table.pools).prefix(limit) {
            for word in words { sample(labels(pool).adding("state", word.text), state == word ? 1 : UInt64(0)) }
        }
        if intent.pools.count > limit {
            for word in words {
                let rest = table.pools.dropFirst(limit).count { $0 == word }
                let other = MetricLabels("pool", "other").adding("region", "other")
                sample(other.adding("state", word.text), UInt64(rest))
            }
        }
        begin(NodeMetrics.poolOut)
        for (index, pool) in intent.pools.prefix(limit).enumerated() {
            sample(labels(pool), view.effective.takesOut(pool: index, of: intent) ? 1 : UInt64(0))
        }
        begin(NodeMetrics.regionState)
        for (region, state) in zip(intent.regions, table.regions).prefix(limit) {
            for word in words {
                let labels = MetricLabels("region", region.name).adding("state", word.text)
                sample(labels, state == word ? 1 : UInt64(0))
            }
        }
        begin(NodeMetrics.regionOut)
        for (region, isOut) in zip(intent.regions, view.effective.regionsTakenOut(of: intent)).prefix(limit) {
            sample(MetricLabels("region", region.name), isOut ? 1 : UInt64(0))
        }
    }
}

extension Listener {
    fileprivate var routeCount: Int { if case .http(let routes) = mode { routes.count } else { 0 } }
}

extension Availability {
    fileprivate var level: Double {
        switch self {
        case .available: 1
        case .draining: 0.5
        case .down, .disabled: 0
        }
    }
}
