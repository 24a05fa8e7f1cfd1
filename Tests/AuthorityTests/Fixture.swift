import Addresses
import DNSWire
import Geography
import Steering
import Testing
import TrafficModel

@testable import Authority

/// A small world: zones with every kind of name, two regions with a wide IP over them, and a responder.
struct Fixture: ~Copyable {
    static let zoneText = """
        $TTL 300
        @ SOA ns1 hostmaster 7 2h 15m 2w 30
        @ NS ns1
        @ NS ns2.example.net.
        @ MX 10 mail
        @ TXT "apex"
        ns1 A 192.0.2.53
        ns1 AAAA 2001:db8::53
        mail A 192.0.2.25
        www A 192.0.2.80
        www A 192.0.2.81
        www AAAA 2001:db8::80
        alias CNAME www
        alias2 CNAME alias
        outside CNAME www.example.net.
        dangling CNAME nothing
        deep CNAME a.b.c
        a.b.c TXT "deep"
        toapi CNAME api
        towild CNAME x.wild
        loop1 CNAME loop2
        loop2 CNAME loop1
        *.wild A 192.0.2.99
        *.wild MX 5 mail
        exact.wild TXT "exact"
        *.cwild CNAME www
        *.xwild CNAME www.example.net.
        sub NS ns.sub
        sub NS ns.other.example.net.
        sub DS 1 13 2 aabb
        ns.sub A 192.0.2.54
        todelegated CNAME host.sub
        insecure NS ns2.example.net.
        srv SRV 1 2 443 www
        caa CAA 0 issue "ca.example.net"
        unknown TYPE65280 \\# 3 010203
        *.ent.deep.tree TXT "x"
        """

    static let childText = """
        $TTL 600
        @ SOA ns1.example.com. hostmaster.example.com. 1 2h 15m 2w 30
        @ NS ns1.example.com.
        host A 192.0.2.200
        """

    static func zone(_ origin: String, _ text: String) -> Zone {
        let name = DomainName(origin)!
        let parsed = ZoneFileParser.parse(Array(text.utf8), file: "z", origin: name, defaultTTL: nil)
        precondition(parsed.diagnostics.isEmpty, "\(parsed.diagnostics)")
        return Zone(origin: name, records: parsed.records)
    }

    static let cookieSeed = SipKey(first: 1, second: 2)
    static let wallTime: UInt32 = 1_700_000_000

