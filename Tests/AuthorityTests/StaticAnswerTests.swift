import DNSWire
import Testing
import TrafficModel

@testable import Authority

@Suite("Static names")
struct StaticAnswerTests {
    @Test(
        "data at the name",
        arguments: [
            (
                "www.example.com", RecordType.a,
                ["www.example.com 300 A 192.0.2.80", "www.example.com 300 A 192.0.2.81"]
            ),
            ("WwW.eXaMple.COM", .aaaa, ["www.example.com 300 AAAA 2001:db8::80"]),
            ("example.com", .mx, ["example.com 300 MX 10 mail.example.com."]),
            (
                "example.com", .soa,
                ["example.com 300 SOA ns1.example.com. hostmaster.example.com. 7 7200 900 1209600 30"]
            ),
            ("example.com", .ns, ["example.com 300 NS ns1.example.com.", "example.com 300 NS ns2.example.net."]),
            ("srv.example.com", .srv, ["srv.example.com 300 SRV 1 2 443 www.example.com."]),
            ("caa.example.com", .caa, ["caa.example.com 300 CAA 0 issue \"ca.example.net\""]),
            ("unknown.example.com", RecordType(rawValue: 65_280), ["unknown.example.com 300 TYPE65280 \\# 3 010203"]),
            ("80.2.0.192.in-addr.arpa", .ptr, ["80.2.0.192.in-addr.arpa 60 PTR www.example.com."]),
            ("host.child.example.com", .a, ["host.child.example.com 600 A 192.0.2.200"]),
            ("*.wild.example.com", .a, ["*.wild.example.com 300 A 192.0.2.99"]),
            // RFC 4592: the wildcard stands for any depth, but not for names that exist, nor below them.
            ("x.wild.example.com", .a, ["x.wild.example.com 300 A 192.0.2.99"]),
            ("y.x.WILD.example.com", .a, ["y.x.wild.example.com 300 A 192.0.2.99"]),
            ("x.wild.example.com", .mx, ["x.wild.example.com 300 MX 5 mail.example.com."]),
            ("alias.example.com", .cname, ["alias.example.com 300 CNAME www.example.com."]),
            (
                "alias.example.com", .aaaa,
                ["alias.example.com 300 CNAME www.example.com.", "www.example.com 300 AAAA 2001:db8::80"]
            ),
            (
                "alias2.example.com", .aaaa,
                [
                    "alias2.example.com 300 CNAME alias.example.com.", "alias.example.com 300 CNAME www.example.com.",
                    "www.example.com 300 AAAA 2001:db8::80",
                ]
            ),
            ("outside.example.com", .a, ["outside.example.com 300 CNAME www.example.net."]),
            (
                "deep.example.com", .txt,
                ["deep.example.com 300 CNAME a.b.c.example.com.", "a.b.c.example.com 300 TXT \"deep\""]
            ),
            (
                "towild.example.com", .a,
                ["towild.example.com 300 CNAME x.wild.example.com.", "x.wild.example.com 300 A 192.0.2.99"]
            ),
            (
                "q.cwild.example.com", .aaaa,
                ["q.cwild.example.com 300 CNAME www.example.com.", "www.example.com 300 AAAA 2001:db8::80"]
            ),
            ("q.xwild.example.com", .mx, ["q.xwild.example.com 300 CNAME www.example.net."]),
            ("toapi.example.com", .a, ["toapi.example.com 300 CNAME api.example.com."]),
            (
                "loop1.example.com", .a,
                ["loop1.example.com 300 CNAME loop2.example.com.", "loop2.example.com 300 CNAME loop1.example.com."]
            ),
            ("sub.example.com", .ds, ["sub.example.com 300 DS 1 13 2 aabb"]),
        ])
    func data(name: String, type: RecordType, expected: [String]) throws {
        var fixture = Fixture()
        for edns in [true, false] {
            let response = try fixture.ask(name, type, edns: edns)
            #expect(response.responseCode == 0)
            #expect(response.isAuthoritative && !response.isTruncated)
            #expect(response.answerText.map { $0.lowercased() } == expected.map { $0.lowercased() })
            #expect(response.authorities == [] && response.additionals == [])
        }
        #expect(fixture.responder.counters.value(.answered) == 2)
    }

