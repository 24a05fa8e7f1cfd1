import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body of a change of an override.
struct OverrideRequest: Codable, Sendable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, verdict, reason, seconds
    }

    var name: String
    /// `drain`, `force-down` or `force-up`; needed to set one.
    var verdict: String?
    var reason: String?
    /// How long it lasts; absent: until it is cleared.
    var seconds: Int64?

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
    /// A reason is a sentence, not a document: it stands in logs and tables.
    static let reasonLimit = 1024
    /// Ten years: what is meant to last for longer belongs into the configuration.
    private static let durations: ClosedRange<Int64> = 1...315_360_000

    static func change(
        _ request: Request, _ context: AdminContext, node: Node, sets: Bool
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
            let reason = body.reason ?? ""
            guard reason.utf8.count <= reasonLimit else {
                return try problem(.badRequest, "reason: at most \(reasonLimit) bytes")
            }
            // It stands in lines of logs and tables, which must not be forged with it.
            guard reason.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
                return try problem(.badRequest, "reason: one line, without control characters")
            }
            entry = Overrides.Entry(verdict: verdict, reason: reason)
            if let seconds = body.seconds {
                guard durations.contains(seconds) else {
                    return try problem(.badRequest, "seconds: from \(durations.lowerBound) to \(durations.upperBound)")
                }
                entry?.expires = WallTime.now.advanced(by: .seconds(seconds))
            }
        }
        do throws(OverrideError) {
            try await node.override(subject, with: entry, by: await context.author())
        } catch {
            switch error {
            case .unknownSubject:
                return try problem(.notFound, "the configuration has no \(kind) named \(body.name)")
            case .notStored(let reason):
                return try problem(.serviceUnavailable, "nothing was changed: \(reason)")
            }
        }
        return Response(status: .noContent)
    }
}
