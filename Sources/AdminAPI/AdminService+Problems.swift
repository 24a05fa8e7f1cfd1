import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// An error in the form of RFC 9457.
struct Problem: Codable, Sendable {
    var title: String
    var status: Int
    var detail: String
    /// The field or parameter that is wrong.
    var field: String?
}

/// Gives all that is refused, also by the server itself, one form, and counts it.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let routes: [AdminRoute]
    let counters: AdminCounters

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as BadRequest {
            counters.count(.badRequests)
            return try AdminService.problem(.badRequest, error.detail, field: error.field)
        } catch let error as ChangeError {
            return try AdminService.problem(error.status, error.detail)
        } catch let error as Refusal {
            return try answer(to: error)
        } catch let error as any HTTPResponseError {
            switch error.status {
            case .notFound: return try answer(to: unknown(request))
            case .contentTooLarge:
                counters.count(.tooLarge)
                return try AdminService.problem(
                    error.status, "the body is larger than \(AdminService.bodyLimit) bytes")
            default: return try AdminService.problem(error.status, "\(error)")
            }
        }
    }

    private func answer(to refusal: Refusal) throws -> Response {
        switch refusal.status {
        case .unauthorized: counters.count(.unauthenticated)
        case .forbidden: counters.count(.forbidden)
        case .notFound: counters.count(.notFound)
        case .methodNotAllowed: counters.count(.methodNotAllowed)
        default: break
        }
        var response = try AdminService.problem(refusal.status, refusal.detail)
        if let seconds = refusal.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        if refusal.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer realm=\"meridian\"" }
        if !refusal.allow.isEmpty { response.headers[.allow] = refusal.allow.joined(separator: ", ") }
        return response
    }

    /// What to say of a path, or of a method on a path, that there is not.
    private func unknown(_ request: Request) -> Refusal {
        let path = QueryParameters.shown(request.uri.path)
        let methods = Set(routes.filter { $0.matches(request.uri.path) }.map(\.method.rawValue))
        guard !methods.isEmpty else {
            return Refusal(.notFound, "there is no \(path) here; GET /v1/openapi.json lists what there is")
        }
        let allow = methods.union(methods.contains("GET") ? ["HEAD"] : []).sorted()
        return Refusal(
            .methodNotAllowed, "no \(request.method) \(path) here; there is \(allow.joined(separator: ", "))",
            allow: allow)
    }
}

extension ChangeError {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unknown: .notFound
        case .invalid: .badRequest
        case .refused: .conflict
        case .stale: .preconditionFailed
        case .busy, .notStored: .serviceUnavailable
        }
    }

    fileprivate var detail: String {
        switch self {
        case .unknown(let detail), .invalid(let detail): detail
        case .refused(let reasons): reasons.joined(separator: "; ")
        case .stale(let collection): "the \(collection) were changed since: look at them again, then try again"
        case .busy: "too many changes wait for their turn: try again in a while"
        case .notStored(let reason): "nothing was changed: \(reason)"
        }
    }
}

extension AdminService {
    static func problem(
        _ status: HTTPResponse.Status, _ detail: String, field: String? = nil
    ) throws -> Response {
        try json(
            Problem(title: status.reasonPhrase, status: status.code, detail: detail, field: field), status: status,
            type: "application/problem+json")
    }

    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        return Response(
            status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(bytes: data)))
    }
}