    static func intent() -> Intent {
        var intent = Intent()
        intent.dns.answers.serverName = "node-1"
        intent.zones = [
            zone("example.com", zoneText), zone("child.example.com", childText),
            zone("2.0.192.in-addr.arpa", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n80 PTR www.example.com."),
        ]
        intent.regions = [Region(name: "us"), Region(name: "eu")]
        func server(_ name: String, _ address: String, _ region: Int) -> VirtualServer {
            VirtualServer(
                name: name, endpoint: Endpoint(address: IPAddress(address)!, port: 443), region: region)
        }
        intent.virtualServers = [
            server("us1", "34.22.11.90", 0), server("us2", "34.22.11.91", 0), server("eu1", "52.31.19.80", 1),
            server("eu6", "2001:db8:e::1", 1),
        ]
        var us = Pool(name: "us")
        us.virtualServers = [0, 1]
        us.host = DomainName("us.api.example.com")!
        var eu = Pool(name: "eu")
        eu.virtualServers = [2, 3]
        eu.host = DomainName("eu.api.example.com")!
        var direct = Pool(name: "direct")
        direct.virtualServers = [2, 3]
        direct.answer = .addresses
        var external = Pool(name: "external")
        external.answer = .external(DomainName("cdn.example.net")!)
        intent.pools = [us, eu, direct, external]
        var api = WideIP(name: DomainName("api.example.com")!, pools: [0, 1])
        api.aliases = [DomainName("api2.example.com")!]
        api.method = .topology
        api.topology = [
            TopologyRecord(
                sources: [.prefix(IPPrefix("10.1.0.0/16")!), .prefix(IPPrefix("2001:db8:e::/48")!)], candidates: [1]),
            TopologyRecord(sources: [.prefix(IPPrefix("10.0.0.0/8")!)], candidates: [0]),
        ]
        var apex = WideIP(name: DomainName("child.example.com")!, pools: [2])
        apex.method = .globalAvailability
        var wild = WideIP(name: DomainName("*.gw.example.com")!, pools: [0])
        wild.method = .globalAvailability
        var cdn = WideIP(name: DomainName("cdn.example.com")!, pools: [3])
        cdn.ttl = 77
        var closed = WideIP(name: DomainName("closed.example.com")!, pools: [0])
        closed.enabled = false
        intent.wideIPs = [api, apex, wild, cdn, closed]
        return intent
    }

    var intent: Intent
    var snapshot: AuthoritySnapshot
    var responder: Responder
    var buffer = [UInt8](repeating: 0xaa, count: 65_535)

    init(_ intent: Intent = Fixture.intent(), overrides: Overrides = Overrides()) {
        self.intent = intent
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        let steering = SteeringSnapshot(
            plan: plan, intent: intent, overrides: EffectiveOverrides(overrides, in: intent),
            observations: Observations(), epoch: 1)
        let data = AuthorityData(intent: intent, plan: plan, seed: 42, cookieSeed: Self.cookieSeed)
        snapshot = AuthoritySnapshot(data: data, steering: steering)
        responder = Responder(counters: WorkerCounters())
        responder.wallTime = Self.wallTime
    }

    /// The response to raw bytes; empty: none.
    mutating func raw(
        _ query: [UInt8], from source: IPAddress = .v4(0x7f00_0001), port: UInt16 = 4242, tcp: Bool = false,
        capacity: Int? = nil
    ) -> [UInt8] {
        let size = capacity ?? (tcp ? 65_535 : Responder.udpBufferSize)
        for index in 0..<min(size + 64, buffer.count) { buffer[index] = 0xaa }
        let count = unsafe buffer.withUnsafeMutableBytes { output in
            unsafe responder.respond(
                to: query.span.bytes, from: source, port: port, overTCP: tcp, snapshot: snapshot,
                into: UnsafeMutableRawBufferPointer(rebasing: output[0..<size]))
        }
        #expect(count <= size)
        // Nothing is written behind what the responder was given.
        #expect(buffer[size..<min(size + 64, buffer.count)].allSatisfy { $0 == 0xaa })
        return Array(buffer[0..<count])
    }

    mutating func ask(_ query: DNSMessage, from source: String = "127.0.0.1", tcp: Bool = false) throws -> DNSMessage {
        let bytes = raw(query.wire, from: IPAddress(source)!, tcp: tcp)
        let response = try DNSMessage(wire: bytes)
        #expect(response.id == query.id)
        #expect(response.isResponse)
        #expect(!response.recursionAvailable && !response.authenticData && !response.checkingDisabled)
        #expect((response.edns != nil) == (query.edns != nil) || response.questions.isEmpty)
        return response
    }

    mutating func ask(
        _ name: String, _ type: RecordType = .a, subnet: DNSMessage.ClientSubnet? = nil, edns: Bool = true,
        from source: String = "127.0.0.1", tcp: Bool = false
    ) throws -> DNSMessage {
        let query = DNSMessage(
            id: 0x1234, name: DomainName(name)!, type: type, edns: edns ? .init() : nil, subnet: subnet)
        let response = try ask(query, from: source, tcp: tcp)
        #expect(response.questions.map(\.name.wire) == [DomainName(name)!.wire], "the case of letters is kept")
        #expect(response.questions.map(\.type) == [type])
        return response
    }
}

extension DNSMessage {
    /// `owner type data` of each answer.
    var answerText: [String] { answers.map(Self.text) }
    var authorityText: [String] { authorities.map(Self.text) }
    var additionalText: [String] { additionals.map(Self.text) }

    private static func text(_ record: ResourceRecord) -> String {
        "\(record.owner) \(record.ttl) \(record.type) \(RecordText.format(type: record.type, data: record.data))"
    }
}

let negative = ["example.com 30 SOA ns1.example.com. hostmaster.example.com. 7 7200 900 1209600 30"]
