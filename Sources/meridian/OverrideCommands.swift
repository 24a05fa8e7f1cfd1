import ArgumentParser
import ConfigurationLoading
import TrafficModel

/// What an override is about, as arguments.
struct SubjectArguments: ParsableArguments {
    @Argument(
        help: "wide-ip, pool, region, virtual-server or member.",
        completion: .list(["wide-ip", "pool", "region", "virtual-server", "member"]))
    var kind: String
    @Argument(
        help: "Its name, or a pattern with * and ?; a member's is UPSTREAM/ADDRESS:PORT.",
        completion: LiveNames.subject)
    var name: String

    var text: String { "\(kind) \(name)" }
}

struct ForceOption: ParsableArguments {
    @Flag(help: "Also where a safety rule forbids it or a name would have no answer.") var force = false
}

struct ReasonOption: ParsableArguments {
    @Option(help: "Why, for those who look later.") var reason: String = ""
}

struct OverrideOptions: ParsableArguments {
    @OptionGroup var why: ReasonOption
    @Option(name: .customLong("for"), help: "How long it lasts, such as 30m or 2h; without it, until `enable`.")
    var duration: String?
    @OptionGroup var forcing: ForceOption
    @OptionGroup var consent: ConsentOptions

    /// Sets an override, if it may.
    ///
    /// - Returns: `false` after a dry run.
    func set(_ node: AdminNode, _ verdict: Overrides.Verdict, on subject: SubjectArguments) throws -> Bool {
        try set(
            node, OverrideBody(name: subject.name, verdict: verdict.rawValue), on: subject.kind,
            "\(verdict.rawValue) \(subject.text)")
    }

    func set(_ node: AdminNode, _ body: OverrideBody, on kind: String, _ words: String) throws -> Bool {
        var body = body
        body.reason = why.reason
        body.seconds = try duration.map { try CommandText.seconds($0, "--for") }
        body.force = forcing.force
        let change = try ChangeRequest("PUT", "/v1/overrides/\(kind)", body)
        guard try consent.allows(change, node, words + ending) else { return false }
        _ = try change.make(node)
        return true
    }

    var ending: String { duration.map { " for \($0)" } ?? "" }
}

struct OverrideBody: Encodable {
    var name: String
    var verdict: String?
    var to: String?
    var factor: Double?
    var reason: String?
    var seconds: Int64?
    var force = false
}

/// Arguments as people write them.
enum CommandText {
    static func seconds(_ text: String, _ option: String) throws -> Int64 {
        guard let milliseconds = Units.milliseconds(text), milliseconds >= 1000 else {
            throw ValidationError("\(option) \(text): write a duration of at least a second, such as 90s, 30m or 2h")
        }
        return milliseconds / 1000
    }

    /// A part of 1: `30%`, `0.5`, `2`.
    static func factor(_ text: String, _ option: String, _ range: ClosedRange<Double>) throws -> Double {
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite,
            range.contains(isPercent ? number / 100 : number)
        else { throw ValidationError("\(option) \(text): write a share such as 30%") }
        return isPercent ? number / 100 : number
    }
}

struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send nothing new to a region, pool, virtual server or member while another is available.",
        discussion: """
            With --wait it returns when nothing is left: no open connection on the listeners or members of this node, no \
            request that arrives, and no resolver that may still keep the old answer. It ends with 3 when that takes \
            longer than --timeout; the drain goes on.
            """)

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions
    @Flag(help: "Wait until it is drained, and show how far it is.") var wait = false
    @Option(help: "How long to wait: 90s, 30m.") var timeout = "30m"

    func validate() throws { _ = try CommandText.seconds(timeout, "--timeout") }

    func run() throws {
        guard try options.set(node, .drain, on: subject) else { return }
        if !options.consent.json { print("\(subject.text) is draining\(options.ending)") }
        guard wait, let kind = Overrides.Subject.Kind(rawValue: subject.kind) else { return }
        let limit = Duration.seconds(try CommandText.seconds(timeout, "--timeout"))
        try DrainWatch(node: node, kind: kind, name: subject.name, limit: limit, json: options.consent.json).wait()
    }
}

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a wide IP, pool, region, virtual server or member out, even where all else is down.")

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions

    func run() throws {
        guard try options.set(node, .disable, on: subject) else { return }
        options.consent.report("\(subject.text) is disabled\(options.ending)")
    }
}

struct ForceUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "force-up", abstract: "Treat it as up, whatever its monitors say.")

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions

    func run() throws {
        guard try options.set(node, .forceUp, on: subject) else { return }
        options.consent.report("\(subject.text) counts as up\(options.ending)")
    }
}

struct ForceDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "force-down", abstract: "Treat it as down, whatever its monitors say.")

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions

    func run() throws {
        guard try options.set(node, .forceDown, on: subject) else { return }
        options.consent.report("\(subject.text) counts as down\(options.ending)")
    }
}

struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take back what was set: drain, disable, force-up, force-down, cutover and weight.")

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var forcing: ForceOption
    @Flag(help: "Show what would move, and change nothing.") var dryRun = false
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        // Putting things back does not ask: it is what one does in a hurry.
        var consent = ConsentOptions()
        (consent.yes, consent.dryRun, consent.json) = (true, dryRun, json)
        let change = try ChangeRequest(
            "DELETE", "/v1/overrides/\(subject.kind)", OverrideBody(name: subject.name, force: forcing.force))
        guard try consent.allows(change, node, "enable \(subject.text)") else { return }
        _ = try change.make(node)
        consent.report("\(subject.text) follows its monitors again")
    }
}

struct Weigh: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weight", abstract: "Multiply the share of a pool, region, virtual server or member.",
        discussion: "It counts where shares are drawn: methods and stages that weigh, and all methods of upstreams.")

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @Argument(help: "What its share is multiplied by: 50%, 0.5 or 2; 0 sends it nothing new.") var factor: String
    @OptionGroup var options: OverrideOptions

    func run() throws {
        let number = try CommandText.factor(factor, "weight", 0...Overrides.factorLimit)
        var body = OverrideBody(name: subject.name, verdict: Overrides.Verdict.weight.rawValue)
        body.factor = number
        guard try options.set(node, body, on: subject.kind, "weight \(subject.text) \(factor)") else { return }
        options.consent.report("\(subject.text) has \(factor) of its share\(options.ending)")
    }
}

struct Cutover: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send all that would go to one region to another, at once, until `enable region FROM`.",
        discussion: """
            For disaster recovery: nothing new goes to FROM, whether it works or not, even if TO fails later. Names that \
            have no pool in TO are listed and the cutover is refused.
            """)

    @OptionGroup var node: AdminNode
    @Argument(help: "The region, or with --pool the pool, that is given up.", completion: LiveNames.places)
    var from: String
    @Argument(help: "The one that takes over.", completion: LiveNames.places) var to: String
    @Flag(help: "FROM and TO are pools.") var pool = false
    @OptionGroup var options: OverrideOptions

    func run() throws {
        let kind: Overrides.Subject.Kind = pool ? .pool : .region
        var body = OverrideBody(name: from, verdict: Overrides.Verdict.cutover.rawValue)
        body.to = to
        guard try options.set(node, body, on: kind.rawValue, "cut \(kind.rawValue) \(from) over to \(to)") else {
            return
        }
        options.consent.report("\(kind.rawValue) \(from) is cut over to \(to)\(options.ending)")
    }
}
