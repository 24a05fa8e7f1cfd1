import AdminAPI
import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials
import TrafficModel

/// Where the running node is reached.
struct AdminSocket: ParsableArguments {
    @Option(help: "The node's admin socket. Instead of it, --config names the file that the node serves.")
    var socket: String?
    @Option(
        name: [.short, .customLong("config")], help: "The YAML file that the node serves: its admin.socket is used.")
    var config: String?

    func client() throws -> AdminClient {
        if let socket { return AdminClient(socketPath: socket) }
        guard let config else {
            throw ValidationError("name the node: --socket PATH, or --config FILE with admin.socket in it")
        }
        let result = ConfigurationLoader.load(path: config)
        // A file that was broken after the node started must not keep its operator out.
        guard let path = result.intent?.admin.socketPath else {
            for diagnostic in result.diagnostics { Terminal.error(diagnostic.description) }
            throw ValidationError(
                "\(config) gives no admin.socket that can be used; set it, or name the socket with --socket PATH")
        }
        return AdminClient(socketPath: path)
    }

    /// Calls the node with a body.
    func call(_ method: String, _ path: String, _ body: some Encodable) throws -> [UInt8] {
        try call(method, path, json: Array(try JSONEncoder().encode(body)))
    }

    /// Calls the node and prints what it refuses; ends the program then, as docs/cli.md says.
    func call(_ method: String, _ path: String, json: [UInt8] = [], accept: String? = nil) throws -> [UInt8] {
        let response: AdminClient.Response
        do {
            response = try client().call(method, path, json: json, accept: accept)
        } catch let error as AdminError {
            Terminal.error(error.description)
            throw ExitCode.unreachable
        }
        guard (200..<300).contains(response.status) || response.status == 422 else {
            struct Problem: Decodable { var detail: String }
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.body))
            Terminal.error(problem?.detail ?? "the node answered with status \(response.status)")
            throw ExitCode(1)
        }
        return response.body
    }
}

struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the running node read its configuration again.",
        discussion: "A configuration with errors is refused, its errors are printed, and the old one stays in force.")

    @OptionGroup var node: AdminSocket
    @Flag(help: "Show what it would move, and load nothing.") var dryRun = false
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = Data(try node.call("POST", "/v1/reload\(dryRun ? "?dry_run=true" : "")"))
        // A trial that was refused is answered with what is wrong, as a reload is.
        if dryRun, let preview = try? JSONDecoder().decode(ChangePreview.self, from: body) {
            if json { return print(try JSONText.pretty(preview)) }
            return print(PreviewText(preview: preview, palette: .output).text(of: "reload"), terminator: "")
        }
        let outcome = try JSONDecoder().decode(ReloadOutcome.self, from: body)
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

    @OptionGroup var node: AdminSocket
    @Option(help: "How many changes to show.") var last = 20
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = try node.call("GET", "/v1/audit?last=\(last)")
        guard !json else {
            print(String(decoding: body, as: UTF8.self))
            return
        }
        for entry in try JSONDecoder().decode([AuditEntry].self, from: Data(body)) {
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
