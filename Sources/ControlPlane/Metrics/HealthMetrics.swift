import HealthMonitoring
package import Telemetry
import TrafficModel

/// What monitors find.
package enum HealthMetrics {
    static let up = MetricFamily(
        "meridian_health_up", .gauge, ["monitor", "target"],
        "What the monitor last found: 1: up, 0: down, 0.5: not known yet; of `other` the sum.")
    static let checks = MetricFamily(
        "meridian_health_checks_total", .counter, ["monitor", "target", "result"],
        "Probes by result: ok, failed, inconclusive (could not be made, for reasons on this side).")
    static let seconds = MetricFamily(
        "meridian_health_check_seconds", .gauge, ["monitor", "target"], "How long the last probe took.")
    static let inFlight = MetricFamily("meridian_health_probes_in_flight", .gauge, [], "Probes that run now.")
    static let waiting = MetricFamily(
        "meridian_health_probes_waiting", .gauge, [], "Probes that are due and wait for a place.")
    static let delayed = MetricFamily(
        "meridian_health_probes_delayed_total", .counter, [], "Probes that had to wait for a place.")

    package static let all = [up, checks, seconds, inFlight, waiting, delayed]
}

extension MetricsWriter {
    /// - Parameter limit: targets that have series of their own; the others are one for each monitor.
    mutating func write(_ targets: [TargetStatus], _ counts: HealthCounts, limit: Int) {
        // Texts are made once: there may be ten thousand.
        let named = targets.map { (monitor: $0.target.monitor.name, endpoint: "\($0.target.endpoint)", status: $0) }
        let sorted = named.sorted { ($0.monitor, $0.endpoint) < ($1.monitor, $1.endpoint) }
        let known = sorted.prefix(limit).map { item in
            (MetricLabels("monitor", item.monitor).adding("target", item.endpoint), [item.status])
        }
        let rest = Dictionary(grouping: sorted.dropFirst(limit).map(\.status)) { $0.target.monitor.name }
        let groups =
            known
            + rest.sorted { $0.key < $1.key }.map {
                (MetricLabels("monitor", $0.key).adding("target", "other"), $0.value)
            }
        begin(HealthMetrics.up)
        for (labels, group) in groups { sample(labels, group.reduce(0.0) { $0 + $1.state.level }) }
        begin(HealthMetrics.checks)
        for (labels, group) in groups {
            let failures = group.reduce(0) { $0 &+ $1.failures }
            let checks = group.reduce(0) { $0 &+ $1.checks }
            sample(labels, "result", "ok", checks - min(checks, failures))
            sample(labels, "result", "failed", failures)
            sample(labels, "result", "inconclusive", group.reduce(0) { $0 &+ $1.inconclusive })
        }
        begin(HealthMetrics.seconds)
        for (labels, group) in known {
            guard let last = group[0].lastDuration else { continue }
            sample(labels, nanoseconds: UInt64(max(0, last / .nanoseconds(1))))
        }
        write(HealthMetrics.inFlight, UInt64(counts.inFlight))
        write(HealthMetrics.waiting, UInt64(counts.waiting))
        write(HealthMetrics.delayed, counts.delayed)
    }
}

extension HealthState {
    fileprivate var level: Double {
        switch self {
        case .up: 1
        case .unknown: 0.5
        case .down: 0
        }
    }
}
