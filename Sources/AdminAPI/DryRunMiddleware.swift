import ControlPlane
import HTTPTypes
import Hummingbird

/// `?dry_run=true` on a change: it is checked as always and not made, and the answer says what it would do.
struct DryRunMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    /// The changes that heed it, by the beginnings of their paths. Of any other, a dry run would be the real thing.
    private static let paths = ["/v1/overrides/", "/v1/windows/", "/v1/shifts", "/v1/reload"]

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        switch request.uri.queryParameters.get("dry_run") {
        case nil, "false": return try await next(request, context)
        case "true": break
        default: throw BadRequest("dry_run: true or false")
        }
        guard ![.get, .head].contains(request.method), Self.paths.contains(where: { request.uri.path.hasPrefix($0) })
        else {
            throw BadRequest("dry_run: of changes of overrides, windows and shifts, and of a reload")
        }
        let trial = Trial()
        _ = try await Trial.$current.withValue(trial) { try await next(request, context) }
        // What is refused throws; an answer without a preview would be of a change that took no notice of the trial.
        guard let preview = trial.preview else { throw Refusal(.internalServerError, "this cannot be tried") }
        return try AdminService.json(preview)
    }
}
