import ControlPlane
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body of a change of an override.
struct OverrideRequest: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, verdict, to, factor, reason, seconds, force
    }

    var name: String
    /// Needed to set one.
    var verdict: String?
    /// Of a cutover.
    var to: String?
    /// Of a weight.
    var factor: Double?
    var reason: String?
    /// How long it lasts; absent: until it is cleared.
    var seconds: Int64?
    /// Whether to set it against safety rules, and where a name would have no answer.
    var force: Bool?

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String { #"the body must be JSON with "name", and "verdict" to set one"# }

    func entry() throws(BadRequest) -> Overrides.Entry {
        guard let verdict = verdict.flatMap(Overrides.Verdict.init) else {
            let known = Overrides.Verdict.allCases.map(\.rawValue).joined(separator: ", ")
            throw BadRequest("verdict: one of \(known) is needed")
        }
        guard (verdict == .cutover) == (to != nil) else {
            throw BadRequest("to: what takes over, for a cutover and nothing else")
        }
        guard (verdict == .weight) == (factor != nil) else {
            throw BadRequest("factor: what shares are multiplied by, for a weight and nothing else")
        }
        var entry = Overrides.Entry(
            verdict: verdict, target: to, factor: factor ?? 1, reason: try BodyCheck.reason(reason))
        if let seconds { entry.expires = WallTime.now.advanced(by: try BodyCheck.duration(seconds, "seconds")) }
        return entry
    }
}

extension AdminService {
    static func setOverride(_ request: Request, _ context: AdminContext, node: Node) async throws -> Response {
        let body = try await OverrideRequest.read(request)
        let subject = try BodyCheck.subject(context.parameter("kind"), body.name)
        try await node.override(
            subject, with: try body.entry(), by: await context.author(), isForced: body.force ?? false)
        return Response(status: .noContent)
    }

    static func clearOverride(_ request: Request, _ context: AdminContext, node: Node) async throws -> Response {
        let body = try await OverrideRequest.read(request)
        let subject = try BodyCheck.subject(context.parameter("kind"), body.name)
        try await node.clearOverride(subject, by: await context.author(), isForced: body.force ?? false)
        return Response(status: .noContent)
    }
}
