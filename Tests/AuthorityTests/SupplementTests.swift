import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// What answers carry beside what was asked for.
@Suite("Authority and additional sections")
struct SupplementTests {
    static func intent(_ content: ResponseContent = .full) -> Intent {
        var intent = Fixture.intent()
        intent.dns.responses = content
        intent.zones[0].records +=
            Fixture.zone(
                "example.com",
                """
                $TTL 300
                svc TYPE64 \\# 3 000100
                svc A 192.0.2.7
                alias-svc TYPE65 \\# 19 0000 03737663 076578616d706c65 03636f6d 00
                mx2 MX 10 x.wild
                mx2 MX 20 api
                mx2 MX 30 alias
                mx2 MX 40 www
                """
            ).records
        return intent
    }

    static let servers = ["example.com 300 NS ns1.example.com.", "example.com 300 NS ns2.example.net."]
    static let serverAddresses = ["ns1.example.com 300 A 192.0.2.53", "ns1.example.com 300 AAAA 2001:db8::53"]
    static let www = [
        "www.example.com 300 A 192.0.2.80", "www.example.com 300 A 192.0.2.81", "www.example.com 300 AAAA 2001:db8::80",
    ]

    @Test(
        "full: the zone's servers, and static addresses of the hosts that are named",
        arguments: [
            ("www.example.com", RecordType.a, servers, serverAddresses),
            ("example.com", .ns, [], serverAddresses),
            ("example.com", .mx, servers, ["mail.example.com 300 A 192.0.2.25"] + serverAddresses),
            ("srv.example.com", .srv, servers, www + serverAddresses),
            // Nothing twice: what is in the answer is not added.
            ("ns1.example.com", .a, servers, [serverAddresses[1]]),
            ("ns1.example.com", .aaaa, servers, [serverAddresses[0]]),
            // A wildcard stands for a host; steered names and aliases have no addresses to give.
            ("mx2.example.com", .mx, servers, ["x.wild.example.com 300 A 192.0.2.99"] + www + serverAddresses),
            ("x.wild.example.com", .mx, servers, ["mail.example.com 300 A 192.0.2.25"] + serverAddresses),
            // RFC 9460 section 2.5.2: `.` is the owner.
            ("svc.example.com", .svcb, servers, ["svc.example.com 300 A 192.0.2.7"] + serverAddresses),
            ("alias-svc.example.com", .https, servers, ["svc.example.com 300 A 192.0.2.7"] + serverAddresses),
            // At the end of a chain.
            ("alias.example.com", .aaaa, servers, serverAddresses),
            // Negative answers, aliases and referrals are as they were.
            ("nope.example.com", .a, negative, []), ("www.example.com", .txt, negative, []),
            ("outside.example.com", .a, [], []),
            // Steered names have no more either: the one scope of the message is theirs.
            ("api.example.com", .a, [], []), ("api.example.com", .mx, [], []), ("eu.api.example.com", .aaaa, [], []),
            ("toapi.example.com", .a, [], []), ("child.example.com", .a, [], []),
        ])
    func full(name: String, type: RecordType, authorities: [String], additionals: [String]) throws {
        var fixture = Fixture(Self.intent())
        let response = try fixture.ask(name, type)
        #expect(response.authorityText == authorities)
        #expect(response.additionalText == additionals)
        var minimal = Fixture(Self.intent(.minimal))
        let short = try minimal.ask(name, type)
        #expect(short.answers == response.answers)
        #expect(short.additionals == [])
        #expect(short.authorities == (response.answers.isEmpty ? response.authorities : []))
    }

    @Test("redirected names get them too")
    func redirected() throws {
        var intent = RedirectionTests.intent()
        intent.dns.responses = .full
        var fixture = Fixture(intent)
        let response = try fixture.ask("mail.old.example.com", .mx)
        #expect(response.answers.count == 3)
        #expect(response.authorityText == ["example.com 300 NS ns1.example.com."])
        #expect(response.additionalText == ["ns1.example.com 300 A 192.0.2.53"])
    }

