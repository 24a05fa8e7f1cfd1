import Addresses
package import ControlPlane
import Dashboard
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
import TrafficModel

/// The admin API: on a Unix socket that its owner alone can open, and over TCP for those with credentials, as the
/// configuration has it. `AdminService+Routes.swift` lists its operations.
package struct AdminService: Service {
    /// A request body larger than this is refused with 413.
    static let bodyLimit = 64 * 1024

    private let node: Node
    private let socketPath: String?
    private let logger: Logger
    private let metrics: MetricsEndpoint
    private let dashboard: Dashboard
    private let replays = ReplayTable()
    private let gates: WorkGates
    private let status: SharedAnswer

    package init(node: Node, socketPath: String?, metrics: MetricsEndpoint? = nil, logger: Logger) {
        self.node = node
        dashboard = Dashboard(node: node, logger: logger)
        self.metrics = metrics ?? MetricsEndpoint(node: node)
        self.socketPath = socketPath
        self.logger = logger
        gates = WorkGates()
        status = SharedAnswer { ByteBuffer(bytes: try Self.encode(await node.status())) }
    }

    package func run() async throws {
        let journal = node.journal
        try await withGracefulShutdownHandler {
            try await serve()
        } onGracefulShutdown: {
            // Streams of events would keep their connections, and with them the node, alive.
            journal.close()
        }
    }

    private func serve() async throws {
        var parts = [Part { await dashboard.run() }]
        if let socketPath { parts.append(Part { try await serveSocket(socketPath) }) }
        if let (listener, _) = node.adminListener {
            let open = OpenConnections()
            let tls = AdminTLS(open)
            do {
                try await node.join(tls)
            } catch {
                throw AdminError(text: "admin.tls: \(error)")
            }
            parts.append(Part { try await serve(listener, tls, open) })
        }
        // The first that fails ends all: the rest would go on without it, and nobody would hear of it.
        let services = parts.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
        }
        try await ServiceGroup(configuration: .init(services: services, logger: silent)).run()
    }

    /// What runs as long as the API.
    private struct Part: Service {
        let body: @Sendable () async throws -> Void

        init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }

        func run() async throws { try await body() }
    }

    // MARK: The socket

    private func serveSocket(_ path: String) async throws {
        // A socket that a killed process left behind would make the bind fail; a live one answers, and is not ours.
        try removeStaleSocket(path)
        let previous = umask(0o177)
        let open = OpenConnections()
        let application = Application(
            router: makeRouter(nil, open), server: server(tls: nil, open),
            configuration: .init(address: .unixDomainSocket(path: path)), onServerRunning: { _ in umask(previous) },
            logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminError(listening: "admin.socket", on: path, error)
        }
        unsafe unlink(path)
    }

    private func removeStaleSocket(_ path: String) throws {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw AdminError("admin.socket: \(path) is there and no socket; move it away or name another path")
        }
        guard AdminClient.isAnswering(path) else {
            unsafe unlink(path)
            return
        }
        throw AdminError("admin.socket: another process serves \(path); end it or name another path")
    }

    // MARK: The address

    private func serve(_ listener: AdminListener, _ tls: AdminTLS, _ open: OpenConnections) async throws {
        let endpoint = listener.endpoint
        let application = Application(
            router: makeRouter(AdminAccess(node: node, tls: tls, logger: logger), open), server: server(tls: tls, open),
            configuration: .init(address: .hostname("\(endpoint.address)", port: Int(endpoint.port))),
            onServerRunning: { _ in
                logger.info(
                    "the admin API listens",
                    metadata: ["endpoint": "\(endpoint)", "tls": "\(listener.tls != nil)"])
            }, logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminError(listening: "admin.listen", on: "\(endpoint)", error)
        }
    }

    // MARK: Both

    /// For what tells an error besides throwing it.
    private var silent: Logger { Logger(label: "admin") { _ in SwiftLogNoOpLogHandler() } }

    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = .warning
        return quiet
    }

    /// - Parameter open: of this address: those who come over the network must not take the socket's places.
    private func server(tls: AdminTLS?, _ open: OpenConnections) -> HTTPServerBuilder {
        let counters = node.adminCounters
        return HTTPServerBuilder { responder in
            AdminChannel(
                base: HTTP1Channel(responder, counters: counters, open: open), tls: tls, counters: counters, open: open)
        }
    }

    /// - Parameter access: `nil`: for the socket.
    private func makeRouter(_ access: AdminAccess?, _ open: OpenConnections) -> Router<AdminContext> {
        let router = Router(context: AdminContext.self, options: .autoGenerateHeadEndpoints)
        let routes =
            OpenAPI.describing(Self.routes(node, access, metrics, status, gates)) + Self.pageRoutes(dashboard)
        router.add(middleware: MeterMiddleware(meter: metrics.meter))
        router.add(middleware: HeaderMiddleware(counters: node.adminCounters))
        router.add(middleware: ProblemMiddleware(routes: routes, counters: node.adminCounters))
        if let access {
            router.add(middleware: AccessMiddleware(access: access, open: open))
        } else {
            router.add(middleware: OwnerMiddleware(open: open))
        }
        router.add(middleware: MissingPageMiddleware(dashboard: dashboard, counters: node.adminCounters))
        router.add(middleware: ReplayMiddleware(table: replays, counters: node.adminCounters))
        router.add(middleware: PreconditionMiddleware(node: node))
        router.add(middleware: DryRunMiddleware())
        for route in routes { route.register(in: router, gates) }
        return router
    }
}
