import ControlPlane
import Hummingbird
import StateStore
import TrafficModel

/// One change, as `GET /v1/audit` lists it.
package struct AuditEntry: Codable, Sendable {
    package var number: Int64
    /// Milliseconds since 1970.
    package var time: Int64
    package var author: String
    package var origin: String
    package var action: String
    package var kind: String?
    package var name: String?
    package var detail: String
    package var reason: String

    init(_ record: AuditRecord) {
        number = record.number
        time = record.time.milliseconds
        author = record.author
        origin = record.origin
        action = record.action.rawValue
        kind = record.kind
        name = record.name
        detail = record.detail
        reason = record.reason
    }
}

extension AdminService {
    static let auditCounts = 1...10_000
    private static let defaultAuditCount = 100

    static func audit(_ request: Request, node: Node) async throws -> Response {
        var count = defaultAuditCount
        if let text = request.uri.queryParameters.get("last") {
            guard let number = Int(text), auditCounts.contains(number) else {
                throw BadRequest("last: a number from \(auditCounts.lowerBound) to \(auditCounts.upperBound)")
            }
            count = number
        }
        let records: [AuditRecord]
        do throws(StateStoreError) {
            records = try await node.audit(latest: count)
        } catch {
            throw Refusal(.internalServerError, "\(error)")
        }
        return try json(records.map(AuditEntry.init))
    }
}