    /// The records of `text` in each section, at every size.
    private func sections(_ fixture: inout Fixture, _ name: String, _ type: RecordType) throws -> [DNSMessage] {
        try (512...1232).map { size in
            var query = DNSMessage(id: 1, name: DomainName(name)!, type: type, edns: .init())
            query.edns?.udpSize = UInt16(size)
            return try fixture.ask(query)
        }
    }

    @Test("what is not required is left out set by set, and never a reason to truncate (RFC 2181 section 9)")
    func leftOut() throws {
        var intent = Self.intent()
        let owner = DomainName("many.example.com")!
        for index in 0..<20 {
            let host = DomainName("host\(index).example.com")!
            intent.zones[0].records.append(
                ResourceRecord(owner: owner, type: .mx, ttl: 5, data: [0, UInt8(index)] + host.wire))
            for address in 0..<3 {
                intent.zones[0].records.append(
                    ResourceRecord(owner: host, type: .a, ttl: 5, data: [10, 0, UInt8(index), UInt8(address)]))
            }
        }
        var fixture = Fixture(intent)
        var counts: Set<Int> = []
        for response in try sections(&fixture, "many.example.com", .mx) {
            #expect(!response.isTruncated && response.answers.count == 20)
            #expect(response.authorities.count == 2 || (response.authorities.isEmpty && response.additionals.isEmpty))
            // The sets of the hosts have three records each; those of the server, behind them, one.
            let hosts = response.additionals.filter { $0.ttl == 5 }
            #expect(hosts.count % 3 == 0)
            #expect(response.additionals.count == hosts.count || hosts.count == 60)
            counts.insert(response.additionals.count)
        }
        #expect(counts.count > 5)
        let whole = try fixture.ask("many.example.com", .mx, tcp: true)
        #expect(whole.additionals.count == 62)
    }

    @Test("additional data has an end, and so have the places to cut at")
    func limits() throws {
        var intent = Self.intent()
        let owner = DomainName("many.example.com")!
        for index in 0..<400 {
            let host = DomainName("h\(index).example.com")!
            intent.zones[0].records.append(
                ResourceRecord(
                    owner: owner, type: .mx, ttl: 5, data: [UInt8(index >> 8), UInt8(index & 255)] + host.wire))
            intent.zones[0].records.append(
                ResourceRecord(owner: host, type: .a, ttl: 5, data: [10, 0, UInt8(index >> 8), UInt8(index & 255)]))
        }
        var fixture = Fixture(intent)
        let response = try fixture.ask("many.example.com", .mx, tcp: true)
        #expect(response.answers.count == 400 && !response.isTruncated)
        #expect(response.additionals.count < 400)
    }

    /// `sub` with servers inside it and beside it.
    static func delegation(inside: Int, beside: Int) -> Intent {
        var text = "$TTL 300\n@ SOA ns1 hostmaster 7 2h 15m 2w 30\n@ NS ns1\nns1 A 192.0.2.53\n"
        for index in 0..<inside { text += "sub NS in\(index).sub\nin\(index).sub AAAA 2001:db8::\(index)\n" }
        for index in 0..<beside { text += "sub NS out\(index).beside\nout\(index).beside AAAA 2001:db8:1::\(index)\n" }
        text += "beside NS out0.beside\n"
        var intent = Intent()
        intent.zones = [Fixture.zone("example.com", text)]
        return intent
    }

    @Test("addresses of servers inside the delegation are required, those beside it are not (RFC 9471)")
    func glue() throws {
        var required = Fixture(Self.delegation(inside: 8, beside: 0))
        for response in try sections(&required, "www.sub.example.com", .a) {
            #expect(response.isTruncated == response.additionals.isEmpty)
            #expect(response.isTruncated || response.additionals.count == 8)
        }
        var mixed = Fixture(Self.delegation(inside: 3, beside: 10))
        var counts: Set<Int> = []
        for response in try sections(&mixed, "www.sub.example.com", .a) {
            #expect(!response.isTruncated && !response.isAuthoritative)
            #expect(response.authorities.count == 13)
            #expect(response.additionals.prefix(3).allSatisfy { $0.owner.description.hasSuffix("sub.example.com") })
            counts.insert(response.additionals.count)
        }
        #expect(counts.min() ?? 0 >= 3 && counts.max() == 13 && counts.count > 3)
        #expect(mixed.responder.counters.value(.truncated) == 0)
    }
}
