package import ControlPlane
import HTTPTypes
package import Hummingbird
package import Logging
import ServiceLifecycle

/// The dashboard of a node: pages for people, at the admin address.
///
///     GET /                     what serves, where clients go, what needs attention
///     GET /services             wide IP → pool → virtual server → member
///     GET /traffic              charts
///     GET /operations           what operators have in force
///     GET /events               what happened
///     GET /explain              why a client gets what it gets
///     GET /login
///     GET /live?topic=          what changes, as server-sent events
///     GET /history?range=       points of the charts
///     GET /assets/{version}/{name}
///
/// Changes go through the JSON API under `/v1`, with the rights of whoever is signed in.
package struct Dashboard: Sendable {
    let node: Node
    let feed: DashboardFeed
    let assets: AssetStore

    package init(node: Node, logger: Logger) {
        self.node = node
        feed = DashboardFeed(node: node, logger: logger)
        do {
            assets = try AssetStore()
        } catch {
            // They are part of the program, and tests read them.
            preconditionFailure("a template of the dashboard has a mistake: \(error)")
        }
    }

    /// Follows the node; pages are served meanwhile.
    package func run() async {
        await cancelWhenGracefulShutdown { await feed.run() }
    }

    /// - Parameter mayView: whether whoever sent a request may see the node; pages send others to sign in.
    package func addRoutes<Context: RequestContext>(
        to router: Router<Context>, mayView: @escaping @Sendable (Context) -> Bool = { _ in true }
    ) {
        func page(_ path: RouterPath, _ make: @escaping @Sendable (Request) async throws -> Response) {
            router.get(path) { request, context in
                guard mayView(context) else { return Self.signInFirst(request) }
                return try await make(request)
            }
        }
        func data(_ path: RouterPath, _ make: @escaping @Sendable (Request) async throws -> Response) {
            router.get(path) { request, context in
                guard mayView(context) else { return Response(status: .unauthorized) }
                return try await make(request)
            }
        }
        page("/") { _ in await overview() }
        page("/services") { await services($0) }
        page("/traffic") { _ in await traffic() }
        page("/operations") { _ in await operations() }
        page("/events") { await eventPage($0) }
        page("/explain") { await explain($0) }
        data("/services/rows") { try await serviceRows($0) }
        data("/live") { await live($0) }
        data("/history") { try await historyPoints($0) }
        router.get("/login") { _, _ in login() }
        router.get("/assets/{version}/{name}") { request, context in
            let parameters = context.parameters
            return assets.response(
                parameters.get("name") ?? "", version: parameters.get("version") ?? "", to: request)
                ?? Response(status: .notFound)
        }
    }

    /// To the page that was asked for, once somebody is signed in.
    private static func signInFirst(_ request: Request) -> Response {
        Response(
            status: .seeOther,
            headers: [
                .location: "/login?next=\(ServiceQuery.encode(String(request.uri.string.prefix(2048))))",
                .cacheControl: "no-store",
            ])
    }
}
