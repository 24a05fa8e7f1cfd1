import AdminAPI
import ArgumentParser
import ControlPlane
import FoundationEssentials
import Maintenance
import TrafficModel

struct WindowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "window", abstract: "Plan maintenance: drained before, taken out during, back after.",
        subcommands: [WindowAdd.self, WindowList.self, WindowCancel.self])
}

struct WindowAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Plan a window, once or by a rule of the calendar.",
        discussion: """
            Once:  meridian window add move --region eu --from 2026-12-01T02:00Z --for 2h --drain 15m
            Weekly:  meridian window add patch --region eu --weekly tue,thu --at 02:30 --zone Europe/Berlin --for 1h
            Monthly:  meridian window add patch --pool eu --monthly "second tue" --at 02:30 --for 1h
            """)

    @OptionGroup var node: AdminNode
    @Argument(help: "A name to find it again.") var name: String
    @Option(
        help: "What is maintained: a region, or a pattern with * and ?.", completion: LiveNames.completion(.region))
    var region: String?
    @Option(help: "A pool, or a pattern.", completion: LiveNames.completion(.pool)) var pool: String?
    @Option(help: "A virtual server, or a pattern.", completion: LiveNames.completion(.virtualServer))
    var virtualServer: String?
    @Option(help: "A member, UPSTREAM/ADDRESS:PORT, or a pattern.", completion: LiveNames.completion(.member))
    var member: String?
    @Flag(help: "Disable instead of drain while it is open.") var disable = false
    @Option(help: "The start of a window that comes once: 2026-12-01T02:00Z, or 14:00 for the next time that is.")
    var from: String?
    @Option(help: "Days of the week: mon,tue,….") var weekly: String?
    @Option(help: "Days of the month: 15, last, second tue, with commas between.") var monthly: String?
    @Option(help: "The time of day of a window that comes again.") var at: String?
    @Option(
        help: "The time zone of --at or of a --from without one; UTC for --at and the machine's for --from if absent.")
    var zone: String?
    @Option(name: .customLong("for"), parsing: .unconditional, help: "How long it is open: 90m, 2h.") var duration:
        String
    @Option(parsing: .unconditional, help: "For how long before the start is drained: 15m.") var drain: String?
    @Flag(help: "Show what its run would move if it began now, and plan nothing.") var dryRun = false
    @Flag(name: .shortAndLong, help: "Do not ask where its run would be under way at once.") var yes = false
    @Flag(help: "Print JSON, for programs.") var json = false
    @OptionGroup var why: ReasonOption

    private struct Body: Encodable {
        var kind: String
        var name: String
        var verdict: String
        var start: Int64?
        var days: String?
        var at: String?
        var zone: String?
        var seconds: Int64
        var drain: Int64?
        var reason: String
    }

    func validate() throws {
        guard [region, pool, virtualServer, member].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("name what is maintained: one of --region, --pool, --virtual-server, --member")
        }
        guard [from, weekly, monthly].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("say when: one of --from, --weekly, --monthly")
        }
        if from == nil, at == nil { throw ValidationError("say the time of day: --at 02:30") }
        if from != nil, at != nil { throw ValidationError("--from says the time; leave --at out") }
        if let weekly, CalendarRule.Days("weekly \(weekly)") == nil {
            throw ValidationError("--weekly \(weekly): write days such as tue,thu")
        }
        if let monthly, CalendarRule.Days("monthly \(monthly)") == nil {
            throw ValidationError("--monthly \(monthly): write days such as 15, last or second tue")
        }
        if let at, CalendarRule.minutes(at) == nil {
            throw ValidationError("--at \(at): write a time of day such as 02:30")
        }
    }

    func run() throws {
        let subjects: [(String, String?)] = [
            ("region", region), ("pool", pool), ("virtual-server", virtualServer), ("member", member),
        ]
        for (kind, subject) in subjects {
            guard let subject else { continue }
            let body = Body(
                kind: kind, name: subject, verdict: disable ? "disable" : "drain", start: try start(),
                days: weekly.map { "weekly \($0)" } ?? monthly.map { "monthly \($0)" }, at: at,
                zone: from == nil ? zone : nil, seconds: try CommandText.seconds(duration, "--for"),
                drain: try drain.map { try CommandText.seconds($0, "--drain") }, reason: why.reason)
            let change = try ChangeRequest("PUT", "/v1/windows/\(try Self.checked(name))", body)
            let running = try runUnderWay(Overrides.Subject(.init(rawValue: kind) ?? .region, subject))
            // One that moves nothing now is worth a look, not a question.
            var consent = ConsentOptions()
            (consent.yes, consent.dryRun, consent.json) = (yes || running == nil, dryRun, json)
            let words = running.map { ", which began at \($0.drains.text) and ends at \($0.ends.text)" } ?? ""
            guard try consent.allows(change, node, "window \(name)\(words)") else { continue }
            _ = try change.make(node)
            consent.report(
                running.map { "window \(name) is under way for \(kind) \(subject) until \($0.ends.text)" }
                    ?? "window \(name) is planned for \(kind) \(subject)")
        }
    }

    /// The run that the window would be in from its first moment on.
    private func runUnderWay(_ subject: Overrides.Subject) throws -> MaintenanceCalendar.Occurrence? {
        let schedule: MaintenanceWindow.Schedule
        if let start = try start() {
            schedule = .once(start: WallTime(milliseconds: start))
        } else {
            let days = weekly.map { "weekly \($0)" } ?? monthly.map { "monthly \($0)" } ?? ""
            // What the arguments do not give was refused before.
            guard let days = CalendarRule.Days(days), let time = at.flatMap(CalendarRule.minutes) else { return nil }
            schedule = .rule(CalendarRule(days: days, time: time, zone: zone ?? "UTC"))
        }
        var window = MaintenanceWindow(
            subject: subject, schedule: schedule, duration: .seconds(try CommandText.seconds(duration, "--for")))
        if let drain { window.lead = .seconds(try CommandText.seconds(drain, "--drain")) }
        let next = MaintenanceCalendar.occurrence(of: window, notEndedAt: .now)
        return next.flatMap { $0.drains <= .now ? $0 : nil }
    }

    private func start() throws -> Int64? {
        guard let from else { return nil }
        guard let time = WallTime(text: from) ?? WallTime.next(from, after: .now, zone: zone) else {
            throw ValidationError("--from \(from): write 2026-12-01T02:00Z, or a time of day such as 14:00")
        }
        return time.milliseconds
    }

    /// It stands in a path.
    static func checked(_ name: String) throws -> String {
        guard !name.isEmpty,
            name.utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-_.".utf8.contains($0)
            })
        else { throw ValidationError("\(name): a window's name has letters, digits, hyphens, underscores and dots") }
        return name
    }
}

struct WindowList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all windows.")

    @OptionGroup var node: AdminNode
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = try node.call("GET", "/v1/windows")
        guard !json else { return print(try NodeText.document(body)) }
        for window in try NodeText.decode([NodeStatus.Window].self, from: body) {
            print(StatusTable.line(window))
        }
    }
}

struct WindowCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a window; of one of the configuration, its run now or next.")

    @OptionGroup var node: AdminNode
    @Argument(help: "Its name.", completion: LiveNames.completion(.window)) var name: String

    func run() throws {
        let outcome = try NodeText.decode(
            CancelledRun.self, from: try node.call("DELETE", "/v1/windows/\(try WindowAdd.checked(name))"))
        if let end = outcome.ends {
            print("the run of window \(name) that ends \(WallTime(milliseconds: end).text) is cancelled")
        } else {
            print("window \(name) is cancelled")
        }
    }
}
