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

    /// Calls the node and prints what it refuses; ends the program with 1 then.
    func call(_ method: String, _ path: String, json: [UInt8] = []) throws -> [UInt8] {
        let response: AdminClient.Response
        do {
            response = try client().call(method, path, json: json)
        } catch let error as AdminError {
            Terminal.error(error.description)
            throw ExitCode(1)
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

    func run() throws {
        let outcome = try JSONDecoder().decode(
            ReloadOutcome.self, from: Data(try node.call("POST", "/v1/reload")))
        for message in outcome.messages { Terminal.error(message) }
        guard outcome.applied else {
            Terminal.error("refused: generation \(outcome.generation) stays in force")
            throw ExitCode(1)
        }
        print("generation \(outcome.generation) is in force")
    }
}

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what the running node serves and how it fares.")

    @OptionGroup var node: AdminSocket
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let body = try node.call("GET", "/v1/status")
        guard !json else {
            print(String(decoding: body, as: UTF8.self))
            return
        }
        let status = try JSONDecoder().decode(NodeStatus.self, from: Data(body))
        print(StatusTable.text(of: status), terminator: "")
    }
}

/// What an override is about, as arguments.
struct SubjectArguments: ParsableArguments {
    @Argument(help: "region, pool, virtual-server or member.") var kind: String
    @Argument(help: "Its name; a member's is UPSTREAM/ADDRESS:PORT.") var name: String

    /// `nil` clears the override.
    func change(_ node: AdminSocket, _ verdict: Overrides.Verdict?, _ options: OverrideOptions? = nil) throws {
        struct Body: Encodable {
            var name: String
            var verdict: String?
            var reason: String?
            var seconds: Int64?
        }
        let body = Body(
            name: name, verdict: verdict?.rawValue, reason: options?.reason, seconds: try options?.seconds())
        _ = try node.call(
            verdict == nil ? "DELETE" : "PUT", "/v1/overrides/\(kind)", json: Array(try JSONEncoder().encode(body)))
    }
}

struct OverrideOptions: ParsableArguments {
    @Option(help: "Why, for those who look later.") var reason: String = ""
    @Option(name: .customLong("for"), help: "How long it lasts, such as 30m or 2h; without it, until `enable`.")
    var duration: String?

    func seconds() throws -> Int64? {
        guard let duration else { return nil }
        guard let milliseconds = Units.milliseconds(duration), milliseconds >= 1000 else {
            throw ValidationError("--for \(duration): write a duration of at least a second, such as 90s, 30m or 2h")
        }
        return milliseconds / 1000
    }

    var ending: String { duration.map { " for \($0)" } ?? "" }
}

struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send nothing new to a region, pool, virtual server or member while another is available.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions

    func run() throws {
        try subject.change(node, .drain, options)
        print("\(subject.kind) \(subject.name) is draining\(options.ending)")
    }
}

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Treat a region, pool, virtual server or member as down, whatever its monitors say.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments
    @OptionGroup var options: OverrideOptions

    func run() throws {
        try subject.change(node, .forceDown, options)
        print("\(subject.kind) \(subject.name) is disabled\(options.ending)")
    }
}

struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take back a drain or a disable.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments

    func run() throws {
        try subject.change(node, nil)
        print("\(subject.kind) \(subject.name) follows its monitors again")
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
