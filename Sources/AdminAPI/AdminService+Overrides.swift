import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body of a change of an override.
struct OverrideRequest: Codable, Sendable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, verdict, reason
    }

    var name: String
    /// `drain`, `force-down` or `force-up`; needed to set one.
    var verdict: String?
    var reason: String?

    /// A misspelt field must not pass for one that was left out.
    static func unknownFields(in body: Data) throws -> [String] {
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        return try JSONDecoder().decode([String: Ignored].self, from: body).keys.filter { !known.contains($0) }.sorted()
    }

    private struct Ignored: Decodable {
        init(from decoder: any Decoder) {}
    }
}

extension AdminService {
    static func change(
        _ request: Request, _ context: BasicRequestContext, node: Node, sets: Bool
    ) async throws -> Response {
        let buffer = try await request.body.collect(upTo: bodyLimit)
        let data = Data(buffer.readableBytesView)
        let body: OverrideRequest
        do {
            let unknown = try OverrideRequest.unknownFields(in: data)
            guard unknown.isEmpty else {
                let known = OverrideRequest.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")
                return try problem(.badRequest, "\(unknown[0].prefix(64)): no such field; there are \(known)")
            }
            body = try JSONDecoder().decode(OverrideRequest.self, from: data)
        } catch is DecodingError {
            return try problem(.badRequest, #"the body must be JSON with "name", and "verdict" to set one"#)
        }
        let kind = context.parameters.get("kind") ?? ""
        guard let subject = Overrides.Subject(kind: kind, name: body.name) else {
            return try problem(.badRequest, "\(kind) is none of region, pool, virtual-server, member")
        }
        var entry: Overrides.Entry?
        if sets {
            guard let verdict = body.verdict.flatMap(Overrides.Verdict.init) else {
                let known = Overrides.Verdict.allCases.map(\.rawValue).joined(separator: ", ")
                return try problem(.badRequest, "verdict: one of \(known) is needed")
            }
            entry = Overrides.Entry(verdict: verdict, reason: body.reason ?? "")
        }
        guard await node.override(subject, with: entry) else {
            return try problem(.notFound, "the configuration has no \(kind) named \(body.name)")
        }
        return Response(status: .noContent)
    }
}
