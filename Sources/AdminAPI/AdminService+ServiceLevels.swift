import ControlPlane
import Hummingbird

/// The body of `GET /v1/sla`.
struct ServiceLevelList: Codable, Sendable {
    var services: [ServiceLevel]
}

extension AdminService {
    /// `GET /v1/sla?name=`
    static func serviceLevels(_ request: Request, node: Node) async throws -> Response {
        let query = try QueryParameters(request, known: ["name"])
        var services = await node.view().serviceLevels()
        if let name = query["name"] {
            services = services.filter { $0.isNamed(name) }
            guard !services.isEmpty else {
                throw ChangeError.unknown(
                    "no wide IP or pool named \(name.prefix(256)) has a service level", field: "name")
            }
        }
        return try json(ServiceLevelList(services: services))
    }
}
