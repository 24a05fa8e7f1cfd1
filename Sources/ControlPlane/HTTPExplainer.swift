import Addresses
import Authority
import Balancing
package import ConfigurationLoading
import DNSWire
import HealthMonitoring
import ProxyService
import Steering
import Telemetry
import TrafficModel

/// Tells what a snapshot does with a request: it asks the snapshot itself, with the code that requests go through.
package struct HTTPExplainer {
    /// Answers for the names on the way, with the same state.
    let names: Explainer
    let balancing: BalancingSnapshot
    let isLive: Bool

    private var intent: Intent { names.intent }
    private var overrides: EffectiveOverrides { names.overrides }
    private var now: UInt64 { names.now }

    /// Aliases that are followed from one name to the next.
    private static let aliasLimit = 8

    /// Of a configuration that nobody runs: all is taken for up and idle.
    package static func offline(
        _ result: LoadResult, _ request: HTTPExplanationRequest
    ) throws(ExplanationError) -> HTTPExplanation {
        let names = try Explainer(offline: result)
        let balancing = BalancingSnapshot(
            intent: names.intent, overrides: EffectiveOverrides(), observations: Observations(),
            registry: MemberRegistry(seed: 1), epoch: 1, now: MonotonicClock.now)
        return try HTTPExplainer(names: names, balancing: balancing, isLive: false).explain(request)
    }

    func explain(_ request: HTTPExplanationRequest) throws(ExplanationError) -> HTTPExplanation {
        let target = try RequestTarget(request.url)
        guard let client = IPAddress(request.client)?.unmapped else {
            throw ExplanationError(
                request.client.isEmpty
                    ? "for whom? give the client's address" : "\"\(request.client)\" is not an address",
                field: "client")
        }
        let question = RequestQuestion(
            method: request.method, target: target.target, authority: target.authority,
            fields: try fields(request.fields), client: client)
        let steps = IPAddress(target.host) == nil ? resolve(target.host, for: client) : []
        let (position, reason) = try listener(target, steps, named: request.listener)
        let listener = balancing.listeners[position]
        let trace = RequestTrace(question, at: listener, settings: balancing.settings, now: now)
        let model = intent.listeners[position]
        var explanation = HTTPExplanation(
            method: request.method, url: request.url, client: "\(client)", generation: balancing.generation,
            epoch: balancing.epoch, isLive: isLive, names: steps,
            listener: .init(
                name: listener.name, endpoint: "\(listener.endpoint)", mode: Self.word(listener.mode),
                tls: listener.tls != nil, reason: reason),
            virtualServer: virtualServer(at: listener.endpoint), host: trace.host, path: trace.path,
            routes: routes(trace.misses, of: model), result: .init(kind: "refuse", detail: ""))
        conclude(&explanation, trace, model)
        return explanation
    }

    private func conclude(_ explanation: inout HTTPExplanation, _ trace: RequestTrace, _ model: Listener) {
        switch trace.end {
        case .refused(let status, let reason):
            explanation.result = .init(kind: "refuse", status: status, detail: reason)
        case .forwarded(let upstream):
            explanation.result = .init(
                kind: "upstream", detail: "the connection is forwarded as a whole to \(intent.upstreams[upstream].name)"
            )
            explanation.upstream = self.upstream(upstream)
        case .route(let index):
            guard case .http(let routes) = model.mode else { return }
            let route = routes[index]
            if let limit = route.rateLimit, let outlook = trace.limit {
                explanation.rateLimit = .init(
                    rate: limit.rate, burst: limit.burst, key: limit.key.rawValue, passing: outlook.passing,
                    retryAfter: outlook.retryAfter)
            }
            switch route.action {
            case .upstream(let position):
                explanation.result = .init(
                    kind: "upstream", detail: "goes to upstream \(intent.upstreams[position].name)")
                explanation.upstream = upstream(position)
            case .redirect(let redirect):
                explanation.result = .init(
                    kind: "redirect", status: redirect.status, detail: "is sent to \(redirect.location)")
            case .respond(let response):
                explanation.result = .init(
                    kind: "respond", status: response.status, detail: "is answered by the route itself")
            }
            if let limit = explanation.rateLimit, limit.passing == 0 {
                explanation.result = .init(
                    kind: "refuse", status: 429,
                    detail: "over the rate limit of route \(route.name): again in \(limit.retryAfter ?? 1) s")
            } else if explanation.upstream?.step == MemberSurvey.Step.none.rawValue {
                explanation.result = .init(
                    kind: "refuse", status: 503, detail: explanation.result.detail + ", which has no member to take it")
            }
        }
    }

    private func fields(_ lines: [String]) throws(ExplanationError) -> [(name: String, value: String)] {
        guard lines.count <= HTTPExplanationRequest.fieldLimit else {
            throw ExplanationError("at most \(HTTPExplanationRequest.fieldLimit) header fields", field: "headers")
        }
        var fields: [(name: String, value: String)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), !line.utf8.contains(where: { $0 == 10 || $0 == 13 }) else {
                throw ExplanationError(
                    "\"\(line)\" is not a header field; write \"name: value\"", field: "headers")
            }
            let name = String(line[..<colon])
            guard name.lowercased() != "host" else {
                throw ExplanationError("the URL has the host; leave the header field Host out", field: "headers")
            }
            fields.append((name, String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
        return fields
    }

    // MARK: Names

    /// What the client's resolver learns here, alias by alias.
    private func resolve(_ host: String, for client: IPAddress) -> [HTTPExplanation.NameStep] {
        // What resolvers tell of a client (RFC 7871 section 11.1).
        let network = IPPrefix(client, length: client.byteCount == 4 ? 24 : 56)
        let type = client.byteCount == 4 ? "A" : "AAAA"
        var steps: [HTTPExplanation.NameStep] = []
        var name = host
        while steps.count < Self.aliasLimit {
            // A host that is no domain name has no answer here.
            guard
                let found = try? names.explain(
                    ExplanationRequest(
                        name: name, type: type, client: network.map { "\($0)" }, resolver: "\(client)", sequence: 1)),
                let code = found.code, code != "REFUSED"
            else { return steps }
            steps.append(.init(name: name, type: type, code: code, answers: found.answers))
            let last = found.answers.last?.split(separator: " ") ?? []
            guard last.count == 5, last[3] == "CNAME" else { return steps }
            name = String(last[4])
        }
        return steps
    }

    // MARK: Listeners

    private func listener(
        _ target: RequestTarget, _ steps: [HTTPExplanation.NameStep], named name: String?
    ) throws(ExplanationError) -> (position: Int, reason: String) {
        let all = balancing.listeners
        if let name {
            guard let found = all.firstIndex(where: { $0.name == name }) else {
                throw ExplanationError(
                    "there is no listener \(name); there are \(all.map(\.name).joined(separator: ", "))",
                    field: "listener")
            }
            return (found, "named in the question")
        }
        let isFit = { (listener: ListenerSnapshot) in
            if case .tcp = listener.mode { return true }
            return (listener.tls != nil) == target.isSecure
        }
        let addresses =
            IPAddress(target.host).map { [$0] }
            ?? steps.flatMap(\.answers).compactMap { IPAddress(String($0.split(separator: " ").last ?? "")) }
        for address in addresses {
            let found = all.firstIndex {
                $0.endpoint.port == target.port && ($0.endpoint.address == address || $0.endpoint.address.isUnspecified)
            }
            if let found { return (found, "the client connects to \(Endpoint(address: address, port: target.port))") }
        }
        let elsewhere =
            addresses.isEmpty
            ? "" : "\(addresses.map { "\($0)" }.joined(separator: ", ")) is not served by this node: "
        let byPort = all.indices.filter { isFit(all[$0]) && all[$0].endpoint.port == target.port }
        if byPort.count == 1 { return (byPort[0], "\(elsewhere)the only listener on port \(target.port)") }
        let fit = byPort.isEmpty ? all.indices.filter { isFit(all[$0]) } : byPort
        if fit.count == 1 {
            return (fit[0], "\(elsewhere)the only listener for \(target.isSecure ? "https" : "http")")
        }
        let names = fit.prefix(10).map { "\(all[$0].name) (\(all[$0].endpoint))" }.joined(separator: ", ")
        throw ExplanationError(
            fit.isEmpty
                ? "this node has no listener for \(target.isSecure ? "https" : "http")"
                : "\(elsewhere)which listener does it come in by? name one of \(names)",
            field: fit.isEmpty ? "url" : "listener")
    }

    private static func word(_ mode: ListenerSnapshot.Mode) -> String {
        switch mode {
        case .http: "http"
        case .tcp: "tcp"
        }
    }

    private func virtualServer(at endpoint: Endpoint) -> HTTPExplanation.VirtualServer? {
        guard let position = intent.virtualServers.firstIndex(where: { $0.endpoint == endpoint }) else { return nil }
        let server = intent.virtualServers[position]
        return .init(
            name: server.name, region: intent.regions[server.region].name,
            state: "\(names.snapshot.steering.servers[position])")
    }

    // MARK: Routes

    private func routes(_ misses: [RouteMiss?], of listener: Listener) -> [HTTPExplanation.Route] {
        guard case .http(let routes) = listener.mode else { return [] }
        return zip(routes, misses).map { route, miss in
            .init(name: route.name, isTaken: miss == nil, reason: miss.map { Self.words($0, of: route) })
        }
    }

    private static func words(_ miss: RouteMiss, of route: Route) -> String {
        switch miss {
        case .host: return "host is not \(route.hosts.prefix(5).joined(separator: ", "))"
        case .path:
            return switch route.path {
            case .exact(let text)?: "path is not \(text)"
            case .prefix(let text)?: "path is not under \(text)"
            case nil: "path"
            }
        case .method: return "method is not \(route.methods.joined(separator: ", "))"
        case .field(let index):
            let field = route.fields[index]
            return field.value.map { "no field \(field.name): \($0)" } ?? "no field \(field.name)"
        }
    }

    // MARK: Members

    private func upstream(_ position: Int) -> HTTPExplanation.Upstream {
        let upstream = balancing.upstreams[position]
        let survey = LoopBalancer(seed: 1).survey(of: upstream, now: now)
        let candidates = Dictionary(
            survey.candidates.map { ($0.member, $0) }, uniquingKeysWith: { first, _ in first })
        let teller = MemberTeller(
            upstream: upstream, position: position,
            monitors: intent.upstreams[position].monitors.map { intent.monitors[$0] },
            step: survey.step, overrides: overrides, observations: names.observations, health: names.health, now: now)
        return .init(
            name: upstream.name, method: upstream.method.rawValue, step: survey.step.rawValue,
            members: upstream.members.indices.map { teller.member($0, candidates[$0]) }, next: [])
    }
}

extension NodeView {
    @concurrent
    func explain(_ request: HTTPExplanationRequest) async throws(ExplanationError) -> HTTPExplanation {
        let explainer = HTTPExplainer(names: await explainer(), balancing: snapshot.balancing, isLive: true)
        var explanation = try explainer.explain(request)
        if let upstream = explanation.upstream {
            explanation.upstream?.next = await proxy.nextMembers(ofUpstream: upstream.name).map { member in
                member.flatMap { upstream.members.indices.contains($0) ? upstream.members[$0].endpoint : nil }
            }
        }
        return explanation
    }
}

extension Node {
    /// What the node would do with a request, now.
    package func explain(_ request: HTTPExplanationRequest) async throws(ExplanationError) -> HTTPExplanation {
        try await view().explain(request)
    }
}
