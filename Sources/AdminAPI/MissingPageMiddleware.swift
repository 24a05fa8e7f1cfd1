import ControlPlane
import Dashboard
import HTTPTypes
import Hummingbird

/// Answers people who follow a wrong link with a page; programs, and whatever is of the API, get a problem.
///
/// It comes behind the check of who asks: a page shows how the node fares.
struct MissingPageMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let dashboard: Dashboard
    let counters: AdminCounters

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError where error.status == .notFound && request.wantsPage {
            guard context.identity != nil else {
                return Dashboard.signInFirst(request, wasSignedIn: AdminAccess.secret(in: request) != nil)
            }
            counters.count(.notFound)
            return await dashboard.missing(request)
        }
    }
}

extension Request {
    /// Whether a browser asks for something to show in its window.
    fileprivate var wantsPage: Bool {
        isHarmless && !uri.path.hasPrefix("/v1/") && uri.path != "/v1"
            && headers[values: .accept].contains { $0.lowercased().contains("text/html") }
    }
}
