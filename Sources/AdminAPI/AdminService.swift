package import ControlPlane
import Glibc
import HTTPTypes
import Hummingbird
package import Logging
import ServiceLifecycle

/// The admin API on a Unix socket that its owner alone can open.
///
///     GET    /v1/status
///     GET    /v1/explain?name=&type=&client=&resolver=&sequence=
///     GET    /v1/explain/http?url=&method=&client=&listener=&header=
///     POST   /v1/explain/http       {"url", "method", "headers", "client", "listener"}
///     POST   /v1/reload
///     GET    /v1/audit?last=N
///     GET    /v1/events?since=&limit=&kind=&subject=&name=
///     PUT    /v1/overrides/{kind}   {"name", "verdict", "to", "factor", "reason", "seconds", "force"}
///     DELETE /v1/overrides/{kind}   {"name", "force"}
///     GET    /v1/windows
///     PUT    /v1/windows/{name}     {"kind", "name", "verdict", "start" | "days", "at", "zone", "seconds", "drain", "reason"}
///     DELETE /v1/windows/{name}
///     GET    /v1/shifts
///     POST   /v1/shifts             {"wide_ip", "kind", "from", "to", "share", "until" | "seconds", "reason", "force"}
///     DELETE /v1/shifts/{id}
///     POST   /v1/virtual-servers/{name}/resume
///
/// `?dry_run=true` on a change of overrides, windows, shifts or the configuration shows what it would do.
package struct AdminService: Service {
    /// A request body larger than this is refused with 413.
    static let bodyLimit = 64 * 1024
    static let operations = [
        "GET /v1/status", "GET /v1/explain/http", "POST /v1/explain/http", "GET /v1/events", "GET /v1/audit",
        "POST /v1/reload", "PUT /v1/overrides/{kind}", "DELETE /v1/overrides/{kind}",
        "POST /v1/virtual-servers/{name}/resume",
        "GET /v1/windows", "PUT /v1/windows/{name}", "DELETE /v1/windows/{name}", "GET /v1/shifts", "POST /v1/shifts",
        "DELETE /v1/shifts/{id}", "GET /metrics",
    ]

    private let node: Node
    private let socketPath: String
    private let logger: Logger
    private let metrics: MetricsEndpoint

    package init(node: Node, socketPath: String, metrics: MetricsEndpoint? = nil, logger: Logger) {
        self.node = node
        self.metrics = metrics ?? MetricsEndpoint(node: node)
        self.socketPath = socketPath
        self.logger = logger
    }

    package func run() async throws {
        // A socket that a killed process left behind would make the bind fail; a live one answers, and is not ours.
        try removeStaleSocket()
        let previous = umask(0o177)
        defer { umask(previous) }
        var quiet = logger
        quiet.logLevel = .warning
        let application = Application(
            router: makeRouter(), configuration: .init(address: .unixDomainSocket(path: socketPath)), logger: quiet)
        let journal = node.journal
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: {
            // Streams of events would keep their connections, and with them the node, alive.
            journal.close()
        }
        unsafe unlink(socketPath)
    }

    private func removeStaleSocket() throws {
        guard unsafe access(socketPath, F_OK) == 0 else { return }
        guard AdminClient.isAnswering(socketPath) else {
            unsafe unlink(socketPath)
            return
        }
        throw AdminError(text: "\(socketPath): another process serves this socket; end it or set another admin.socket")
    }

    private func makeRouter() -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: MeterMiddleware(meter: metrics.meter))
        router.add(middleware: ProblemMiddleware())
        router.add(middleware: DryRunMiddleware())
        let node = node
        let metrics = metrics
        router.get("/metrics") { request, _ in try await metrics.respond(to: request) }
        router.get("/v1/status") { _, _ in try Self.json(await node.status()) }
        router.get("/v1/explain") { request, _ in try await Self.explain(request, node: node) }
        router.get("/v1/explain/http") { request, _ in try await Self.explainRequest(query: request, node: node) }
        router.post("/v1/explain/http") { request, _ in try await Self.explainRequest(body: request, node: node) }
        router.get("/v1/audit") { request, _ in try await Self.audit(request, node: node) }
        router.post("/v1/reload") { _, context in
            let outcome = try await node.reload(by: await context.author())
            return try Self.json(outcome, status: outcome.applied ? .ok : .unprocessableContent)
        }
        router.put("/v1/overrides/{kind}") { try await Self.setOverride($0, $1, node: node) }
        router.delete("/v1/overrides/{kind}") { try await Self.clearOverride($0, $1, node: node) }
        router.get("/v1/events") { request, _ in try await Self.events(request, node: node) }
        router.get("/v1/windows") { _, _ in try Self.json(await node.windowStatus) }
        router.put("/v1/windows/{name}") { try await Self.addWindow($0, $1, node: node) }
        router.delete("/v1/windows/{name}") { try await Self.cancelWindow($1, node: node) }
        router.get("/v1/shifts") { _, _ in try Self.json(await node.shiftStatus) }
        router.post("/v1/shifts") { try await Self.startShift($0, $1, node: node) }
        router.delete("/v1/shifts/{id}") { try await Self.cancelShift($1, node: node) }
        router.post("/v1/virtual-servers/{name}/resume") { _, context in try await Self.resume(context, node: node) }
        return router
    }
}
