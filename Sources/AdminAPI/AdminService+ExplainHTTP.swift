import ControlPlane
import Hummingbird

/// The body of `POST /v1/explain/http`: a request that nobody sent.
struct HTTPQuestion: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case url, method, headers, client, listener
    }

    var url: String
    /// `GET` if absent.
    var method: String?
    /// Each as `name: value`.
    var headers: [String]?
    /// The client's address.
    var client: String
    /// Where it comes in; absent: where the URL says.
    var listener: String?

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String {
        #"the body must be JSON with "url" and "client", and "headers" a list of "name: value""#
    }

    var request: HTTPExplanationRequest {
        HTTPExplanationRequest(
            url: url, method: method ?? "GET", fields: headers ?? [], client: client, listener: listener)
    }
}

extension AdminService {
    /// With the question in the query: `url`, `method`, `client`, `listener`, and `header` as often as there are fields.
    static func explainRequest(query request: Request, node: Node) async throws -> Response {
        let parameters = request.uri.queryParameters
        guard let url = parameters.get("url") else { throw BadRequest("url: the URL to explain is needed") }
        return try await explain(
            HTTPExplanationRequest(
                url: url, method: parameters.get("method") ?? "GET",
                fields: parameters.getAll("header"), client: parameters.get("client") ?? "",
                listener: parameters.get("listener")), node, fields: "header")
    }

    static func explainRequest(body request: Request, node: Node) async throws -> Response {
        try await explain(HTTPQuestion.read(request).request, node, fields: HTTPQuestion.CodingKeys.headers.rawValue)
    }

    /// - Parameter fields: what holds the header fields.
    private static func explain(
        _ request: HTTPExplanationRequest, _ node: Node, fields: String
    ) async throws -> Response {
        let explanation: HTTPExplanation
        do throws(ExplanationError) {
            explanation = try await node.explain(request)
        } catch {
            guard error.field == HTTPQuestion.CodingKeys.headers.rawValue else { throw BadRequest(error.description) }
            throw BadRequest("\(fields): \(error.reason)")
        }
        return try json(explanation)
    }
}
