import ControlPlane
import HTTPTypes
import Hummingbird
import Maintenance
import TrafficModel

/// The body of a window that is planned.
struct WindowRequest: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case kind, name, verdict, start, days, at, zone, seconds, drain, reason
    }

    /// What is maintained.
    var kind: String
    var name: String
    /// `drain`, if absent, or `disable`.
    var verdict: String?
    /// Milliseconds since 1970, of a window that comes once; else `days`, `at` and `zone`.
    var start: Int64?
    /// `weekly tue, thu` or `monthly 15, second tue, last`.
    var days: String?
    var at: String?
    var zone: String?
    /// How long it is open.
    var seconds: Int64
    /// For how many seconds before its start is drained.
    var drain: Int64?
    var reason: String?

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String {
        #"the body must be JSON with "kind", "name", "seconds", and "start" or "days", "at" and "zone""#
    }

    func window() throws(BadRequest) -> MaintenanceWindow {
        var window = MaintenanceWindow(
            subject: try BodyCheck.subject(kind, name), schedule: try schedule(), duration: .seconds(seconds))
        guard MaintenanceWindow.durations.contains(window.duration) else {
            throw BadRequest("seconds: from 1 to \(Int(MaintenanceWindow.durations.upperBound / .seconds(1)))")
        }
        guard !window.neverCloses else {
            throw BadRequest("seconds: each run would be open until the next begins, and the window would never close")
        }
        window.lead = .seconds(drain ?? 0)
        guard MaintenanceWindow.leads.contains(window.lead) else {
            throw BadRequest("drain: from 0 to \(Int(MaintenanceWindow.leads.upperBound / .seconds(1)))")
        }
        if let verdict {
            guard let known = Overrides.Verdict(rawValue: verdict), [.drain, .disable].contains(known) else {
                throw BadRequest("verdict: drain or disable")
            }
            window.verdict = known
        }
        window.reason = try BodyCheck.reason(reason)
        return window
    }

    private func schedule() throws(BadRequest) -> MaintenanceWindow.Schedule {
        if let start {
            guard days == nil, at == nil, zone == nil else {
                throw BadRequest("start: days, at and zone are of windows that come again")
            }
            // Years up to 9999.
            guard (0...253_402_300_799_000).contains(start) else { throw BadRequest("start: milliseconds since 1970") }
            return .once(start: WallTime(milliseconds: start))
        }
        guard let days = days.flatMap(CalendarRule.Days.init) else {
            throw BadRequest("days: such as \"weekly tue, thu\" or \"monthly 15, second tue, last\"")
        }
        guard let time = at.flatMap(CalendarRule.minutes) else { throw BadRequest("at: a time of day such as 02:30") }
        let zone = zone ?? "UTC"
        guard MaintenanceCalendar.isZone(zone) else {
            throw BadRequest("zone: \(zone.prefix(64)) is no time zone; write an IANA name such as Europe/Berlin")
        }
        return .rule(CalendarRule(days: days, time: time, zone: zone))
    }
}

/// What cancelling a window of the configuration skips.
package struct CancelledRun: Codable, Sendable {
    /// Milliseconds since 1970; absent: the window is gone.
    package var ends: Int64?
}

extension AdminService {
    private static let nameBytes = 1...64

    static func addWindow(_ request: Request, _ context: AdminContext, node: Node) async throws -> Response {
        let name = context.parameter("name")
        guard nameBytes.contains(name.utf8.count),
            name.utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-_.".utf8.contains($0)
            })
        else { throw BadRequest("a window's name has 1 to 64 letters, digits, hyphens, underscores and dots") }
        let body = try await WindowRequest.read(request)
        try await node.addWindow(name, try body.window(), by: await context.author())
        return Response(status: .noContent)
    }

    static func cancelWindow(_ context: AdminContext, node: Node) async throws -> Response {
        let end = try await node.cancelWindow(context.parameter("name"), by: await context.author())
        return try json(CancelledRun(ends: end?.milliseconds))
    }
}
