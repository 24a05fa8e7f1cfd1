import AdminAPI
import ArgumentParser
import ControlPlane
import FoundationEssentials
import Maintenance
import TrafficModel

struct ShiftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shift", abstract: "Move a part of the clients of one region to another, little by little.",
        discussion: """
            meridian shift --from eu --to us --share 30% --by 14:00
            meridian shift list
            meridian shift cancel 1
            """,
        subcommands: [ShiftStart.self, ShiftList.self, ShiftCancel.self], defaultSubcommand: ShiftStart.self)
}

struct ShiftStart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Begin a shift. It stays until it is cancelled.")

    @OptionGroup var node: AdminNode
    @Option(help: "A wide IP, or a pattern with * and ?; all if absent.", completion: LiveNames.completion(.wideIP))
    var wip = "*"
    @Option(help: "The region, or with --pool the pool, whose clients move.", completion: LiveNames.places)
    var from: String
    @Option(help: "Where they go.", completion: LiveNames.places) var to: String
    @Option(help: "The part of the clients: 30%.") var share: String
    @Option(help: "When all of it has moved: 14:00, or 2026-12-01T14:00Z.") var by: String?
    @Option(name: .customLong("for"), parsing: .unconditional, help: "How long that takes: 20m.") var duration: String?
    @Flag(help: "--from and --to are pools.") var pool = false
    @OptionGroup var why: ReasonOption
    @OptionGroup var forcing: ForceOption
    @OptionGroup var consent: ConsentOptions

    private struct Body: Encodable {
        enum CodingKeys: String, CodingKey {
            case wideIP = "wide_ip"
            case kind, from, to, share, until, seconds, reason, force
        }

        var wideIP: String
        var kind: String
        var from: String
        var to: String
        var share: Double
        var until: Int64?
        var seconds: Int64?
        var reason: String
        var force: Bool
    }

    func validate() throws {
        guard (by == nil) != (duration == nil) else { throw ValidationError("say by when: --by 14:00, or --for 20m") }
    }

    func run() throws {
        let until = try by.map { text in
            guard let time = WallTime(text: text) ?? WallTime.next(text, after: .now) else {
                throw ValidationError("--by \(text): write a time of day such as 14:00, or 2026-12-01T14:00Z")
            }
            return time.milliseconds
        }
        let body = Body(
            wideIP: wip, kind: pool ? "pool" : "region", from: from, to: to,
            share: try CommandText.factor(share, "--share", 0...1), until: until,
            seconds: try duration.map { try CommandText.seconds($0, "--for") }, reason: why.reason,
            force: forcing.force)
        let change = try ChangeRequest("POST", "/v1/shifts", body)
        guard try consent.allows(change, node, "shift \(share) of \(from) to \(to)") else { return }
        let outcome = try NodeText.decode(ShiftOutcome.self, from: try change.make(node))
        let what = "shift \(outcome.id): \(share) of \(from)"
        guard let idle = outcome.idle else {
            return consent.report("\(what) goes to \(to) in \(Duration.seconds(outcome.seconds).brief)")
        }
        consent.report(
            outcome.seconds > 0
                ? "\(what) to \(to) moves nobody as long as this holds: \(idle)"
                : "\(what) stays in \(to) when this is taken back: \(idle)")
    }
}

struct ShiftList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all shifts.")

    @OptionGroup var node: AdminNode
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = try node.call("GET", "/v1/shifts")
        guard !json else { return print(try NodeText.document(body)) }
        for shift in try NodeText.decode([NodeStatus.Shift].self, from: body) {
            print(StatusTable.line(shift))
        }
    }
}

struct ShiftCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Let the clients go back, as fast as they came.")

    @OptionGroup var node: AdminNode
    @Argument(help: "The shift's number.", completion: LiveNames.completion(.shift)) var id: Int

    func run() throws {
        let outcome = try NodeText.decode(
            ShiftOutcome.self, from: try node.call("DELETE", "/v1/shifts/\(id)"))
        print(
            outcome.seconds > 0
                ? "shift \(id) goes back in \(Duration.seconds(outcome.seconds).roughly)" : "shift \(id) is taken back")
    }
}
