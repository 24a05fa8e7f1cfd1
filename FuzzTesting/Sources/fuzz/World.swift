import Addresses
import DNSWire
import Geography
import Steering
import TrafficModel

@testable import Authority

/// A small world that has every kind of name: static, wildcard, alias, delegated, steered in each way.
enum World {
    static let origin = name("example.com")

    static let zoneText = """
        $TTL 300
        @ SOA ns1 hostmaster 7 2h 15m 2w 30
        @ NS ns1
        @ NS ns2.example.net.
        @ MX 10 mail
        ns1 A 192.0.2.53
        ns1 AAAA 2001:db8::53
        mail A 192.0.2.25
        www A 192.0.2.80
        www A 192.0.2.81
        www AAAA 2001:db8::80
        alias CNAME www
        outside CNAME www.example.net.
        dangling CNAME nothing
        deep CNAME a.b.c
        a.b.c TXT "deep"
        toapi CNAME api
        towild CNAME x.wild
        *.wild A 192.0.2.99
        exact.wild TXT "exact"
        *.cwild CNAME www
        sub NS ns.sub
        sub NS ns.other.example.net.
        sub DS 1 13 2 aabb
        ns.sub A 192.0.2.54
        todelegated CNAME host.sub
        srv SRV 1 2 443 www
        unknown TYPE65280 \\# 3 010203
        old DNAME new
        host.new CNAME www.wild
        *.new MX 5 mail
        away DNAME example.net.
        round DNAME round2
        round2 DNAME round
        longer DNAME \(String(repeating: "0123456789.", count: 15))old
        tosteered DNAME api
        toold CNAME x.old
        torev DNAME 2.0.192.in-addr.arpa.
        big TXT \(String(repeating: "\"\(String(repeating: "x", count: 250))\" ", count: 6))

        """

    static func name(_ text: String) -> DomainName {
        guard let name = DomainName(text) else { fatalError("\(text) is no name") }
        return name
    }

    static func address(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { fatalError("\(text) is no address") }
        return address
    }

    static func prefix(_ text: String) -> IPPrefix {
        guard let prefix = IPPrefix(text) else { fatalError("\(text) is no network") }
        return prefix
    }

    static func zone(_ origin: String, _ text: String) -> Zone {
        let parsed = ZoneFileParser.parse(Array(text.utf8), file: "", origin: name(origin), defaultTTL: nil)
        require(parsed.diagnostics.isEmpty, "the world's zone is right: \(parsed.diagnostics)")
        return Zone(origin: name(origin), records: parsed.records)
    }

    static func intent() -> Intent {
        var intent = Intent()
        intent.dns.answers.serverName = "node-1"
        intent.dns.answers.identifier = Array("node-1".utf8)
        intent.dns.answers.zoneVersion = .epoch
        intent.zones = [
            zone("example.com", zoneText),
            zone("child.example.com", "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nhost A 192.0.2.2\n"),
            zone("2.0.192.in-addr.arpa", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n80 PTR www.example.com."),
        ]
        intent.regions = [Region(name: "us"), Region(name: "eu")]
        intent.virtualServers = [
            ("34.22.11.90", 0), ("34.22.11.91", 0), ("52.31.19.80", 1), ("2001:db8:e::1", 1),
        ].enumerated().map { number, server in
            VirtualServer(
                name: "vs\(number)", endpoint: Endpoint(address: address(server.0), port: 443), region: server.1)
        }
        intent.pools = pools()
        intent.wideIPs = wideIPs()
        return intent
    }

    private static func pools() -> [Pool] {
        func pool(_ name: String, _ servers: [Int], _ answer: Pool.Answer = .cname) -> Pool {
            var pool = Pool(name: name)
            pool.virtualServers = servers
            pool.answer = answer
            if case .cname = answer { pool.host = World.name("\(name).api.example.com") }
            return pool
        }
        return [
            pool("us", [0, 1]), pool("eu", [2, 3]), pool("direct", [0, 2, 3], .addresses),
            pool("external", [], .external(name("cdn.example.net"))),
        ]
    }

    private static func wideIPs() -> [WideIP] {
        func wideIP(_ text: String, _ pools: [Int], _ method: WideIP.Method = .globalAvailability) -> WideIP {
            var result = WideIP(name: name(text), pools: pools)
            result.method = method
            return result
        }
        var api = wideIP("api.example.com", [0, 1], .topology)
        api.aliases = [name("api2.example.com")]
        api.topology = [
            TopologyRecord(
                sources: [.prefix(prefix("10.1.0.0/16")), .prefix(prefix("2001:db8:e::/48"))], candidates: [1]),
            TopologyRecord(sources: [.prefix(prefix("10.0.0.0/8"))], candidates: [0]),
        ]
        var closed = wideIP("closed.example.com", [0])
        closed.enabled = false
        return [
            api, closed, wideIP("child.example.com", [2]), wideIP("*.gw.example.com", [0]),
            wideIP("ratio.example.com", [0, 1, 2], .ratio), wideIP("rr.example.com", [0, 1], .roundRobin),
            wideIP("cdn.example.com", [3]),
        ]
    }

    static func snapshot(_ intent: Intent, overrides: Overrides = Overrides()) -> AuthoritySnapshot {
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return AuthoritySnapshot(
            data: AuthorityData(
                intent: intent, plan: plan, seed: 42, cookieSeed: SipKey(first: 1, second: 2)),
            steering: SteeringSnapshot(
                plan: plan, intent: intent, overrides: EffectiveOverrides(overrides, in: intent),
                observations: Observations(), epoch: 1))
    }
}
