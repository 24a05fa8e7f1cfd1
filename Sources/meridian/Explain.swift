import AdminAPI
import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how a name is answered to a client, or where a request goes, and why.",
        discussion: """
            With --socket or --admin, the running node explains what it answers now, with its health and overrides. With \
            --config, a configuration is asked that nobody need run: all is taken for up.

            meridian explain api.example.com --client 192.0.2.0/24 --socket /run/meridian/admin.sock
            meridian explain https://www.example.com/api -X POST -H 'x-canary: 1' --client 192.0.2.7 --socket …
            """)

    @Argument(
        help: "The name that is asked for, or the URL of a request.", completion: LiveNames.completion(.wideIP))
    var name: String
    @Argument(help: "The type: A, AAAA, CNAME and so on.") var type = "A"
    @Option(help: "The client's network, as EDNS Client Subnet tells it: 192.0.2.0/24; of a request, its address.")
    var client: String?
    @Option(name: [.customShort("X"), .long], help: "The method of a request.") var method = "GET"
    @Option(
        name: [.customShort("H"), .long], parsing: .singleValue, help: "A header field of a request: 'name: value'.")
    var header: [String] = []
    @Option(
        help: "The listener that a request comes in by, where the URL does not say.",
        completion: LiveNames.completion(.listener))
    var listener: String?
    @Option(help: "The resolver's address, which stands for the client where no network is told.")
    var resolver: String?
    @Option(help: "The number of the query, where answers are spread over the queries.") var sequence: UInt64 = 1
    @OptionGroup var connection: NodeConnection
    @Option(
        name: [.short, .customLong("config")], help: "The YAML file to explain, instead of asking a node.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?
    @Flag(help: "Print JSON, for programs.") var json = false

    func validate() throws {
        guard client == nil else { return }
        if isRequest { throw ValidationError("--client ADDRESS: whose request is it? Write --client 192.0.2.7") }
        guard resolver == nil else { return }
        throw ValidationError("--client NETWORK: for whom? Write --client 192.0.2.0/24, or --resolver ADDRESS")
    }

    func run() throws {
        if isRequest {
            let explanation = try answerRequest()
            guard !json else { return try show(explanation) }
            print(HTTPExplanationText(explanation: explanation, palette: .output).text, terminator: "")
        } else {
            let explanation = try answer()
            guard !json else { return try show(explanation) }
            print(ExplanationText.text(of: explanation), terminator: "")
        }
    }

    private var isRequest: Bool { name.contains("://") }

    private func show(_ explanation: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(NodeText.escaped(try encoder.encode(explanation)))
    }

    private struct Question: Encodable {
        var url: String
        var method: String
        var headers: [String]
        var client: String
        var listener: String?
    }

    private func answerRequest() throws -> HTTPExplanation {
        if let node {
            let question = Question(
                url: name, method: method, headers: header, client: client ?? "", listener: listener)
            return try NodeText.decode(
                HTTPExplanation.self, from: try node.call("POST", "/v1/explain/http", question), isShown: !json)
        }
        let result = try load()
        do {
            return try HTTPExplainer.offline(
                result,
                HTTPExplanationRequest(
                    url: name, method: method, fields: header, client: client ?? "", listener: listener))
        } catch {
            Terminal.error(error.description)
            throw ExitCode.usage
        }
    }

    /// `nil`: a file explains.
    private var node: AdminNode? {
        guard connection.named != nil || config == nil && NodeConnection.usual != nil else { return nil }
        var node = AdminNode()
        node.connection = connection
        node.config = nil
        return node
    }

    private func load() throws -> LoadResult {
        guard let config else {
            throw ValidationError("name what to explain: --config FILE, --socket PATH, or --admin https://HOST:PORT")
        }
        let result = ConfigurationLoader.load(path: config)
        guard result.intent != nil else {
            for diagnostic in result.diagnostics { Terminal.error(diagnostic.description) }
            throw ExitCode.refused
        }
        return result
    }

    private func answer() throws -> Explanation {
        let request = ExplanationRequest(
            name: name, type: type, client: client, resolver: resolver, sequence: sequence)
        if let node {
            let body = try node.call("GET", "/v1/explain?\(request.query)")
            return try NodeText.decode(Explanation.self, from: body, isShown: !json)
        }
        let result = try load()
        do {
            return try Explainer.offline(result, request)
        } catch {
            Terminal.error(error.description)
            throw ExitCode.usage
        }
    }
}

/// `meridian explain` for people.
enum ExplanationText {
    static func text(of explanation: Explanation) -> String {
        var lines = [
            "\(explanation.name) \(explanation.type) for \(explanation.client)  (generation \(explanation.generation), "
                + "epoch \(explanation.epoch), query \(explanation.sequence))"
        ]
        lines.append("answer: \(explanation.code ?? "none is sent")" + (explanation.refusal.map { ": \($0)" } ?? ""))
        guard explanation.refusal == nil else { return lines.map { $0 + "\n" }.joined() }
        lines += explanation.answers.map { "  " + $0 }
        var subject = ""
        for step in explanation.steps {
            if step.of != subject {
                subject = step.of
                lines.append(subject)
            }
            let shares = step.before.compactMap { name in
                step.shares?[name].map { "\(name) \(Int(($0 * 1000).rounded()) / 10) %" }
            }
            lines.append(
                "  \(step.number.map { "\($0). " } ?? "   ")\(step.stage): "
                    + "\(step.after.isEmpty ? "-" : step.after.joined(separator: " "))"
                    + (shares.isEmpty ? "" : "  [\(shares.joined(separator: ", "))]")
                    + (step.note.map { "  (\($0))" } ?? ""))
            lines += step.removed.map { "       without \($0.candidate): \($0.reason)" }
        }
        if let redirection = explanation.redirection { lines.append(redirection) }
        lines.append("ttl: \(explanation.ttlReason)")
        lines.append("scope: \(explanation.scope.map { "/\($0), " } ?? "")\(explanation.scopeReason)")
        for fact in explanation.facts {
            lines.append("\(fact.virtualServer): \(fact.state)")
            lines += fact.reasons.map { "  " + $0 }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension ExplanationRequest {
    /// As the query of a URI (RFC 3986 section 3.4).
    fileprivate var query: String {
        let values = [
            ("name", name), ("type", type), ("client", client ?? ""), ("resolver", resolver ?? ""),
            ("sequence", "\(sequence)"),
        ]
        return values.filter { !$0.1.isEmpty }.map { "\($0.0)=\(QueryText.encoded($0.1))" }.joined(separator: "&")
    }
}
