import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird

/// An error in the form of RFC 9457.
struct Problem: Codable, Sendable {
    var title: String
    var status: Int
    var detail: String
}

/// Gives what the server itself refuses, such as a body past its limit, the form of every other refusal.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as BadRequest {
            return try AdminService.problem(.badRequest, error.detail)
        } catch let error as ChangeError {
            return try AdminService.problem(error.status, error.detail)
        } catch let error as any HTTPResponseError {
            let detail =
                switch error.status {
                case .notFound:
                    "no \(request.method) \(request.uri.path.prefix(256)) here; "
                        + "there are \(AdminService.operations.joined(separator: ", "))"
                case .contentTooLarge: "the body is larger than \(AdminService.bodyLimit) bytes"
                default: "\(error)"
                }
            return try AdminService.problem(error.status, detail)
        }
    }
}

extension ChangeError {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unknown: .notFound
        case .invalid: .badRequest
        case .refused: .conflict
        case .busy, .notStored: .serviceUnavailable
        }
    }

    fileprivate var detail: String {
        switch self {
        case .unknown(let detail), .invalid(let detail): detail
        case .refused(let reasons): reasons.joined(separator: "; ")
        case .busy: "too many changes wait for their turn: try again in a while"
        case .notStored(let reason): "nothing was changed: \(reason)"
        }
    }
}

extension AdminService {
    static func problem(_ status: HTTPResponse.Status, _ detail: String) throws -> Response {
        try json(
            Problem(title: status.reasonPhrase, status: status.code, detail: detail), status: status,
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
