import ControlPlane
import Hummingbird

extension AdminService {
    /// Lets a virtual server be used again that fell and waits for an operator.
    static func resume(_ context: AdminContext, node: Node) async throws -> Response {
        let name = context.parameters.get("name") ?? ""
        switch await node.resume(name, by: await context.author()) {
        case .resumed: return Response(status: .noContent)
        case .notLocked:
            return try problem(.conflict, "the virtual server \(name) does not wait for anybody")
        case .unknown:
            return try problem(.notFound, "the configuration has no virtual-server named \(name)")
        }
    }
}
