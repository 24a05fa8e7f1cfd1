import AdminAPI
import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how a name is answered to a client, and why.",
        discussion: """
            With --socket, the running node explains what it answers now, with its health and overrides. With --config, a \
            configuration is asked that nobody need run: all is taken for up.
            """)

    @Argument(help: "The name that is asked for.") var name: String
    @Argument(help: "The type: A, AAAA, CNAME and so on.") var type = "A"
    @Option(help: "The client's network, as EDNS Client Subnet tells it: 192.0.2.0/24.") var client: String?
    @Option(help: "The resolver's address, which stands for the client where no network is told.")
    var resolver: String?
    @Option(help: "The number of the query, where answers are spread over the queries.") var sequence: UInt64 = 1
    @Option(help: "The admin socket of the node that shall explain.") var socket: String?
    @Option(name: [.short, .customLong("config")], help: "The YAML file to explain.") var config: String?
    @Flag(help: "Print JSON, for programs.") var json = false

    func run() throws {
        let explanation = try answer()
        guard !json else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(explanation), as: UTF8.self))
            return
        }
        print(ExplanationText.text(of: explanation), terminator: "")
    }

    private func answer() throws -> Explanation {
        let request = ExplanationRequest(
            name: name, type: type, client: client, resolver: resolver, sequence: sequence)
        if let socket {
            var node = AdminSocket()
            node.socket = socket
            let body = try node.call("GET", "/v1/explain?\(request.query)")
            return try JSONDecoder().decode(Explanation.self, from: Data(body))
        }
        guard let config else { throw ValidationError("name what to explain: --config FILE, or --socket PATH") }
        let result = ConfigurationLoader.load(path: config)
        guard result.intent != nil else {
            for diagnostic in result.diagnostics { Terminal.error(diagnostic.description) }
            throw ExitCode(1)
        }
        do {
            return try Explainer.offline(result, request)
        } catch {
            Terminal.error(error.description)
            throw ExitCode(1)
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
        lines.append("answer: \(explanation.code ?? "none is sent")")
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
        return values.filter { !$0.1.isEmpty }.map { key, value in
            let encoded = value.utf8.map { byte -> String in
                let isPlain =
                    (48...57).contains(byte) || (65...90).contains(byte & 0xdf) || "-._~".utf8.contains(byte)
                let digits = String(byte, radix: 16)
                return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
            return "\(key)=\(encoded.joined())"
        }.joined(separator: "&")
    }
}
