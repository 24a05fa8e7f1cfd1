package import ControlPlane
import HTTPTypes
import Hummingbird
import Synchronization
package import Telemetry

/// Answers `GET /metrics`, wherever it is asked. One at a time: two Prometheis and an operator may come together, but a
/// crowd must not take the machine from those whom the node serves.
package final class MetricsEndpoint: Sendable {
    /// Scrapes that may wait for their turn; one more gets 503.
    static let line = 4

    private struct State {
        var ok: UInt64 = 0
        var refused: UInt64 = 0
        var lastNanoseconds: UInt64 = 0
    }

    /// All families that are served.
    package static let families = Node.metricFamilies + AdminMetrics.all

    /// Of the admin API.
    package let meter = AdminMeter()
    private let node: Node
    private let state = Mutex(State())
    let turnstile = Turnstile(line: line)

    package init(node: Node) { self.node = node }

    /// - Throws: `Refusal` when too many wait already.
    func respond(to request: Request) async throws -> Response {
        try await turnstile.enterOrRefuse("too many scrapes at once: try again in a moment")
        defer { turnstile.leave() }
        let began = MonotonicClock.now
        let format = MetricsWriter.Format(accept: request.headers[.accept] ?? "")
        var writer = await node.metrics(format)
        meter.write(to: &writer)
        writer.write(node.adminCounters, node.journal.counts)
        writeScrapes(to: &writer)
        writer.finish()
        state.withLock {
            $0.ok += 1
            $0.lastNanoseconds = MonotonicClock.now &- began
        }
        return Response(
            status: .ok, headers: [.contentType: format.contentType, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: writer.bytes)))
    }

    func countRefused() { state.withLock { $0.refused += 1 } }

    private func writeScrapes(to writer: inout MetricsWriter) {
        let state = state.withLock { $0 }
        writer.begin(AdminMetrics.scrapes)
        writer.sample(MetricLabels(), "result", "ok", state.ok)
        writer.sample(MetricLabels(), "result", "busy", turnstile.refusedCount)
        writer.sample(MetricLabels(), "result", "refused", state.refused)
        writer.begin(AdminMetrics.scrapeTime)
        writer.sample(MetricLabels(), nanoseconds: state.lastNanoseconds)
    }
}
