import FoundationEssentials
import Hummingbird
import TrafficModel

/// The body of a change, whose fields are all known by name.
protocol RequestBody: Decodable, Sendable {
    static var fields: [String] { get }
    /// What a body must be, for those who sent another.
    static var advice: String { get }
}

extension Request {
    /// The request once its body has come.
    func withWholeBody() async throws -> Request {
        var request = self
        request.body = .init(buffer: try await body.collect(upTo: AdminService.bodyLimit))
        return request
    }
}

/// A request that cannot be served, with the reason for the one who sent it.
struct BadRequest: Error {
    let detail: String

    /// - Parameter detail: what is wrong with a field begins with its name and a colon.
    init(_ detail: String) { self.detail = detail }

    /// The field or parameter that it is about.
    var field: String? {
        guard let colon = detail.firstIndex(of: ":") else { return nil }
        let name = detail[..<colon]
        return !name.isEmpty && name.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 } ? String(name) : nil
    }
}

extension RequestBody {
    /// Reads a body; a misspelt field must not pass for one that was left out.
    static func read(_ request: Request) async throws -> Self {
        let buffer = try await request.body.collect(upTo: AdminService.bodyLimit)
        let data = Data(buffer.readableBytesView)
        do {
            let given = try JSONDecoder().decode([String: Ignored].self, from: data).keys
            if let unknown = given.filter({ !fields.contains($0) }).min() {
                throw BadRequest("\(unknown.prefix(64)): no such field; there are \(fields.joined(separator: ", "))")
            }
            return try JSONDecoder().decode(Self.self, from: data)
        } catch is DecodingError {
            throw BadRequest(advice)
        }
    }
}

private struct Ignored: Decodable {
    init(from decoder: any Decoder) {}
}

/// Checks that many bodies share.
enum BodyCheck {
    /// A reason is a sentence, not a document: it stands in logs and tables.
    static let reasonLimit = 1024
    /// Ten years: what is meant to last for longer belongs into the configuration.
    static let seconds: ClosedRange<Int64> = 1...315_360_000

    static func reason(_ text: String?) throws(BadRequest) -> String {
        let reason = text ?? ""
        guard reason.utf8.count <= reasonLimit else { throw BadRequest("reason: at most \(reasonLimit) bytes") }
        // It stands in lines of logs and tables, which must not be forged with it.
        guard reason.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw BadRequest("reason: one line, without control characters")
        }
        return reason
    }

    static func duration(_ count: Int64, _ field: String) throws(BadRequest) -> Duration {
        guard seconds.contains(count) else {
            throw BadRequest("\(field): from \(seconds.lowerBound) to \(seconds.upperBound)")
        }
        return .seconds(count)
    }

    static func subject(_ kind: String, _ name: String) throws(BadRequest) -> Overrides.Subject {
        guard Overrides.Subject.Kind(rawValue: kind) != nil else {
            throw BadRequest("\(kind.prefix(64)) is none of \(Overrides.Subject.kinds)")
        }
        guard name.utf8.count <= 320, let subject = Overrides.Subject(kind: kind, name: name) else {
            throw BadRequest("name: up to 320 bytes; a member's is UPSTREAM/ADDRESS:PORT")
        }
        return subject
    }
}
