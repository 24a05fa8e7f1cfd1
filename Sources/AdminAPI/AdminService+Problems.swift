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
            return try answer(Refusal(.badRequest, error.detail), field: error.field)
        } catch let error as ChangeError {
            return try answer(
                Refusal(error.status, error.detail, reason: error.reason, retryAfter: error.retryAfter),
                field: error.field)
        } catch let error as Refusal {
            return try answer(error)
        } catch let error as ReloadRefusal {
            counters.count(.badConfigurations)
            return try AdminService.json(error, status: .unprocessableContent, type: AdminService.problemType)
        } catch let error as any HTTPResponseError {
            switch error.status {
            case .notFound: return try answer(unknown(request))
            case .contentTooLarge:
                return try answer(Refusal(error.status, "the body is larger than \(AdminService.bodyLimit) bytes"))
            default:
                let seconds = (error as? HTTPError)?.headers[.retryAfter].flatMap { Int($0) }
                return try answer(Refusal(error.status, "\(error)", retryAfter: seconds))
            }
        } catch {
            counters.count(.failures)
            throw error
        }
    }

    private func answer(_ refusal: Refusal, field: String? = nil) throws -> Response {
        counters.count(refusal.reason)
        var response = try AdminService.problem(refusal.status, refusal.detail, field: field)
        if let seconds = refusal.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        if refusal.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer realm=\"meridian\"" }
        if !refusal.allow.isEmpty { response.headers[.allow] = refusal.allow.joined(separator: ", ") }
        return response
    }

    /// What to say of a path, or of a method on a path, that there is not.
    private func unknown(_ request: Request) -> Refusal {
        let path = QueryParameters.shown(request.uri.path)
        let methods = Set(routes.filter { $0.matches(request.uri.path) }.map(\.method.rawValue))
        let method = request.method == .head ? "GET" : request.method.rawValue
        guard !methods.isEmpty, !methods.contains(method) else {
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
        case .notPermitted: .forbidden
        case .busy, .abandoned, .notStored: .serviceUnavailable
        }
    }

    /// Seconds.
    fileprivate var retryAfter: Int? {
        switch self {
        case .busy: 2
        default: nil
        }
    }

    fileprivate var reason: AdminCounters.Name {
        switch self {
        case .unknown: .notFound
        case .invalid: .badRequests
        case .refused: .conflicts
        case .stale: .staleTags
        case .notPermitted: .forbidden
        case .busy: .busy
        case .abandoned: .abandoned
        case .notStored: .failures
        }
    }

    fileprivate var detail: String {
        switch self {
        case .unknown(let detail, _), .invalid(let detail, _): detail
        case .refused(let reasons): reasons.joined(separator: "; ")
        case .stale(let collection): "the \(collection) were changed since: look at them again, then try again"
        case .notPermitted: "what let this change in was taken away before its turn came: nothing was changed"
        case .busy: "too many changes wait for their turn: try again in a while"
        case .abandoned: "the client closed its side before its turn came: nothing was changed"
        case .notStored(let reason): "nothing was changed: \(reason)"
        }
    }
}

extension AdminService {
    static let problemType = "application/problem+json"

    static func problem(
        _ status: HTTPResponse.Status, _ detail: String, field: String? = nil
    ) throws -> Response {
        try json(
            Problem(title: status.reasonPhrase, status: status.code, detail: detail, field: field), status: status,
            type: problemType)
    }

    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) throws -> Response {
        Response(
            status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(bytes: try encode(value)))
        )
    }

    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
