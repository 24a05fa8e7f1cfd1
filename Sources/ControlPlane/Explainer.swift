import Addresses
import Authority
package import ConfigurationLoading
import DNSWire
import Geography
import HealthMonitoring
import Steering
import Telemetry
import TrafficModel

/// Tells how a snapshot answers a question: it asks the snapshot itself, with the code that answers queries.
package struct Explainer {
    let intent: Intent
    let snapshot: AuthoritySnapshot
    let overrides: EffectiveOverrides
    let observations: Observations
    let health: [HealthTarget: TargetStatus]
    /// Monotonic nanoseconds, of the measurements.
    let now: UInt64

    /// Of a configuration that nobody runs: all is taken for up.
    package static func offline(
        _ result: LoadResult, _ request: ExplanationRequest
    ) throws(ExplanationError) -> Explanation { try Explainer(offline: result).explain(request) }

    init(offline result: LoadResult) throws(ExplanationError) {
        guard let intent = result.intent, let geography = result.geography else {
            throw ExplanationError("the configuration has errors; `meridian check` names them")
        }
        let plan = SteeringPlan(intent: intent, geography: geography)
        let steering = SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: Observations(), epoch: 1)
        let data = AuthorityData(
            intent: intent, plan: plan, seed: 1, cookieSeed: SipKey(first: 1, second: 1))
        self.init(
            intent: intent, snapshot: AuthoritySnapshot(data: data, steering: steering),
            overrides: EffectiveOverrides(), observations: Observations(), health: [:], now: 0)
    }

    init(
        intent: Intent, snapshot: AuthoritySnapshot, overrides: EffectiveOverrides, observations: Observations,
        health: [HealthTarget: TargetStatus], now: UInt64
    ) {
        self.intent = intent
        self.snapshot = snapshot
        self.overrides = overrides
        self.observations = observations
        self.health = health
        self.now = now
    }

    func explain(_ request: ExplanationRequest) throws(ExplanationError) -> Explanation {
        guard let name = DomainName(request.name) else {
            throw ExplanationError("\"\(request.name)\" is not a domain name", field: "name")
        }
        guard let type = RecordType(request.type) else {
            throw ExplanationError(
                "\"\(request.type)\" is not a record type; write A, AAAA or the like", field: "type")
        }
        var subnet: DNSMessage.ClientSubnet?
        if let client = request.client {
            guard let prefix = IPPrefix(client) else {
                throw ExplanationError(
                    "\"\(client)\" is not a network; write 192.0.2.0/24 or an address", field: "client")
            }
            subnet = DNSMessage.ClientSubnet(address: prefix.address, source: UInt8(prefix.length))
        }
        guard let resolver = IPAddress(request.resolver ?? "192.0.2.1") else {
            throw ExplanationError("\"\(request.resolver ?? "")\" is not an address", field: "resolver")
        }
        if request.client == nil, request.resolver == nil {
            throw ExplanationError(
                "for whom? give the client's network or address, or its resolver's address", field: "client")
        }
        return try explain(name, type, subnet, resolver, sequence: request.sequence)
    }

    private func explain(
        _ name: DomainName, _ type: RecordType, _ subnet: DNSMessage.ClientSubnet?, _ resolver: IPAddress,
        sequence: UInt64
    ) throws(ExplanationError) -> Explanation {
        let query = DNSMessage(id: 0, name: name, type: type, subnet: subnet)
        // The responder counts on before it decides.
        var responder = Responder(counters: WorkerCounters(), sequence: sequence &- 1)
        var output = [UInt8](repeating: 0, count: 65_535)
        let length = unsafe output.withUnsafeMutableBytes { output in
            unsafe responder.respond(
                to: query.wire.span.bytes, from: resolver, port: 53, overTCP: true, snapshot: snapshot, into: output)
        }
        let response: DNSMessage?
        do {
            response = length > 0 ? try DNSMessage(wire: Array(output[..<length])) : nil
        } catch {
            throw ExplanationError("the answer cannot be read: \(error)")
        }
        let usesSubnet = intent.dns.clientSubnet && subnet.map { $0.source > 0 } ?? false
        let client = usesSubnet ? subnet?.address ?? resolver : resolver
        let family: AddressFamily =
            switch type {
            case .a: .v4
            case .aaaa: .v6
            case .https: .both
            default: .any
            }
        // The name that decided, a wildcard perhaps, is the one that the responder noted.
        let noted = responder.counters.latestDecisions(1, in: snapshot.data).first?.name
        let subject = snapshot.steering.plan.names.first { $0.name == noted }?.subject
        let record = subject.map {
            snapshot.steering.explain(
                $0, family: family, client: ClientNetwork(address: client), sequence: sequence,
                isApex: intent.zones.contains { $0.origin == noted })
        }
        let teller = StepTeller(explainer: self)
        let isServed = record != nil || intent.zones.contains { name.isAtOrBelow($0.origin) }
        let refusal = isServed ? nil : "no zone here has this name"
        return Explanation(
            name: name.description, type: type.description,
            client: usesSubnet ? subnet.map { "\($0.address)/\($0.source)" } ?? "" : "\(resolver)",
            generation: snapshot.generation, epoch: snapshot.epoch, sequence: sequence,
            code: response.map { Self.name(ofCode: $0.responseCode) }, refusal: refusal,
            answers: response?.answers.map(Self.text) ?? [], authorities: response?.authorities.map(Self.text) ?? [],
            scope: response?.clientSubnet.map { Int($0.scope) },
            scopeReason: refusal ?? teller.scopeReason(record, usesSubnet),
            ttlReason: refusal ?? teller.ttlReason(record, subject), steps: record?.steps.map(teller.step) ?? [],
            redirection: record?.redirection.map(teller.redirection),
            facts: teller.facts(record))
    }

    private static func text(_ record: ResourceRecord) -> String {
        "\(record.owner) \(record.ttl) IN \(record.type) "
            + RecordText.format(type: record.type, data: record.data)
    }

    private static func name(ofCode code: UInt16) -> String {
        let names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
        return Int(code) < names.count ? names[Int(code)] : "RCODE\(code)"
    }
}

extension NodeView {
    func explainer() async -> Explainer {
        await Explainer(
            intent: intent, snapshot: snapshot.authority, overrides: effective, observations: observations,
            health: findings(), now: MonotonicClock.now)
    }

    @concurrent
    func explain(_ request: ExplanationRequest) async throws(ExplanationError) -> Explanation {
        try await explainer().explain(request)
    }
}

extension Node {
    /// Why the node answers as it does, now.
    package func explain(_ request: ExplanationRequest) async throws(ExplanationError) -> Explanation {
        try await view().explain(request)
    }
}
