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
        request.body = .init(buffer: try await wholeBody())
        return request
    }

    /// Nothing is waited for of a body that says that it is too large: its client may wait to be told to send it.
    func wholeBody() async throws -> ByteBuffer {
        let length = headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= AdminService.bodyLimit else { throw HTTPError(.contentTooLarge) }
        return try await body.collect(upTo: AdminService.bodyLimit)
    }

    /// Refuses a body that says something, for what takes none: who sends one means something by it, and it must not
    /// pass for done.
    func refuseBody() async throws {
        let bytes = Array(try await wholeBody().readableBytesView)
        guard !bytes.isEmpty, let field = try JSONFields(bytes).values.keys.min() else { return }
        let advice = field == AdminRoute.dryRun.name ? "; write it in the query: ?dry_run=true" : ""
        throw BadRequest("\(QueryParameters.shown(field)): no such field; this takes no body\(advice)")
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
        // Header fields have capital letters and hyphens: If-Match.
        let isName = name.utf8.allSatisfy { (97...122).contains($0 | 0x20) || $0 == 95 || $0 == 45 }
        return isName && !name.isEmpty ? String(name) : nil
    }
}

extension RequestBody {
    /// Reads a body; a misspelt field must not pass for one that was left out.
    static func read(_ request: Request) async throws -> Self {
        let buffer = try await request.wholeBody()
        return try read(Array(buffer.readableBytesView))
    }

    static func read(_ bytes: [UInt8]) throws -> Self {
        guard !bytes.isEmpty else { throw BadRequest(advice) }
        let given = try JSONFields(bytes)
        if let unknown = given.values.keys.filter({ !fields.contains($0) }).min() {
            let known = fields.joined(separator: ", ")
            throw BadRequest("\(QueryParameters.shown(unknown)): no such field; there are \(known)")
        }
        try given.check(against: TypeSchema.schema(of: Self.self))
        do {
            return try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch is DecodingError {
            throw BadRequest(advice)
        }
    }
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
            // One spelling: what programs read back is what they wrote.
            if let long = Overrides.Subject.shortKinds[kind] {
                throw BadRequest("kind: \(kind) is written \(long.rawValue) here")
            }
            throw BadRequest("kind: \(QueryParameters.shown(kind)) is none of \(Overrides.Subject.kinds)")
        }
        guard name.utf8.count <= 320, let subject = Overrides.Subject(kind: kind, name: name) else {
            throw BadRequest("name: up to 320 bytes; a member's is UPSTREAM/ADDRESS:PORT")
        }
        return subject
    }
}
