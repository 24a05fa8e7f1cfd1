package import Telemetry
import TrafficModel

/// How wide IPs and pools keep to their objectives: docs/metrics.md says how that is reckoned.
package enum ServiceMetrics {
    static let objective = MetricFamily(
        "meridian_sla_objective_ratio", .gauge, ["kind", "name"], "The part of requests and of time that must be good.")
    static let availability = MetricFamily(
        "meridian_sla_availability_ratio", .gauge, ["kind", "name", "source", "window"],
        "The good part of requests, or of time, by window; none where a window has nothing.")
    static let burnRate = MetricFamily(
        "meridian_sla_burn_rate", .gauge, ["kind", "name", "source", "window"],
        "How many times faster than the objective allows errors come; 1 uses up the budget in just the period.")
    static let budget = MetricFamily(
        "meridian_sla_error_budget_remaining_ratio", .gauge, ["kind", "name", "source"],
        "The part of the period's error budget that is left; negative when more was used than there is.")
    static let requests = MetricFamily(
        "meridian_sla_requests_total", .counter, ["kind", "name", "result"],
        "Requests that count for the objective, good or bad.")
    static let seconds = MetricFamily(
        "meridian_sla_seconds_total", .counter, ["kind", "name", "state"],
        "Time that counts for the objective, up or down.")

    package static let all = [objective, availability, burnRate, budget, requests, seconds]
}

extension MetricsWriter {
    /// - Parameters:
    ///   - limit: series of subjects; those beyond are left out, since parts of different wholes cannot be summed up.
    ///   - now: seconds since 1970.
    mutating func write(_ services: ServiceLevels, _ settings: ObjectiveSettings, limit: Int, at now: Int64) {
        let known = services.records.sorted { $0.key < $1.key }.prefix(limit).map { subject, record in
            (
                labels: MetricLabels("kind", subject.kind.rawValue).adding("name", subject.name), total: record.total,
                level: ServiceLevel(
                    subject, record, objective: settings.objective(of: subject.name), days: settings.days, at: now)
            )
        }
        let measures = known.flatMap { item in
            [
                (item.labels.adding("source", "requests"), item.level.requests),
                (item.labels.adding("source", "time"), item.level.time),
            ].compactMap { labels, measure in measure.map { (labels: labels, measure: $0) } }
        }
        begin(ServiceMetrics.objective)
        for item in known { sample(item.labels, item.level.objective) }
        begin(ServiceMetrics.availability)
        for item in measures {
            for window in ServiceWindow.allCases {
                guard let value = item.measure.availability[window.rawValue] else { continue }
                sample(item.labels.adding("window", window.rawValue), value)
            }
        }
        begin(ServiceMetrics.burnRate)
        for item in measures {
            for window in ServiceWindow.allCases {
                sample(item.labels.adding("window", window.rawValue), item.measure.burnRate[window.rawValue] ?? 0)
            }
        }
        begin(ServiceMetrics.budget)
        for item in measures { sample(item.labels, item.measure.budgetRemaining) }
        begin(ServiceMetrics.requests)
        for item in known {
            sample(item.labels, "result", "good", item.total.good)
            sample(item.labels, "result", "bad", item.total.bad)
        }
        begin(ServiceMetrics.seconds)
        for item in known {
            sample(item.labels.adding("state", "up"), nanoseconds: item.total.up &* 1_000_000)
            sample(item.labels.adding("state", "down"), nanoseconds: item.total.down &* 1_000_000)
        }
    }
}
