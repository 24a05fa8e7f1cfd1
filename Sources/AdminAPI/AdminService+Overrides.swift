import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body of a change of an override.
struct OverrideRequest: Codable, Sendable {
    var name: String
    /// `drain`, `force-down` or `force-up`; needed to set one.
    var verdict: String?
    var reason: String?
}

/// An error in the form of RFC 9457.
struct Problem: Codable, Sendable {
    var title: String
    var status: Int
    var detail: String
}

extension AdminService {
    static func change(
        _ request: Request, _ context: BasicRequestContext, node: Node, sets: Bool
    ) async throws -> Response {
        let body: OverrideRequest
        do {
            let buffer = try await request.body.collect(upTo: bodyLimit)
            body = try JSONDecoder().decode(OverrideRequest.self, from: Data(buffer.readableBytesView))
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

    private static func problem(_ status: HTTPResponse.Status, _ detail: String) throws -> Response {
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
