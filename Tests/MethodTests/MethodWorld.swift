import Addresses
import DNSWire
import Steering
import Testing
import TrafficModel

@testable import Authority
@testable import ConfigurationLoading
@testable import Geography

/// A configuration as operators write it, served by the code that answers queries: three regions, of which `eu` has two
/// virtual servers, and a spare pool.
///
/// Clients of 10.1.0.0/16 are in Warsaw, of 10.2.0.0/16 in San Jose, of 10.3.0.0/16 in Tokyo; 10.9.0.0/16 is unknown.
struct MethodWorld: ~Copyable {
    static let warsaw = "10.1.0.0/24"
    static let sanJose = "10.2.0.0/24"
    static let tokyo = "10.3.0.0/24"
    static let unknown = "10.9.0.0/24"

    private let intent: Intent
    private let plan: SteeringPlan
    private let data: AuthorityData
    private var observations = Observations()
    private var overrides = Overrides()
    private var snapshot: AuthoritySnapshot
    private var responder = Responder(counters: WorkerCounters())
    private var now: UInt64 = 1_000_000_000_000
    private var output = [UInt8](repeating: 0, count: 4096)

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - wideIP: what stands beside `pools` in the wide IP.
    ///   - pools: of the wide IP.
    ///   - eu: what stands beside the virtual servers in the pool `eu`.
    ///   - region: what stands beside the place in the region `eu`.
    ///   - server: what stands beside the rest in the virtual server `eu-1`.
    init(
        _ wideIP: String, pools: String = "[eu, us, ap]", eu: String = "", region: String = "", server: String = "",
        names: String = ""
    ) throws {
        let zone = wideIP.contains("zone-data") ? ", records: { api: { A: [192.0.2.200] } }" : ""
        let text = """
            dns: { listen: ["127.0.0.1:53"] }
            geography: [{ maxmind: /none.mmdb }]
            regions:
              eu: { host: eu.lb.example.net, location: { latitude: 50, longitude: 8 }\(Self.more(region)) }
              us: { host: us.lb.example.net, location: { latitude: 40, longitude: -100 } }
              ap: { host: ap.lb.example.net, location: { latitude: 35, longitude: 135 } }
            monitors: { web: { tcp: {}, interval: 5s } }
            virtual_servers:
              eu-1: { address: "192.0.2.1:443", region: eu, monitors: [web], capacity: 300, score: 1\(Self.more(server.contains("ratio") ? server : server + (server.isEmpty ? "" : ", ") + "ratio: 3")) }
              eu-2: { address: "192.0.2.2:443", region: eu, monitors: [web], ratio: 1, capacity: 100, score: 2 }
              us-1: { address: "198.51.100.1:443", region: us, monitors: [web], capacity: 200 }
              ap-1: { address: "203.0.113.1:443", region: ap, monitors: [web], capacity: 400 }
              spare-1: { address: "192.0.2.99:443", region: us }
            pools:
              eu: { virtual_servers: [eu-1, eu-2], ratio: 1, score: 5\(Self.more(eu)) }
              us: { virtual_servers: [us-1], ratio: 2, score: 9 }
              ap: { virtual_servers: [ap-1], ratio: 5, score: 1 }
              spare: { virtual_servers: [spare-1], host: spare.lb.example.net }
            wide_ips:
              api.example.com: { pools: \(pools)\(Self.more(wideIP)) }
              \(names)
            zones:
              example.com: { ns: [ns1.example.org], soa: { minimum: 60s }\(zone) }
              example.net: { ns: [ns1.example.org] }
            """
        let result = ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false)
        guard let intent = result.intent else {
            throw Refusal(description: result.diagnostics.map(\.description).joined(separator: "\n"))
        }
        self.intent = intent
        plan = SteeringPlan(intent: intent, geography: Self.geography)
        data = AuthorityData(intent: intent, plan: plan, seed: 1, cookieSeed: SipKey(first: 1, second: 2))
        snapshot = AuthoritySnapshot(
            data: data,
            steering: SteeringSnapshot(
                plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: Observations(), epoch: 1,
                now: now))
        for server in intent.virtualServers { set(server.name, .up) }
    }

    private static func more(_ text: String) -> String { text.isEmpty ? "" : ", " + text }

    private static var geography: GeographyDatabase {
        let places = [
            Place(),
            Place(
                country: "PL", continent: "EU", subdivision: "14", city: "Warsaw",
                coordinates: .init(latitude: 52.2, longitude: 21), asn: 64_501, isp: "Polska Net", network: "office"),
            Place(
                country: "US", continent: "NA", subdivision: "CA", city: "San Jose",
                coordinates: .init(latitude: 37.3, longitude: -121.9), asn: 64_502, isp: "West Net"),
            Place(
                country: "JP", continent: "AS", subdivision: "13", city: "Tokyo",
                coordinates: .init(latitude: 35.7, longitude: 139.7), asn: 64_503, isp: "East Net"),
        ]
        let networks = (1...3).compactMap { number in
            IPPrefix("10.\(number).0.0/16").map { ($0, UInt32(number)) }
        }
        return GeographyDatabase(places: places, ranges: RangeMap(prefixes: networks, default: 0))
    }

    private mutating func compile() {
        let steering = SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(overrides, in: intent),
            observations: observations,
            epoch: snapshot.epoch + 1, now: now, previous: snapshot.steering)
        snapshot = AuthoritySnapshot(data: data, steering: steering)
    }

    // MARK: What happens

    private mutating func set(_ server: String, _ state: HealthState) {
        guard let found = intent.virtualServers.first(where: { $0.name == server }) else { return }
        for monitor in found.monitors {
            observations.health[HealthTarget(endpoint: found.endpoint, monitor: intent.monitors[monitor])] = state
        }
        compile()
    }

    mutating func down(_ servers: String...) { for server in servers { set(server, .down) } }
    mutating func up(_ servers: String...) { for server in servers { set(server, .up) } }

    mutating func measure(_ criterion: Criterion, _ values: [String: Double]) {
        for (server, value) in values {
            observations.measurements.loads[server, default: [:]][criterion] = .init(
                value: value, source: "test", time: now)
        }
        compile()
    }

    mutating func measureLatency(_ network: String, _ milliseconds: [String: Double]) throws {
        for (region, value) in milliseconds {
            observations.measurements.latency[try #require(IPPrefix(network)), default: [:]][region] = .init(
                roundTrip: value / 1000, count: 9, source: "test", time: now)
        }
        observations.measurements.latencyVersion += 1
        compile()
    }

    mutating func override(_ subject: Overrides.Subject, _ verdict: Overrides.Verdict?) {
        overrides.entries[subject] = verdict.map { .init(verdict: $0, reason: "test") }
        compile()
    }

    /// Lets failback rules run over what monitors say at this second.
    mutating func follow(_ tracker: inout FailbackTracker, second: UInt64) {
        _ = tracker.update(
            intent, servers: FailbackTracker.servers(in: intent), health: observations.health,
            now: second * 1_000_000_000)
        observations.conditions = tracker.conditions
        compile()
    }

    // MARK: What is answered

    /// `nil`: nothing is sent.
    mutating func response(
        _ name: String = "api.example.com", _ type: RecordType = .a, from client: String = unknown
    ) throws -> DNSMessage? {
        let prefix = try #require(IPPrefix(client))
        let query = DNSMessage(
            id: 1, name: try #require(DomainName(name)), type: type,
            subnet: .init(address: prefix.address, source: UInt8(prefix.length)))
        let count = unsafe output.withUnsafeMutableBytes { output in
            unsafe responder.respond(
                to: query.wire.span.bytes, from: .v4(0x7f00_0001), port: 4242, overTCP: false, snapshot: snapshot,
                into: output)
        }
        return count > 0 ? try DNSMessage(wire: Array(output[..<count])) : nil
    }

    /// What the answer says, in short: pools by their name, addresses as they are, codes by number.
    mutating func ask(
        _ name: String = "api.example.com", _ type: RecordType = .a, from client: String = unknown
    ) throws -> [String] {
        guard let response = try response(name, type, from: client) else { return ["nothing"] }
        if response.responseCode != 0 { return ["code \(response.responseCode)"] }
        return response.answers.map { record in
            let text = RecordText.format(type: record.type, data: record.data)
            return record.type == .cname ? text.split(separator: ".").first.map(String.init) ?? text : text
        }
    }

    /// The parts of so many queries, or of so many client networks, that each first answer gets.
    mutating func shares(
        _ count: Int = 2000, of name: String = "api.example.com", byClient: Bool = false
    ) throws -> [String: Double] {
        var found: [String: Double] = [:]
        for number in 0..<count {
            let client = byClient ? "10.\(64 + number >> 8).\(number & 255).0/24" : Self.unknown
            found[try ask(name, from: client).first ?? "none", default: 0] += 1 / Double(count)
        }
        return found
    }

    /// Whether shares are these, give or take three in a hundred.
    mutating func expectShares(
        _ wanted: [String: Double], of name: String = "api.example.com", byClient: Bool = false,
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let found = try shares(of: name, byClient: byClient)
        let isNear = found.count == wanted.count && wanted.allSatisfy { abs((found[$0.key] ?? 0) - $0.value) <= 0.03 }
        #expect(isNear, "\(found)", sourceLocation: place)
    }

    mutating func expect(
        _ wanted: [String], _ name: String = "api.example.com", _ type: RecordType = .a, from client: String = unknown,
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let found = try ask(name, type, from: client)
        #expect(found == wanted, sourceLocation: place)
    }

    /// How the wire differs from what an explanation of the same question says, if it does, and what kind of answer the
    /// explanation has.
    mutating func differenceFromExplanation(
        _ name: String, _ type: RecordType, from client: String
    ) throws -> (difference: String?, kind: String) {
        let prefix = try #require(IPPrefix(client))
        let owner = try #require(DomainName(name))
        let subject = try #require(
            plan.names.first { $0.name == owner || $0.name.isPattern && $0.name.compare(owner) == .matches }?.subject)
        let family: AddressFamily =
            switch type {
            case .a: .v4
            case .aaaa: .v6
            case .https: .both
            default: .any
            }
        // At an apex only addresses and HTTPS are steered.
        let isApex = owner == DomainName("example.com")
        let record = snapshot.steering.explain(
            subject, family: family, client: ClientNetwork(address: prefix.address), sequence: responder.sequence &+ 1,
            isApex: isApex)
        let decision = record.decision
        let response = try self.response(name, type, from: client)
        let kind = "\(decision.answer)".prefix { $0 != "(" }
        func differs(_ what: String) -> (String?, String) {
            (
                "\(name) \(type) from \(client): \(decision.answer), but \(what): \(response.map { "\($0.answers)" } ?? "nothing")",
                String(kind)
            )
        }
        guard let response else { return decision.answer == .drop ? (nil, String(kind)) : differs("nothing") }
        if isApex, family == .any { return (nil, String(kind)) }
        guard response.clientSubnet?.scope == decision.scope || decision.answer == .drop else {
            return differs("scope \(response.clientSubnet?.scope ?? 0), not \(decision.scope)")
        }
        func texts(_ range: Range<Int>) -> String {
            range.map { plan.address(ofServer: Int(decision.servers[$0])).description }.joined(separator: ",")
        }
        let data = response.answers.map { RecordText.format(type: $0.type, data: $0.data) }
        switch decision.answer {
        case .alias(let pool):
            let target = plan.target(ofPool: pool)?.description ?? ""
            let wanted = isApex && type == .https ? "0 \(target)." : isApex ? nil : "\(target)."
            guard data.map({ $0.lowercased() }) == [wanted].compactMap(\.self) else { return differs("alias") }
        case .addresses:
            guard data.joined(separator: ",") == texts(0..<decision.serverCount) else { return differs("addresses") }
        case .service:
            let hints4 = texts(0..<decision.serverCount4)
            let hints6 = texts(decision.serverCount4..<decision.serverCount)
            guard let text = data.first else {
                // A pool without https: has no such record.
                return intent.pools[Int(decision.service)].https == nil ? (nil, String(kind)) : differs("no record")
            }
            guard text.contains("ipv4hint=\(hints4)") || hints4.isEmpty,
                text.contains("ipv6hint=\(hints6)") || hints6.isEmpty
            else { return differs("hints") }
        case .noData:
            guard data.isEmpty, response.responseCode == 0 else { return differs("data") }
        case .failure(let code):
            guard response.responseCode == UInt16(code) else { return differs("code \(response.responseCode)") }
        case .zoneData:
            guard data == (type == .a && name == "api.example.com" ? ["192.0.2.200"] : []) else {
                return differs("zone")
            }
        case .drop: return differs("an answer")
        }
        if let ttl = response.lowestTTL, decision.answer != .zoneData, ttl != decision.ttl {
            return differs("TTL \(ttl), not \(decision.ttl)")
        }
        return (nil, String(kind))
    }
}
