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

    /// What can be asked for, all with GET.
    package var routes: [DashboardRoute] {
        [
            .init("/", .reader) { _, _ in await overview() },
            .init("/services", .reader) { request, _ in await services(request) },
            .init("/traffic", .reader) { _, _ in await traffic() },
            .init("/operations", .reader) { _, _ in await operations() },
            .init("/events", .reader) { request, _ in await eventPage(request) },
            .init("/explain", .reader, isExplanation: true) { request, _ in await explain(request) },
            .init("/services/rows", .page) { request, _ in try await serviceRows(request) },
            .init("/live", .page) { request, _ in try await live(request) },
            .init("/history", .page) { request, _ in try await historyPoints(request) },
            .init("/login", .everyone) { _, _ in login() },
            .init("/assets/{version}/{name}", .everyone) { request, parameters in
                let (name, version) = (parameters.get("name") ?? "", parameters.get("version") ?? "")
                guard let response = assets.response(name, version: version, to: request) else {
                    throw HTTPError(.notFound)
                }
                return response
            },
        ]
    }

    /// To the page that was asked for, once somebody is signed in.
    ///
    /// - Parameter wasSignedIn: whether the browser comes with a session that is over.
    package static func signInFirst(_ request: Request, wasSignedIn: Bool) -> Response {
        Response(
            status: .seeOther,
            headers: [
                .location:
                    "/login?\(wasSignedIn ? "ended&" : "")next=\(ServiceQuery.encode(String(request.uri.string.prefix(2048))))",
                .cacheControl: "no-store",
            ])
    }
}
