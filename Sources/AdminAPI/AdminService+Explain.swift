import ControlPlane
import Hummingbird

extension AdminService {
    static func explain(_ request: Request, node: Node) async throws -> Response {
        let parameters = request.uri.queryParameters
        guard let name = parameters.get("name") else {
            throw BadRequest("name: the name to explain is needed")
        }
        var sequence: UInt64 = 1
        if let text = parameters.get("sequence") {
            guard let number = UInt64(text) else {
                throw BadRequest("sequence: a number of a query")
            }
            sequence = number
        }
        let explanation: Explanation
        do throws(ExplanationError) {
            explanation = try await node.explain(
                ExplanationRequest(
                    name: name, type: parameters.get("type") ?? "A", client: parameters.get("client"),
                    resolver: parameters.get("resolver"), sequence: sequence))
        } catch {
            throw BadRequest(error.description)
        }
        return try json(explanation)
    }
}
