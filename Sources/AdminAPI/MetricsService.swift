import Addresses
package import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
import TrafficModel

/// `metrics.listen`: a Prometheus of a network that may ask gets `GET /metrics` here without a token, and nothing else.
package struct MetricsService: Service {
    /// Connections at once; one more waits in the kernel.
    static let connectionLimit = 64

    private let endpoint: MetricsEndpoint
    private let node: Node
    private let address: Endpoint
    private let logger: Logger

    /// `nil`: the configuration of `node` wants none.
    package init?(_ endpoint: MetricsEndpoint, of node: Node, logger: Logger) {
        let settings = node.metricsSettings
        guard let address = settings.listen else { return nil }
        self.endpoint = endpoint
        self.node = node
        self.address = address
        self.logger = logger
    }

    package func run() async throws {
        var quiet = logger
        quiet.logLevel = .warning
        let (node, endpoint, logger) = (node, endpoint, logger)
        let refusals = RefusedPeers(endpoint: endpoint, logger: logger)
        let server = HTTPServerBuilder { responder in
            // A Prometheus that comes less often than connections may idle connects anew.
            MetricsChannel(
                base: HTTP1Channel(responder, counters: node.adminCounters), node: node, refusals: refusals)
        }
        let application = Application(
            router: router, server: server,
            configuration: .init(
                address: .hostname(address.address.description, port: Int(address.port)), backlog: 64,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit, logger: quiet)),
            logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminError(listening: "metrics.listen", on: "\(address)", error)
        }
    }

    private var router: Router<MetricsContext> {
        let router = Router(context: MetricsContext.self)
        let (endpoint, node) = (endpoint, node)
        router.get("/metrics") { request, context in
            let settings = node.metricsSettings
            guard let peer = context.peer, settings.allows(peer), Self.isOwn(request, settings) else {
                endpoint.countRefused()
                return try AdminService.problem(
                    .forbidden, "not from here: name the client's network in metrics.clients, and ask by address")
            }
            do {
                return try await endpoint.respond(to: request)
            } catch let refusal as Refusal {
                var response = try AdminService.problem(refusal.status, refusal.detail)
                response.headers[.retryAfter] = refusal.retryAfter.map { "\($0)" }
                return response
            }
        }
        return router
    }

    /// A web page may ask in the name of a browser on this machine, by a host name of its own that it lets point here
    /// (DNS rebinding). Where only this machine may ask, it does so by address.
    private static func isOwn(_ request: Request, _ settings: MetricsSettings) -> Bool {
        guard settings.clients.isEmpty, let host = request.head.authority else { return true }
        if Endpoint(host) != nil || IPAddress(host) != nil { return true }
        return host == "localhost" || host.hasPrefix("localhost:")
    }
}

/// One request, with who asks.
struct MetricsContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: IPAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = Self.peer(of: source.channel)
    }

    static func peer(of channel: any Channel) -> IPAddress? {
        channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }?.unmapped
    }
}
