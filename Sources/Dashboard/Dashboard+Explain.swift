import ControlPlane
import Hummingbird

extension Dashboard {
    /// Why a client gets what it gets: a form for a name or a request, and below it what the node says.
    func explain(_ request: Request) async -> Response {
        let picture = await feed.picture()
        var context = await frame("explain", "Explain", picture)
        func value(_ name: String) -> String {
            (request.uri.queryParameters.get(name) ?? "").trimmed
        }
        let isHTTP = value("of") == "http"
        context["isHTTP"] = isHTTP
        context["client"] = value("client")
        context["names"] = picture.wideIPs.prefix(100).map { ["name": $0.name] }
        context["listeners"] = picture.listeners.prefix(100).map { ["name": $0.name] }
        do throws(ExplanationError) {
            if isHTTP {
                try await explainRequest(value, into: &context)
            } else {
                try await explainName(value, into: &context)
            }
        } catch {
            context["error"] = error.reason
        }
        return render("explain", context)
    }

    private func explainName(
        _ value: (String) -> String, into context: inout [String: Any]
    ) async throws(ExplanationError) {
        let type = value("type").isEmpty ? "A" : value("type").uppercased()
        let (name, client) = (value("name"), value("client"))
        context["name"] = name
        context["types"] = ["A", "AAAA", "CNAME", "HTTPS", "TXT", "MX", "SRV", "NS", "SOA"].map {
            ["value": $0, "isChosen": $0 == type] as [String: Any]
        }
        guard !name.isEmpty else { return }
        guard !client.isEmpty else {
            context["error"] = "For whom? Give a client's network or address, such as 192.0.2.0/24."
            return
        }
        let explanation = try await node.explain(
            ExplanationRequest(name: name, type: type, client: client, resolver: nil, sequence: 1))
        context["answer"] = Self.context(explanation)
    }

    private func explainRequest(
        _ value: (String) -> String, into context: inout [String: Any]
    ) async throws(ExplanationError) {
        let method = value("method").isEmpty ? "GET" : value("method").uppercased()
        let (url, client, listener) = (value("url"), value("client"), value("listener"))
        context["url"] = url
        context["listener"] = listener
        context["methods"] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map {
            ["value": $0, "isChosen": $0 == method] as [String: Any]
        }
        guard !url.isEmpty else { return }
        guard !client.isEmpty else {
            context["error"] = "From whom? Give the client's address, such as 192.0.2.1."
            return
        }
        let explanation = try await node.explain(
            HTTPExplanationRequest(
                url: url, method: method, fields: [], client: client, listener: listener.isEmpty ? nil : listener))
        context["request"] = Self.context(explanation)
    }

    private static func context(_ explanation: Explanation) -> [String: Any] {
        var result: [String: Any] = [
            "name": explanation.name, "type": explanation.type, "client": explanation.client,
            "generation": "\(explanation.generation)", "epoch": "\(explanation.epoch)",
            "code": explanation.code ?? "no answer", "isGood": explanation.code == "NOERROR",
            "answers": explanation.answers, "authorities": explanation.authorities,
            "hasAnswers": !explanation.answers.isEmpty, "hasAuthorities": !explanation.authorities.isEmpty,
            "scopeReason": explanation.scopeReason, "ttlReason": explanation.ttlReason,
            "steps": explanation.steps.map(Self.context), "hasSteps": !explanation.steps.isEmpty,
            "hasFacts": !explanation.facts.isEmpty,
            "facts": explanation.facts.map { fact -> [String: Any] in
                let condition = Condition(state: fact.state)
                return [
                    "server": fact.virtualServer, "state": condition.rawValue, "word": condition.word,
                    "icon": condition.icon, "reasons": fact.reasons,
                ]
            },
        ]
        if let scope = explanation.scope { result["scope"] = "/\(scope)" }
        if let redirection = explanation.redirection { result["redirection"] = redirection }
        return result
    }

    private static func context(_ step: Explanation.Step) -> [String: Any] {
        let kept = Set(step.after)
        let reasons = Dictionary(
            step.removed.map { ($0.candidate, $0.reason) }, uniquingKeysWith: { first, _ in first })
        // What is left, in the order that the step leaves, then what it took out.
        let names = step.after + step.before.filter { !kept.contains($0) }
        var result: [String: Any] = [
            "of": step.of, "stage": step.stage,
            "candidates": names.map { name -> [String: Any] in
                var candidate: [String: Any] = ["name": name, "isKept": kept.contains(name)]
                if let share = step.shares?[name] { candidate["share"] = Wording.share(share) }
                if let reason = reasons[name] { candidate["reason"] = reason }
                return candidate
            },
        ]
        if let number = step.number { result["number"] = "\(number)" }
        if let note = step.note { result["note"] = note }
        return result
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
