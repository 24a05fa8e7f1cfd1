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
