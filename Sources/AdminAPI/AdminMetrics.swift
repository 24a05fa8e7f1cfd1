import ControlPlane
import HTTPTypes
import Hummingbird
import Synchronization
package import Telemetry

/// What the admin API counts of itself.
package enum AdminMetrics {
    static let requests = MetricFamily(
        "meridian_admin_requests_total", .counter, ["method", "class"],
        "Requests to the admin API by method and class of the status.")
    static let seconds = MetricFamily(
        "meridian_admin_request_seconds_total", .counter, [],
        "Time that requests to the admin API took until their response began.")
    static let scrapes = MetricFamily(
        "meridian_metrics_scrapes_total", .counter, ["result"],
        "Scrapes by result: ok, busy (too many at once), refused (not allowed to).")
    static let scrapeTime = MetricFamily(
        "meridian_metrics_last_scrape_seconds", .gauge, [], "Time that gathering the metrics took the last time.")

    static let events = MetricFamily(
        "meridian_admin_events_total", .counter, ["event"],
        "What requests to the admin API met with: wrong credentials, missing rights, foreign hosts, limits, "
            + "bad configurations, replays.")
    static let recorded = MetricFamily(
        "meridian_journal_events_total", .counter, [], "Events that the node's journal recorded.")
    static let lost = MetricFamily(
        "meridian_journal_events_lost_total", .counter, [], "Events that readers missed because they were too slow.")
    static let subscribers = MetricFamily(
        "meridian_journal_subscribers", .gauge, [], "Readers that wait for events.")
    static let refusedSubscribers = MetricFamily(
        "meridian_journal_subscribers_refused_total", .counter, [], "Readers turned away because there were too many.")

    package static let all = [
        requests, seconds, events, scrapes, scrapeTime, recorded, lost, subscribers, refusedSubscribers,
    ]
}

extension MetricsWriter {
    /// What access to the node, and its journal, counted.
    mutating func write(_ counters: AdminCounters, _ journal: Journal.Counts) {
        begin(AdminMetrics.events)
        for (name, count) in counters.totals.sorted(by: { $0.key < $1.key }) {
            sample(MetricLabels("event", DNSMetrics.snake(name)), count)
        }
        write(AdminMetrics.recorded, journal.recorded)
        write(AdminMetrics.lost, journal.lost)
        write(AdminMetrics.subscribers, UInt64(max(0, journal.subscribers)))
        write(AdminMetrics.refusedSubscribers, journal.refusedSubscribers)
    }
}

/// Counts requests to the admin API.
package final class AdminMeter: Sendable {
    /// Others count as `OTHER`.
    private static let methods: [HTTPRequest.Method] = [.get, .put, .post, .delete, .head, .patch]

    private struct Counts {
        /// By method and class: five for each method, and for others.
        var requests = [UInt64](repeating: 0, count: (methods.count + 1) * 5)
        var nanoseconds: UInt64 = 0
    }
    private let counts = Mutex(Counts())

    package init() {}

    func count(_ method: HTTPRequest.Method, _ status: Int, nanoseconds: UInt64) {
        let row = Self.methods.firstIndex(of: method) ?? Self.methods.count
        let column = min(max(status / 100, 1), 5) - 1
        counts.withLock {
            $0.requests[row * 5 + column] += 1
            $0.nanoseconds &+= nanoseconds
        }
    }

    func write(to writer: inout MetricsWriter) {
        let counts = counts.withLock { $0 }
        writer.begin(AdminMetrics.requests)
        for (index, count) in counts.requests.enumerated() where count > 0 {
            let method = index / 5 < Self.methods.count ? Self.methods[index / 5].rawValue : "OTHER"
            writer.sample(MetricLabels("method", method).adding("class", "\(index % 5 + 1)xx"), count)
        }
        writer.begin(AdminMetrics.seconds)
        writer.sample(MetricLabels(), nanoseconds: counts.nanoseconds)
    }
}

/// Stands in front of all routes of the admin API.
struct MeterMiddleware<Context: RequestContext>: RouterMiddleware {
    let meter: AdminMeter

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let began = MonotonicClock.now
        do {
            let response = try await next(request, context)
            meter.count(request.method, response.status.code, nanoseconds: MonotonicClock.now &- began)
            return response
        } catch {
            let status = (error as? any HTTPResponseError)?.status.code ?? 500
            meter.count(request.method, status, nanoseconds: MonotonicClock.now &- began)
            throw error
        }
    }
}
