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

    func body(verdict: Overrides.Verdict?, reason: String?) throws -> [UInt8] {
        struct Body: Encodable {
            var name: String
            var verdict: String?
            var reason: String?
        }
        return Array(try JSONEncoder().encode(Body(name: name, verdict: verdict?.rawValue, reason: reason)))
    }
}

struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send nothing new to a region, pool, virtual server or member while another is available.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments
    @Option(help: "Why, for those who look later.") var reason: String = ""

    func run() throws {
        _ = try node.call(
            "PUT", "/v1/overrides/\(subject.kind)", json: subject.body(verdict: .drain, reason: reason))
        print("\(subject.kind) \(subject.name) is draining")
    }
}

struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Treat a region, pool, virtual server or member as down, whatever its monitors say.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments
    @Option(help: "Why, for those who look later.") var reason: String = ""

    func run() throws {
        _ = try node.call(
            "PUT", "/v1/overrides/\(subject.kind)", json: subject.body(verdict: .forceDown, reason: reason))
        print("\(subject.kind) \(subject.name) is disabled")
    }
}

struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take back a drain or a disable.")

    @OptionGroup var node: AdminSocket
    @OptionGroup var subject: SubjectArguments

    func run() throws {
        _ = try node.call(
            "DELETE", "/v1/overrides/\(subject.kind)", json: subject.body(verdict: nil, reason: nil))
        print("\(subject.kind) \(subject.name) follows its monitors again")
    }
}
