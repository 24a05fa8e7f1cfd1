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
    /// How long a connection may wait for a request, or for its head to be complete.
    static let idleTimeout = TimeAmount.seconds(30)
    static let decoderLimits = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100)

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
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await dashboard.run() }
            if let socketPath { group.addTask { try await serveSocket(socketPath) } }
            // Before the settings are read: no reload in between is missed.
            let start = node.journal.end
            if let (listener, certificate) = node.adminListener {
                let tls: AdminTLS
                do {
                    tls = try AdminTLS(listener, certificate)
                } catch {
                    throw AdminError(text: "admin.tls: \(error)")
                }
                let open = OpenConnections()
                group.addTask { try await serve(listener, tls, open) }
                group.addTask { await followReloads(since: start, tls, open) }
            }
            try await group.waitForAll()
        }
    }

    // MARK: The socket

    private func serveSocket(_ path: String) async throws {
        // A socket that a killed process left behind would make the bind fail; a live one answers, and is not ours.
        try removeStaleSocket(path)
        let previous = umask(0o177)
        let application = Application(
            router: makeRouter(nil), server: server(tls: nil, OpenConnections()),
            configuration: .init(address: .unixDomainSocket(path: path)), onServerRunning: { _ in umask(previous) },
            logger: quiet)
        try await application.run()
        unsafe unlink(path)
    }

    private func removeStaleSocket(_ path: String) throws {
        guard unsafe access(path, F_OK) == 0 else { return }
        guard AdminClient.isAnswering(path) else {
            unsafe unlink(path)
            return
        }
        throw AdminError(text: "\(path): another process serves this socket; end it or set another admin.socket")
    }

    // MARK: The address

    private func serve(_ listener: AdminListener, _ tls: AdminTLS, _ open: OpenConnections) async throws {
        let endpoint = listener.endpoint
        let application = Application(
            router: makeRouter(AdminAccess(node: node, tls: tls, logger: logger)), server: server(tls: tls, open),
            configuration: .init(address: .hostname("\(endpoint.address)", port: Int(endpoint.port))),
            onServerRunning: { _ in
                logger.info(
                    "the admin API listens",
                    metadata: ["endpoint": "\(endpoint)", "tls": "\(listener.tls != nil)"])
            }, logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminError(text: "admin.listen: \(endpoint): \(error)")
        }
    }

    /// Takes over certificates and authorities that a reload brings. Tokens are looked up with each request.
    private func followReloads(since start: UInt64, _ tls: AdminTLS, _ open: OpenConnections) async {
        var filter = EventFilter()
        filter.kinds = [.reloadApplied]
        var cursor = start
        while !node.journal.isClosed {
            let page = node.journal.events(after: cursor, limit: 100, where: filter)
            guard page.cursor != cursor else {
                await node.journal.waitForNews(after: cursor, atMost: .seconds(3600))
                continue
            }
            cursor = page.cursor
            guard !page.events.isEmpty, let (listener, certificate) = node.adminListener else { continue }
            let (isOther, failure) = tls.replace(listener, certificate)
            // Who was let in by authorities that count no more shows a certificate again.
            if isOther { open.retire() }
            guard let failure else { continue }
            let consequence = isOther ? ", and believes no client's until files fit" : ""
            logger.error("the admin API keeps its certificate\(consequence)", metadata: ["reason": "\(failure)"])
        }
    }

    // MARK: Both

    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = .warning
        return quiet
    }

    /// - Parameter open: of this address: those who come over the network must not take the socket's places.
    private func server(tls: AdminTLS?, _ open: OpenConnections) -> HTTPServerBuilder {
        let counters = node.adminCounters
        return HTTPServerBuilder { responder in
            let base = HTTP1Channel(
                responder: responder,
                configuration: .init(
                    additionalChannelHandlers: [PatienceHandler(counters: counters)], idleTimeout: Self.idleTimeout,
                    httpDecoderConfiguration: Self.decoderLimits))
            return AdminChannel(base: base, tls: tls, counters: counters, open: open)
        }
    }

    /// - Parameter access: `nil`: for the socket.
    private func makeRouter(_ access: AdminAccess?) -> Router<AdminContext> {
        let router = Router(context: AdminContext.self, options: .autoGenerateHeadEndpoints)
        let routes =
            OpenAPI.describing(Self.routes(node, access, metrics, status, gates)) + Self.pageRoutes(dashboard)
        router.add(middleware: MeterMiddleware(meter: metrics.meter))
        router.add(middleware: HeaderMiddleware(counters: node.adminCounters))
        router.add(middleware: ProblemMiddleware(routes: routes, counters: node.adminCounters))
        if let access {
            router.add(middleware: AccessMiddleware(access: access))
        } else {
            router.add(middleware: OwnerMiddleware())
        }
        router.add(middleware: ReplayMiddleware(table: replays, counters: node.adminCounters))
        router.add(middleware: PreconditionMiddleware(node: node))
        router.add(middleware: DryRunMiddleware())
        for route in routes { route.register(in: router, gates) }
        return router
    }
}
