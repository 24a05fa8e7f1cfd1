import ArgumentParser
import ConfigurationLoading
import ControlPlane
import TrafficModel

/// What an override is about, as arguments.
struct SubjectArguments: ParsableArguments {
    @Argument(
        help: "region, pool, virtual-server (or vip), member, or wide-ip.",
        completion: .list(["wide-ip", "pool", "region", "virtual-server", "member"]),
        transform: SubjectKind.named)
    var kind: String
    @Argument(
        help: "Its name, or a pattern with * and ?; a member's is UPSTREAM/ADDRESS:PORT.",
        completion: LiveNames.subject)
    var name: String

    var text: String { "\(kind) \(name)" }
}

/// Kinds of what overrides and events are about, as people name them.
enum SubjectKind {
    static let known = Overrides.Subject.Kind.allCases.map(\.rawValue)

    /// - Throws: `ValidationError` with what was written and what there is.
    static func named(_ text: String) throws -> String {
        let kind = spelled(text)
        guard known.contains(kind) else {
            throw ValidationError("there is no kind \(text); write \(known.joined(separator: ", "))")
        }
        return kind
    }

    /// Kinds, separated by commas, with short ones written out.
    static func spelled(_ text: String) -> String {
        text.split(separator: ",", omittingEmptySubsequences: false).map { kind in
            Overrides.Subject.shortKinds[String(kind)]?.rawValue ?? String(kind)
        }.joined(separator: ",")
    }
}

struct ForceOption: ParsableArguments {
    @Flag(help: "Also where a safety rule forbids it or a name would have no answer.") var force = false
}

struct ReasonOption: ParsableArguments {
    @Option(help: "Why, for those who look later.") var reason: String = ""
}

struct OverrideOptions: ParsableArguments {
    @OptionGroup var why: ReasonOption
    @Option(
        name: .customLong("for"), parsing: .unconditional,
        help: "How long it lasts, such as 30m or 2h; without it, until `enable`.")
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
        if !consent.showsPreview { try warnOfLoss(node, kind, body) }
        guard try consent.allows(change, node, words + ending) else { return false }
        _ = try change.make(node)
        return true
    }

    /// Where nobody is asked, what is replaced is told all the same: it may be a colleague's.
    private func warnOfLoss(_ node: AdminNode, _ kind: String, _ body: OverrideBody) throws {
        let status = try NodeText.decode(NodeStatus.self, from: try node.call("GET", "/v1/status"))
        let replaced = status.overrides.filter {
            $0.kind == kind && $0.name == body.name && $0.window == nil && ($0.factor == nil) == (body.factor == nil)
        }
        for override in replaced { Terminal.error("\(kind) \(body.name): \(override.loss)") }
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
            client that came in the last --quiet-for or in twice the time between those before, and no resolver that may \
            still keep the old answer. This node's own health checks are no clients. It ends with 3 when that takes \
            longer than --timeout; the drain goes on. It ends with 1 when the drain is taken back or ends.
            """)

    @OptionGroup var node: AdminNode
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions
    @Flag(help: "Wait until it is drained, and show how far it is.") var wait = false
    @Option(
        parsing: .unconditional,
        help: "How long to wait: 90s, 30m; no longer than --for; 30m if absent.")
    var timeout: String?
    @Option(parsing: .unconditional, help: "For how long nobody may have come: 10s, 1m.") var quietFor = "10s"

    private static let usualPatience: Int64 = 1800

    /// Seconds.
    private func patience() throws -> Int64 {
        let length = try options.duration.map { try CommandText.seconds($0, "--for") }
        guard let timeout else { return Self.usualPatience }
        let seconds = try CommandText.seconds(timeout, "--timeout")
        if wait, let length, let duration = options.duration, seconds > length {
            throw ValidationError("--for \(duration): the drain would end before --timeout \(timeout) is over")
        }
        return seconds
    }

    func validate() throws {
        _ = try patience()
        _ = try CommandText.seconds(quietFor, "--quiet-for")
    }

    func run() throws {
        guard try options.set(node, .drain, on: subject) else { return }
        let words = "\(subject.text) is draining\(options.ending)"
        guard wait, let kind = Overrides.Subject.Kind(rawValue: subject.kind) else {
            return options.consent.report(words)
        }
        // With --json each line of progress says as much.
        if !options.consent.json { print(words) }
        try DrainWatch(
            node: node, kind: kind, name: subject.name, limit: .seconds(try patience()),
            quiet: .seconds(try CommandText.seconds(quietFor, "--quiet-for")), json: options.consent.json
        ).wait()
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
    @OptionGroup var why: ReasonOption
    @OptionGroup var forcing: ForceOption
    @Flag(help: "Show what would move, and change nothing.") var dryRun = false
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        // Putting things back does not ask: it is what one does in a hurry.
        var consent = ConsentOptions()
        (consent.yes, consent.dryRun, consent.json) = (true, dryRun, json)
        let change = try ChangeRequest(
            "DELETE", "/v1/overrides/\(subject.kind)",
            Body(name: subject.name, reason: why.reason, force: forcing.force))
        guard try consent.allows(change, node, "enable \(subject.text)") else { return }
        let outcome = try NodeText.decode(ClearedOverride.self, from: try change.make(node))
        let words = outcome.cleared.map(\.participle).joined(separator: " and ")
        consent.report(
            words.isEmpty
                ? "nothing was set for \(subject.text)"
                : outcome.held.isEmpty
                    ? "\(subject.text) follows its monitors again" : "\(subject.text) is no longer \(words)")
        guard !outcome.held.isEmpty else { return }
        for override in outcome.held { Terminal.error("it is still \(override.holding): \(override.remedy)") }
        throw ExitCode.refused
    }

    private struct Body: Encodable {
        var name: String
        var reason: String
        var force: Bool
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
