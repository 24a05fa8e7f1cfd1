import ControlPlane
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body that sets an override.
struct OverrideRequest: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, verdict, to, factor, reason, seconds, force
    }

    var name: String
    /// Needed, as the refusal of what has none tells in more words.
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
    static var advice: String { #"the body must be JSON with "name" and "verdict""# }

    func entry() throws(BadRequest) -> Overrides.Entry {
        guard let verdict = verdict.flatMap(Overrides.Verdict.init) else {
            let known = Overrides.Verdict.allCases.map(\.rawValue).joined(separator: ", ")
            throw BadRequest("verdict: one of \(known) is needed")
        }
        guard verdict != .cutover || to != nil else { throw BadRequest("to: it is needed: what takes over") }
        guard verdict != .weight || factor != nil else {
            throw BadRequest("factor: it is needed: what shares are multiplied by")
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

/// The body that takes overrides back: whatever was set for a name.
struct OverrideClearing: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, reason, force
    }

    var name: String
    var reason: String?
    /// Whether to take it back against safety rules.
    var force: Bool?

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String { #"the body must be JSON with "name""# }
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
        let body = try await OverrideClearing.read(request)
        let subject = try BodyCheck.subject(context.parameter("kind"), body.name)
        return try json(
            await node.clearOverride(
                subject, reason: try BodyCheck.reason(body.reason), by: await context.author(),
                isForced: body.force ?? false))
    }
}