    @Test(
        "no data: NOERROR with the SOA, whose TTL is the lower of its own and its minimum",
        arguments: [
            ("www.example.com", RecordType.txt), ("b.c.example.com", .a), ("c.example.com", .any),
            ("tree.example.com", .a),
            // RFC 4592 section 2.2.2: an empty non-terminal is there, so the wildcard above does not stand for it.
            ("ent.deep.tree.example.com", .txt), ("wild.example.com", .a), ("exact.wild.example.com", .a),
            ("x.wild.example.com", .txt), ("insecure.example.com", .ds), ("example.com", .cname),
            ("child.example.com", .ds),
        ])
    func noData(name: String, type: RecordType) throws {
        var fixture = Fixture()
        let response = try fixture.ask(name, type)
        #expect(response.responseCode == 0 && response.isAuthoritative)
        #expect(response.answers == [])
        #expect(response.authorityText == negative)
        #expect(fixture.responder.counters.value(.noData) == 1)
    }

    @Test(
        "a \"no\" is kept for the lower of the SOA's TTL and its minimum (RFC 2308 section 3)",
        arguments: [(10, 300, UInt32(10)), (300, 10, 10), (10, 10, 10), (0, 10, 0), (10, 0, 0)])
    func negativeTTL(ttl: Int, minimum: Int, expected: UInt32) throws {
        var intent = Intent()
        intent.zones = [
            Fixture.zone("example.com", "@ \(ttl) SOA a. b. 1 2 3 4 \(minimum)\n@ 60 NS a.\nwww 60 A 192.0.2.1")
        ]
        var fixture = Fixture(intent)
        for name in ["www.example.com", "nope.example.com"] {
            #expect(try fixture.ask(name, .txt).authorities.map(\.ttl) == [expected])
        }
        // Asked for, it has its own.
        #expect(try fixture.ask("example.com", .soa).answers.map(\.ttl) == [UInt32(ttl)])
    }

    @Test("an alias to a name without the type: the alias, and the SOA of its target's zone")
    func aliasNoData() throws {
        var fixture = Fixture()
        let response = try fixture.ask("alias.example.com", .txt)
        #expect(response.responseCode == 0)
        #expect(response.answerText == ["alias.example.com 300 CNAME www.example.com."])
        #expect(response.authorityText == negative)
        let wild = try fixture.ask("some.long.name.cwild.example.com", .txt)
        #expect(wild.answerText == ["some.long.name.cwild.example.com 300 CNAME www.example.com."])
        #expect(wild.authorityText == negative)
    }

    @Test(
        "names that do not exist: NXDOMAIN with the SOA",
        arguments: [
            "nope.example.com", "a.b.c.d.e.f.example.com", "x.www.example.com", "nope.exact.wild.example.com",
            "x.api.example.com", "x.a.b.c.example.com", "x.y.api.example.com",
        ])
    func nameError(name: String) throws {
        var fixture = Fixture()
        for type in [RecordType.a, .soa, .any, .ns] {
            let response = try fixture.ask(name, type)
            #expect(response.responseCode == 3 && response.isAuthoritative)
            #expect(response.answers == [])
            #expect(response.authorityText == negative)
        }
        #expect(fixture.responder.counters.value(.nameError) == 4)
    }

    @Test("an alias to a name that does not exist: NXDOMAIN about its end (RFC 6604)")
    func dangling() throws {
        var fixture = Fixture()
        let response = try fixture.ask("dangling.example.com")
        #expect(response.responseCode == 3)
        #expect(response.answerText == ["dangling.example.com 300 CNAME nothing.example.com."])
        #expect(response.authorityText == negative)
    }

