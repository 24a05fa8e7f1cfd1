import Authority
import Balancing
import DNSService
import HealthMonitoring
import ProxyService
package import Telemetry
package import TrafficModel

/// References to all that metrics tell, taken at one moment. What is counted behind them is read while it is written,
/// away from the node: ten thousand members must not keep it from its changes.
struct NodeReading: Sendable {
    let intent: Intent
    let snapshot: Snapshot
    let meter: NodeMeter
    let proxy: ProxyServer
    let dns: DNSServer?
    let pairSlots: PairSlots
    let poolSlots: PoolSlots
    let services: ServiceLevels
    let targets: [TargetStatus]
    let counts: HealthCounts
    let brokenZones: Int
    /// By verdict.
    let overrides: [String: Int]
    let shifts: Int
    let refusedChanges: UInt64
}

extension Node {
    /// All families that a node tells.
    package static let metricFamilies =
        NodeMetrics.all + ServiceMetrics.all + DNSMetrics.all + ProxyMetrics.all + HealthMetrics.all
        + ProcessMetrics.all

    package var metricsSettings: MetricsSettings { compiler.intent.metrics }

    /// Has access and query logs opened again by their paths: somebody has renamed the files.
    package func reopenLogs() {
        proxy.reopenAccessLog()
        dns?.queryLog?.sink.reopen()
    }

    /// Writes all metrics; those who serve them may add their own before ``MetricsWriter/finish()``.
    package func metrics(_ format: MetricsWriter.Format) async -> MetricsWriter {
        let targets = await health.status()
        let counts = await health.counts()
        let reading = NodeReading(
            intent: compiler.intent, snapshot: snapshot, meter: meter, proxy: proxy, dns: dns, pairSlots: pairSlots,
            poolSlots: poolSlots, services: services, targets: targets, counts: counts, brokenZones: zoneFailures.count,
            overrides: Dictionary(overrideStatus.map { ($0.verdict, 1) }, uniquingKeysWith: +),
            shifts: operators.shifts.count, refusedChanges: changes.refusedCount)
        return await Self.write(reading, format)
    }

    @concurrent
    private static func write(_ reading: NodeReading, _ format: MetricsWriter.Format) async -> MetricsWriter {
        let limit = reading.intent.metrics.series
        // Members and targets have most of the series.
        let members = reading.intent.upstreams.reduce(0) { $0 + $1.members.count }
        let size = (64 << 10) + (min(members, limit) * 14 + min(reading.targets.count, limit) * 5) * 96
        var writer = MetricsWriter(format, capacity: size)
        writer.write(reading)
        writer.write(
            reading.services, reading.intent.objectives, limit: limit, at: WallTime.now.milliseconds / 1000)
        writer.write(reading.dns, reading.pairSlots, reading.poolSlots, limit: limit)
        writer.write(reading.proxy, reading.snapshot.balancing, limit: limit, now: MonotonicClock.now)
        writer.write(reading.targets, reading.counts, limit: limit)
        writer.write(ProcessReading())
        return writer
    }
}
