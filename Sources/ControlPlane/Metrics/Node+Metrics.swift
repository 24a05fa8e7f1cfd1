import Authority
import Balancing
import DNSService
import HealthMonitoring
import ProxyService
package import Telemetry
import TrafficModel

extension Node {
    /// All families that a node tells.
    package static let metricFamilies =
        NodeMetrics.all + ServiceMetrics.all + DNSMetrics.all + ProxyMetrics.all + HealthMetrics.all
        + ProcessMetrics.all

    /// Has access and query logs opened again by their paths: somebody has renamed the files.
    package func reopenLogs() {
        proxy.reopenAccessLog()
        dnsCounters.logs.reopen()
    }

    /// Writes all metrics; those who serve them may add their own before ``MetricsWriter/finish()``.
    package func metrics(_ format: MetricsWriter.Format) async -> MetricsWriter { await view().metrics(format) }
}

extension NodeView {
    @concurrent
    func metrics(_ format: MetricsWriter.Format) async -> MetricsWriter {
        let targets = await health.status()
        let counts = await health.counts()
        let limit = intent.metrics.series
        // Members and targets have most of the series.
        let members = intent.upstreams.reduce(0) { $0 + $1.members.count }
        let size = (64 << 10) + (min(members, limit) * 14 + min(targets.count, limit) * 5) * 96
        var writer = MetricsWriter(format, capacity: size)
        writer.write(self, targets: targets.count)
        writer.write(services, intent.objectives, limit: limit, at: WallTime.now.milliseconds / 1000)
        writer.write(dnsCounters, pairSlots, poolSlots, limit: limit)
        writer.write(DNSMetrics.stuckThreads, UInt64(dns?.stuckThreads(now: MonotonicClock.now) ?? 0))
        writer.write(proxy, snapshot.balancing, limit: limit, now: MonotonicClock.now)
        writer.write(targets, counts, limit: limit)
        writer.write(ProcessReading())
        return writer
    }
}