    @Test(
        "delegations are referred, without AA, with the addresses that the zone has",
        arguments: ["sub.example.com", "host.sub.example.com", "ns.sub.example.com", "a.b.c.SUB.example.com"])
    func referral(name: String) throws {
        var fixture = Fixture()
        for type in [RecordType.a, .ns, .any, .mx] {
            let response = try fixture.ask(name, type)
            #expect(response.responseCode == 0 && !response.isAuthoritative)
            #expect(response.answers == [])
            #expect(
                response.authorityText.map { $0.lowercased() } == [
                    "sub.example.com 300 ns ns.sub.example.com.", "sub.example.com 300 ns ns.other.example.net.",
                ])
            #expect(response.additionalText.map { $0.lowercased() } == ["ns.sub.example.com 300 a 192.0.2.54"])
        }
        #expect(fixture.responder.counters.value(.referral) == 4)
    }

    @Test("DS below a delegation is asked of its servers")
    func dsBelow() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("x.sub.example.com", .ds).authorities.first?.type == .ns)
    }

    @Test("ANY: one small record, or the alias (RFC 8482)")
    func any() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("www.example.com", .any).answerText == ["www.example.com 3600 HINFO \"RFC8482\" \"\""])
        #expect(
            try fixture.ask("alias.example.com", .any).answerText == ["alias.example.com 300 CNAME www.example.com."])
        #expect(
            try fixture.ask("q.wild.example.com", .any).answerText == ["q.wild.example.com 3600 HINFO \"RFC8482\" \"\""]
        )
    }

    @Test(
        "outside of all zones: REFUSED, no referral, and the reason in EDNS",
        arguments: ["example.org", "com", ".", "xexample.com"])
    func refused(name: String) throws {
        var fixture = Fixture()
        let response = try fixture.ask(name)
        #expect(response.responseCode == 5 && !response.isAuthoritative)
        #expect(response.answers == [] && response.authorities == [] && response.additionals == [])
        #expect(response.extendedError == 20)
        #expect(try fixture.ask(name, edns: false).responseCode == 5)
        #expect(fixture.responder.counters.value(.refused) == 2)
    }

    @Test("zones are not transferred")
    func transfer() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("example.com", .axfr, tcp: true).responseCode == 5)
        var query = DNSMessage(id: 1, name: DomainName("example.com")!, type: .ixfr)
        query.authorities = [Fixture.intent().zones[0].records[0]]
        #expect(try fixture.ask(query).responseCode == 5)
    }

    @Test("two zones, one below the other: each answers its own, DS comes from the parent")
    func childZone() throws {
        var intent = Fixture.intent()
        let parent =
            intent.zones[0].records + [
                ResourceRecord(
                    owner: DomainName("child.example.com")!, type: .ns, ttl: 5,
                    data: DomainName("ns1.example.com")!.wire),
                ResourceRecord(owner: DomainName("child.example.com")!, type: .ds, ttl: 5, data: [0, 1, 13, 2, 9]),
                ResourceRecord(owner: DomainName("host.child.example.com")!, type: .a, ttl: 5, data: [1, 2, 3, 4]),
            ]
        intent.zones[0].records = parent
        var fixture = Fixture(intent)
        #expect(try fixture.ask("child.example.com", .ns).answers.first?.ttl == 600)
        #expect(try fixture.ask("host.child.example.com").answerText == ["host.child.example.com 600 A 192.0.2.200"])
        #expect(try fixture.ask("child.example.com", .ds).answerText == ["child.example.com 5 DS 1 13 2 09"])
        let missing = try fixture.ask("nope.child.example.com")
        #expect(missing.responseCode == 3)
        #expect(missing.authorities.first?.owner == DomainName("child.example.com"))
    }

    @Test("many zones and names at once; names as long as can be; the root zone")
    func shapes() throws {
        var intent = Intent()
        let label = String(repeating: "a", count: 63)
        let longest = "\(label).\(label).\(label).\(String(repeating: "b", count: 49)).example.com"
        intent.zones = [
            Fixture.zone("example.com", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a.\n\(longest). TXT x\n*.w A 192.0.2.1")
        ]
        intent.zones += (0..<300).map {
            Fixture.zone("z\($0).test", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 10.0.0.\($0 % 250)")
        }
        intent.zones.append(Fixture.zone(".", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.7"))
        var fixture = Fixture(intent)
        #expect(try fixture.ask(longest, .txt).answers.count == 1)
        #expect(try fixture.ask(longest, .a).authorities.count == 1)
        let wild = "\(label).\(label).\(label).\(String(repeating: "b", count: 47)).w.example.com"
        #expect(try fixture.ask(wild, .a).answers.count == 1)
        for index in 0..<300 {
            #expect(try fixture.ask("A.z\(index).test").answers.first?.data.last == UInt8(index % 250))
        }
        #expect(try fixture.ask("a", .a).answers.count == 1)
        #expect(try fixture.ask(".", .soa).answers.count == 1)
        #expect(try fixture.ask("no.such", .a).responseCode == 3)
        let manyLabels = Array(repeating: "a", count: 120).joined(separator: ".")
        #expect(try fixture.ask("\(manyLabels).example.com", .a).responseCode == 3)
    }

    @Test("an empty configuration refuses")
    func empty() throws {
        var fixture = Fixture(Intent())
        #expect(try fixture.ask("example.com").responseCode == 5)
    }
}
