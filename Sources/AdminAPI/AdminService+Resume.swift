import ControlPlane
import Hummingbird

extension AdminService {
    /// Lets a virtual server be used again that fell and waits for an operator.
    static func resume(_ context: AdminContext, node: Node) async throws -> Response {
        let name = context.parameter("name")
        try await node.resume(name, by: await context.author())
        return Response(status: .noContent)
    }
}
