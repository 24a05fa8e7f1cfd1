import AdminAPI
import ArgumentParser
import ControlPlane
import FoundationEssentials
import TrafficModel

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the running node read its configuration again.",
        discussion: "A configuration with errors is refused, its errors are printed, and the old one stays in force.")

    @OptionGroup var node: AdminNode
    @Flag(help: "Show what it would move, and load nothing.") var dryRun = false
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = try node.call("POST", "/v1/reload\(dryRun ? "?dry_run=true" : "")")
        // A trial that was refused is answered with what is wrong, as a reload is: then this is no preview.
        if dryRun, let preview = try? NodeText.decode(ChangePreview.self, from: body, isShown: !json) {
            if json { return print(try JSONText.pretty(preview)) }
            return print(PreviewText(preview: preview, palette: .output).text(of: "reload"), terminator: "")
        }
        let outcome = try NodeText.decode(ReloadOutcome.self, from: body, isShown: !json)
        if json {
            print(try JSONText.pretty(outcome))
        } else {
            for message in outcome.messages { Terminal.error(message) }
        }
        guard outcome.applied else {
            if !json { Terminal.error("refused: generation \(outcome.generation) stays in force") }
            throw ExitCode.refused
        }
        if !json { print("generation \(outcome.generation) is in force") }
    }
}

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who changed what, newest first.",
        discussion: "The trail is kept in the file that admin.state of the configuration names.")

    @OptionGroup var node: AdminNode
    @Option(help: "How many changes to show.") var last = 20
    @Flag(help: "Print JSON, for programs.") var json = false

    func validate() throws {
        guard (1...10_000).contains(last) else { throw ValidationError("--last \(last): from 1 to 10000") }
    }

    func run() throws {
        let body = try node.call("GET", "/v1/audit?last=\(last)")
        guard !json else {
            print(try NodeText.document(body))
            return
        }
        for entry in try NodeText.decode([AuditEntry].self, from: body) {
            print(entry.line)
        }
    }
}

extension AuditEntry {
    /// One line for people.
    fileprivate var line: String {
        let time = Date(timeIntervalSince1970: Double(time) / 1000).formatted(.iso8601)
        let subject = [kind, name].compactMap(\.self).joined(separator: " ")
        return [time, author.isEmpty ? "-" : author, "(\(origin))", action, subject, detail, reason]
            .filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
