import ControlPlane
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body of a shift.
struct ShiftRequest: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case wideIP = "wide_ip"
        case kind, from, to, share, until, seconds, reason, force
    }

    /// A name or a pattern; absent: all.
    var wideIP: String?
    /// `region`, if absent, or `pool`.
    var kind: String?
    var from: String
    var to: String
    /// A part of 1.
    var share: Double
    /// Milliseconds since 1970; or `seconds` from now.
    var until: Int64?
    var seconds: Int64?
    var reason: String?
    /// Whether to start it against safety rules.
    var force: Bool?

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String { #"the body must be JSON with "from", "to", "share", and "until" or "seconds""# }

    func plan() throws(BadRequest) -> ShiftPlan {
        guard let kind = Overrides.Subject.Kind(rawValue: kind ?? "region"), [.region, .pool].contains(kind) else {
            throw BadRequest("kind: region or pool")
        }
        guard share > 0, share <= 1 else { throw BadRequest("share: more than 0, and at most 1") }
        let duration: Duration
        switch (until, seconds) {
        case (let until?, nil):
            let (left, overflow) = until.subtractingReportingOverflow(WallTime.now.milliseconds)
            guard !overflow, left >= 1000 else { throw BadRequest("until: at least a second from now") }
            duration = try BodyCheck.duration(left / 1000, "until")
        case (nil, let seconds?): duration = try BodyCheck.duration(seconds, "seconds")
        default: throw BadRequest("until, or seconds: by when it has arrived")
        }
        return ShiftPlan(
            wideIP: wideIP ?? "*", kind: kind, from: from, to: to, share: share, duration: duration,
            reason: try BodyCheck.reason(reason))
    }
}

/// A shift that was started or cancelled.
package struct ShiftOutcome: Codable, Sendable {
    package var id: Int64
    /// Until it has arrived.
    package var seconds: Double
    /// Why it moves nobody as things stand; absent: it moves its share.
    package var idle: String?
}

extension AdminService {
    static func startShift(_ request: Request, _ context: AdminContext, node: Node) async throws -> Response {
        let body = try await ShiftRequest.read(request)
        let plan = try body.plan()
        let id = try await node.startShift(plan, by: await context.author(), isForced: body.force ?? false)
        // Not after a dry run.
        let shift = await node.view().shiftStatus.first { $0.id == id }
        return try json(
            ShiftOutcome(id: id, seconds: shift?.remaining ?? plan.duration / .seconds(1), idle: shift?.idle),
            status: .created)
    }

    static func cancelShift(_ context: AdminContext, node: Node) async throws -> Response {
        guard let id = Int64(context.parameter("id")) else {
            throw BadRequest("a shift is named by a number")
        }
        let remaining = try await node.cancelShift(id, by: await context.author())
        return try json(ShiftOutcome(id: id, seconds: remaining / .seconds(1)))
    }
}
