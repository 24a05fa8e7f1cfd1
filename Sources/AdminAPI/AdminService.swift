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
///     POST   /v1/reload
///     GET    /v1/audit?last=N
///     PUT    /v1/overrides/{kind}   {"name", "verdict", "reason", "seconds"}
///     DELETE /v1/overrides/{kind}   {"name"}
///     POST   /v1/virtual-servers/{name}/resume
package struct AdminService: Service {
    /// A request body larger than this is refused with 413.
    static let bodyLimit = 64 * 1024
    static let operations = [
        "GET /v1/status", "GET /v1/audit", "POST /v1/reload", "PUT /v1/overrides/{kind}", "DELETE /v1/overrides/{kind}",
        "POST /v1/virtual-servers/{name}/resume",
    ]

    private let node: Node
    private let socketPath: String
    private let logger: Logger

    package init(node: Node, socketPath: String, logger: Logger) {
        self.node = node
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
        try await application.run()
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
        router.add(middleware: ProblemMiddleware())
        let node = node
        router.get("/v1/status") { _, _ in try Self.json(await node.status()) }
        router.get("/v1/explain") { request, _ in try await Self.explain(request, node: node) }
        router.get("/v1/audit") { request, _ in try await Self.audit(request, node: node) }
        router.post("/v1/reload") { _, context in
            let outcome = await node.reload(by: await context.author())
            return try Self.json(outcome, status: outcome.applied ? .ok : .unprocessableContent)
        }
        router.put("/v1/overrides/{kind}") { request, context in
            try await Self.change(request, context, node: node, sets: true)
        }
        router.delete("/v1/overrides/{kind}") { request, context in
            try await Self.change(request, context, node: node, sets: false)
        }
        router.post("/v1/virtual-servers/{name}/resume") { _, context in try await Self.resume(context, node: node) }
        return router
    }
}
