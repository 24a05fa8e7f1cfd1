import AdminAPI
import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials
import Glibc
import Synchronization
import TrafficModel

/// How a running node is reached, but for its configuration file.
struct NodeConnection: ParsableArguments {
    @Option(help: "The node's admin socket.", completion: .file()) var socket: String?
    @Option(help: "The node's admin address: https://HOST:PORT. MERIDIAN_ADMIN has it too, or a socket's path.")
    var admin: String?
    @Option(
        help: "A file whose first line is a token, for --admin. MERIDIAN_TOKEN_FILE names it too.",
        completion: .file())
    var tokenFile: String?
    @Option(
        help: "The PEM file of the authorities that vouch for the node; those of the machine if absent.",
        completion: .file())
    var ca: String?
    @Option(help: "The PEM file of a certificate to show to the node, instead of a token.", completion: .file())
    var certificate: String?
    @Option(help: "The PEM file of its key; the certificate's file if absent.", completion: .file()) var key: String?

    init() {}

    init(socket: String?, admin: String?, tokenFile: String?, ca: String?, certificate: String?, key: String?) {
        self.socket = socket
        self.admin = admin
        self.tokenFile = tokenFile
        self.ca = ca
        self.certificate = certificate
        self.key = key
    }

    /// The socket of the packaged service.
    static let usualSocket = "/run/meridian/admin.sock"

    /// The address that the arguments name.
    var named: String? { socket ?? admin }

    /// Where nothing is named: the environment's address, or the packaged service's socket if it is there.
    static var usual: String? {
        if let text = Terminal.environment("MERIDIAN_ADMIN"), !text.isEmpty { return text }
        return unsafe access(usualSocket, F_OK) == 0 ? usualSocket : nil
    }

    func validate() throws {
        guard socket == nil || admin == nil else { throw ValidationError("--socket or --admin: one node at a time") }
        guard key == nil || certificate != nil else { throw ValidationError("--key: name --certificate too") }
        guard socket == nil || tokenFile == nil && ca == nil && certificate == nil else {
            throw ValidationError("--token-file, --ca and --certificate are for --admin: a socket needs none of them")
        }
    }

    /// - Parameter text: an address, of the arguments or from elsewhere.
    func client(of text: String, patience: Duration? = nil) throws(AdminError) -> AdminClient {
        let address = try text == socket ? .socket(text) : AdminAddress(parsing: text)
        if case .socket = address { return try AdminClient(address, patience: patience) }
        return try AdminClient(
            address, try credentials(for: address, warns: patience == nil), patience: patience)
    }

    private func credentials(for address: AdminAddress, warns: Bool) throws(AdminError) -> AdminCredentials {
        var token: String?
        if let path = tokenFile ?? usualTokenFile(for: address) {
            let file = try TokenFile(path: path)
            token = file.token
            if file.isReadableByOthers, warns, TokenWarning.isFirst {
                Terminal.error("warning: others can read \(path): chmod 600 \(path)")
            }
        }
        return AdminCredentials(token: token, authorityPath: ca, certificatePath: certificate, keyPath: key)
    }
}

extension NodeConnection {
    /// The environment's token file is for the environment's node, and goes to no other that a line names; nor along with a
    /// certificate, which says who asks.
    private func usualTokenFile(for address: AdminAddress) -> String? {
        guard certificate == nil, let path = Terminal.environment("MERIDIAN_TOKEN_FILE"), !path.isEmpty else {
            return nil
        }
        guard admin != nil else { return path }
        // One that is no address is none that this could be.
        let usual = Terminal.environment("MERIDIAN_ADMIN").flatMap { try? AdminAddress(parsing: $0) }
        return address == usual ? path : nil
    }
}

/// Said once, however often a command asks the node.
private enum TokenWarning {
    private static let isSaid = Atomic<Bool>(false)

    static var isFirst: Bool { !isSaid.exchange(true, ordering: .relaxed) }
}

/// The running node that a command is about.
struct AdminNode: ParsableArguments {
    @OptionGroup var connection: NodeConnection
    @Option(
        name: [.short, .customLong("config")],
        help:
            "The YAML file that the node serves: its admin.socket is used, where neither --socket nor --admin is given.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func client() throws -> AdminClient {
        do {
            return try quietClient()
        } catch let error as AdminError {
            Terminal.error(error.description)
            throw ExitCode.usage
        } catch let error as ValidationError {
            // The parser would show the usage of all of the program beside it.
            Terminal.error(error.message)
            throw ExitCode.usage
        }
    }

    /// Without a word about what is wrong.
    func quietClient(patience: Duration? = nil) throws -> AdminClient {
        try connection.client(of: try address(speaks: patience == nil), patience: patience)
    }

    private func address(speaks: Bool) throws -> String {
        if let named = connection.named { return named }
        guard let config else {
            if let usual = NodeConnection.usual { return usual }
            throw ValidationError(
                "name the node: --socket PATH, --admin https://HOST:PORT, or --config FILE with admin.socket in it")
        }
        let result = ConfigurationLoader.load(path: config)
        // A file that was broken after the node started must not keep its operator out.
        guard let path = result.intent?.admin.socketPath else {
            if speaks { for diagnostic in result.diagnostics { Terminal.error(diagnostic.description) } }
            throw ValidationError(
                "\(config) gives no admin.socket that can be used; set it, or name the node with --socket or --admin")
        }
        return path
    }

    /// Calls the node with a body.
    func call(_ method: String, _ path: String, _ body: some Encodable) throws -> [UInt8] {
        try call(method, path, json: Array(try JSONEncoder().encode(body)))
    }

    /// Calls the node and prints what it refuses; ends the program then, as docs/cli.md says.
    func call(_ method: String, _ path: String, json: [UInt8] = [], accept: String? = nil) throws -> [UInt8] {
        let client = try client()
        let response: AdminClient.Response
        do {
            response = try client.call(method, path, json: json, accept: accept) { [address = client.address] limit in
                // For those who watch. What reads our words instead waits in silence, and gets the outcome alone.
                guard isatty(STDERR_FILENO) == 1 else { return }
                Terminal.error("\(address): no answer yet; waiting for up to \(limit.brief)")
            }
        } catch {
            Terminal.error(error.description)
            throw ExitCode.unreachable
        }
        guard (200..<300).contains(response.status) || response.status == 422 else {
            Terminal.error(Self.refusal(response, client.address))
            // What is wrong with a request are the arguments that it was made of.
            throw response.status == 400 ? ExitCode.usage : .refused
        }
        return response.body
    }

    /// What the node says in an answer that refuses something, for people.
    static func refusal(_ response: AdminClient.Response, _ address: AdminAddress) -> String {
        struct Problem: Decodable { var detail: String }
        // An answer in another form has no words of its own: its status is told.
        let problem = try? NodeText.decode(Problem.self, from: response.body)
        let detail = problem?.detail ?? "the node answered with status \(response.status)"
        // The node's words are for all who ask it; a command knows how it can be told who asks.
        switch response.status {
        case 401 where problem != nil: return "\(address): \(detail) (--token-file FILE, or --certificate FILE)"
        case 401, 403, 421, 429: return "\(address): \(detail)"
        default: return detail
        }
    }
}
