import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// DNAME: RFC 6672.
@Suite("Redirected names")
struct RedirectionTests {
    static let zoneText = """
        $TTL 300
        @ SOA ns1 hostmaster 7 2h 15m 2w 30
        @ NS ns1
        ns1 A 192.0.2.53
        old 60 DNAME new
        old A 192.0.2.1
        new TXT "the top"
        www.new A 192.0.2.80
        www.new A 192.0.2.81
        mail.new MX 10 mail.new
        alias.new CNAME www.new
        *.wild.new A 192.0.2.99
        a.ent.new A 192.0.2.70
        sub.new NS ns.sub.new
        ns.sub.new A 192.0.2.71
        chain 50 DNAME old
        away DNAME elsewhere.example.net.
        cross DNAME other.test.
        loop DNAME x.loop2
        loop2 DNAME x.loop
        self DNAME self
        tosteered DNAME lb
        intochain CNAME www.chain
        toolong CNAME \(longPrefix).expand
        expand DNAME \(longTarget)
        viawild CNAME any.old
        *.into CNAME mail.old
        """
    /// 3 × 64 bytes.
    static let longPrefix = Array(repeating: String(repeating: "p", count: 63), count: 3).joined(separator: ".")
    static let longTarget = String(repeating: "t", count: 50)

    static func intent() -> Intent {
        var intent = Intent()
        intent.zones = [
            Fixture.zone("example.com", zoneText),
            Fixture.zone("other.test", "$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.200\n@ TXT other"),
            Fixture.zone(
                "apex.test", "$TTL 9\n@ SOA a.other.test. b 1 2 3 4 5\n@ NS a.other.test.\n@ DNAME other.test."),
        ]
        var pool = Pool(name: "external")
        pool.answer = .external(DomainName("cdn.example.net")!)
        intent.pools = [pool]
        intent.wideIPs = [WideIP(name: DomainName("www.lb.example.com")!, pools: [0])]
        return intent
    }

    static let soa = "example.com 30 SOA ns1.example.com. hostmaster.example.com. 7 7200 900 1209600 30"

    @Test(
        "the DNAME, a CNAME with its TTL, and what is at the CNAME's target",
        arguments: [
            (
                "WWW.old.example.com", RecordType.a, 0,
                [
                    "old.example.com 60 DNAME new.example.com.", "WWW.old.example.com 60 CNAME WWW.new.example.com.",
                    "WWW.new.example.com 300 A 192.0.2.80", "WWW.new.example.com 300 A 192.0.2.81",
                ], []
            ),
            (
                "mail.old.example.com", .mx, 0,
                [
                    "old.example.com 60 DNAME new.example.com.", "mail.old.example.com 60 CNAME mail.new.example.com.",
                    "mail.new.example.com 300 MX 10 mail.new.example.com.",
                ], []
            ),
            (
                "alias.old.example.com", .a, 0,
                [
                    "old.example.com 60 DNAME new.example.com.",
                    "alias.old.example.com 60 CNAME alias.new.example.com.",
                    "alias.new.example.com 300 CNAME www.new.example.com.",
                    "www.new.example.com 300 A 192.0.2.80", "www.new.example.com 300 A 192.0.2.81",
                ], []
            ),
            (
                "q.wild.old.example.com", .a, 0,
                [
                    "old.example.com 60 DNAME new.example.com.",
                    "q.wild.old.example.com 60 CNAME q.wild.new.example.com.",
                    "q.wild.new.example.com 300 A 192.0.2.99",
                ], []
            ),
            // RFC 6672 section 2.4: the owner itself is not redirected.
            ("old.example.com", .a, 0, ["old.example.com 300 A 192.0.2.1"], []),
            ("old.example.com", .dname, 0, ["old.example.com 60 DNAME new.example.com."], []),
            ("old.example.com", .txt, 0, [], [soa]),
            (
                "ent.old.example.com", .a, 0,
                [
                    "old.example.com 60 DNAME new.example.com.", "ent.old.example.com 60 CNAME ent.new.example.com.",
                ], [soa]
            ),
            (
                "nope.old.example.com", .a, 3,
                [
                    "old.example.com 60 DNAME new.example.com.", "nope.old.example.com 60 CNAME nope.new.example.com.",
                ], [soa]
            ),
            (
                "www.chain.example.com", .a, 0,
                [
                    "chain.example.com 50 DNAME old.example.com.",
                    "www.chain.example.com 50 CNAME www.old.example.com.",
                    "old.example.com 60 DNAME new.example.com.", "www.old.example.com 60 CNAME www.new.example.com.",
                    "www.new.example.com 300 A 192.0.2.80", "www.new.example.com 300 A 192.0.2.81",
                ], []
            ),
            (
                "x.away.example.com", .a, 0,
                [
                    "away.example.com 300 DNAME elsewhere.example.net.",
                    "x.away.example.com 300 CNAME x.elsewhere.example.net.",
                ], []
            ),
            (
                "a.cross.example.com", .a, 0,
                [
                    "cross.example.com 300 DNAME other.test.", "a.cross.example.com 300 CNAME a.other.test.",
                    "a.other.test 9 A 192.0.2.200",
                ], []
            ),
            (
                "b.cross.example.com", .a, 3,
                ["cross.example.com 300 DNAME other.test.", "b.cross.example.com 300 CNAME b.other.test."],
                ["other.test 5 SOA a.other.test. b.other.test. 1 2 3 4 5"]
            ),
            ("apex.test", .ns, 0, ["apex.test 9 NS a.other.test."], []),
            (
                "a.apex.test", .a, 0,
                ["apex.test 9 DNAME other.test.", "a.apex.test 9 CNAME a.other.test.", "a.other.test 9 A 192.0.2.200"],
                []
            ),
            // A steered name answers for itself.
            (
                "www.tosteered.example.com", .a, 0,
                [
                    "tosteered.example.com 300 DNAME lb.example.com.",
                    "www.tosteered.example.com 300 CNAME www.lb.example.com.",
                ], []
            ),
            // Who asks for the alias gets it alone (RFC 1034 section 4.3.2 step 3a).
            (
                "www.old.example.com", .cname, 0,
                ["old.example.com 60 DNAME new.example.com.", "www.old.example.com 60 CNAME www.new.example.com."], []
            ),
            (
                "www.old.example.com", .any, 0,
                ["old.example.com 60 DNAME new.example.com.", "www.old.example.com 60 CNAME www.new.example.com."], []
            ),
            // CNAMEs lead below DNAMEs.
            (
                "intochain.example.com", .a, 0,
                [
                    "intochain.example.com 300 CNAME www.chain.example.com.",
                    "chain.example.com 50 DNAME old.example.com.",
                    "www.chain.example.com 50 CNAME www.old.example.com.",
                    "old.example.com 60 DNAME new.example.com.", "www.old.example.com 60 CNAME www.new.example.com.",
                    "www.new.example.com 300 A 192.0.2.80", "www.new.example.com 300 A 192.0.2.81",
                ], []
            ),
            (
                "viawild.example.com", .a, 3,
                [
                    "viawild.example.com 300 CNAME any.old.example.com.", "old.example.com 60 DNAME new.example.com.",
                    "any.old.example.com 60 CNAME any.new.example.com.",
                ], [soa]
            ),
            (
                "q.into.example.com", .mx, 0,
                [
                    "q.into.example.com 300 CNAME mail.old.example.com.", "old.example.com 60 DNAME new.example.com.",
                    "mail.old.example.com 60 CNAME mail.new.example.com.",
                    "mail.new.example.com 300 MX 10 mail.new.example.com.",
                ], []
            ),
        ])
    func redirected(name: String, type: RecordType, code: UInt8, answers: [String], authorities: [String]) throws {
        var fixture = Fixture(Self.intent())
        for edns in [true, false] {
            for tcp in [true, false] {
                let response = try fixture.ask(name, type, edns: edns, tcp: tcp)
                #expect(response.responseCode == code)
                #expect(response.isAuthoritative && !response.isTruncated)
                #expect(response.answerText == answers)
                #expect(response.authorityText.map { $0.lowercased() } == authorities.map { $0.lowercased() })
                #expect(response.additionals == [])
            }
        }
    }

    @Test("a target that is too long: YXDOMAIN with the DNAME; 255 bytes are not")
    func tooLong() throws {
        var fixture = Fixture(Self.intent())
        // The zone's name has 13 bytes, the target 51 more; three labels of 63 make 192: 256.
        let response = try fixture.ask("\(Self.longPrefix).expand.example.com")
        #expect(response.responseCode == 6 && response.isAuthoritative)
        #expect(response.answerText == ["expand.example.com 300 DNAME \(Self.longTarget).example.com."])
        let fits = try fixture.ask("\(Self.longPrefix.dropLast()).expand.example.com")
        #expect(fits.responseCode == 3 && fits.answers.count == 2)
        #expect(fits.answers[1].data.count == 255)
        let viaAlias = try fixture.ask("toolong.example.com")
        #expect(viaAlias.responseCode == 6)
        #expect(viaAlias.answers.map(\.type) == [.cname, .dname])
        #expect(fixture.responder.counters.value(.failure) == 2)
    }

    @Test("loops end: before a DNAME that is there already, or when the name gets too long")
    func loops() throws {
        var fixture = Fixture(Self.intent())
        let response = try fixture.ask("a.loop.example.com", tcp: true)
        #expect(response.responseCode == 0)
        #expect(
            response.answerText == [
                "loop.example.com 300 DNAME x.loop2.example.com.",
                "a.loop.example.com 300 CNAME a.x.loop2.example.com.",
                "loop2.example.com 300 DNAME x.loop.example.com.",
                "a.x.loop2.example.com 300 CNAME a.x.x.loop.example.com.",
            ])
        let same = try fixture.ask("a.self.example.com", tcp: true)
        #expect(same.answers.map(\.type) == [.dname, .cname])
        let label = String(repeating: "y", count: 63)
        let growing = try fixture.ask(
            "\(label).\(label).\(label).\(String(repeating: "y", count: 41)).loop.example.com")
        #expect(growing.responseCode == 6 && growing.answers.map(\.type) == [.dname, .cname, .dname])
    }

    @Test(
        "a DNAME stands in an answer once, whatever leads back to it",
        arguments: [
            // Through an alias that leads below it again: the alias goes alone.
            (
                "back.one.example.com", RecordType.a,
                [
                    "one.example.com 9 DNAME two.example.com.", "back.one.example.com 9 CNAME back.two.example.com.",
                    "back.two.example.com 9 CNAME other.one.example.com.",
                ]
            ),
            // To its own owner.
            (
                "up.up.example.com", .dname,
                ["up.example.com 9 DNAME example.com.", "up.up.example.com 9 CNAME up.example.com."]
            ),
            (
                "toup.example.com", .dname,
                [
                    "toup.example.com 9 CNAME up.up.example.com.", "up.example.com 9 DNAME example.com.",
                    "up.up.example.com 9 CNAME up.example.com.",
                ]
            ),
            // To another one, which was asked for.
            (
                "one.up.example.com", .dname,
                [
                    "up.example.com 9 DNAME example.com.", "one.up.example.com 9 CNAME one.example.com.",
                    "one.example.com 9 DNAME two.example.com.",
                ]
            ),
            // To a wildcard's, which is data like any other.
            (
                "x.stars.up.example.com", .dname,
                [
                    "up.example.com 9 DNAME example.com.", "x.stars.up.example.com 9 CNAME x.stars.example.com.",
                    "x.stars.example.com 9 DNAME two.example.com.",
                ]
            ),
        ])
    func once(name: String, type: RecordType, answers: [String]) throws {
        var intent = Intent()
        let text = """
            $TTL 9
            @ SOA a b 1 2 3 4 5
            @ NS a.
            one DNAME two
            back.two CNAME other.one
            other.two A 192.0.2.1
            up DNAME @
            toup CNAME up.up
            *.stars DNAME two
            """
        intent.zones = [Fixture.zone("example.com", text)]
        var fixture = Fixture(intent)
        let response = try fixture.ask(name, type)
        #expect(response.responseCode == 0 && response.answerText == answers)
        #expect(response.authorities == [])
    }

    @Test("every size: whole or truncated, never in between, and the pointers are right at each")
    func sizes() throws {
        var fixture = Fixture(Self.intent())
        for name in ["www.chain.example.com", "nope.chain.example.com", "q.wild.chain.example.com"] {
            let whole = try fixture.ask(name, tcp: true)
            #expect(!whole.isTruncated && whole.answers.count >= 4)
            for size in 512...600 {
                var query = DNSMessage(id: 1, name: DomainName(name)!, type: .a, edns: .init())
                query.edns?.udpSize = UInt16(size)
                let response = try fixture.ask(query)
                #expect(response.isTruncated || response.answers == whole.answers)
                #expect(!response.isTruncated || response.answers == [])
            }
        }
    }

    @Test("long chains over UDP are truncated")
    func truncated() throws {
        var text = "$TTL 5\n@ SOA a b 1 2 3 4 5\n@ NS a.\n"
        for index in 0..<7 {
            text +=
                "\(String(repeating: "l", count: 50))\(index) DNAME \(String(repeating: "l", count: 50))\(index + 1)\n"
        }
        text += "w.\(String(repeating: "l", count: 50))7 A 192.0.2.1\n"
        var intent = Intent()
        intent.zones = [Fixture.zone("example.com", text)]
        var fixture = Fixture(intent)
        let name = "w.\(String(repeating: "l", count: 50))0.example.com"
        let whole = try fixture.ask(name, tcp: true)
        #expect(whole.answers.count == 15 && whole.answers.last?.data == [192, 0, 2, 1])
        let short = try fixture.ask(name, edns: false)
        #expect(short.isTruncated && short.answers == [] && short.isAuthoritative)
        #expect(fixture.responder.counters.value(.truncated) == 1)
    }

    @Test("names that are redirected exist for nobody else: data below, steered names below")
    func hidden() throws {
        var intent = Self.intent()
        intent.zones[0].records.append(
            ResourceRecord(owner: DomainName("www.old.example.com")!, type: .txt, ttl: 5, data: [1, 0x78]))
        intent.wideIPs.append(WideIP(name: DomainName("lb.old.example.com")!, pools: [0]))
        var fixture = Fixture(intent)
        #expect(try fixture.ask("www.old.example.com", .txt).answers.map(\.type) == [.dname, .cname])
        #expect(try fixture.ask("lb.old.example.com").answers.map(\.type) == [.dname, .cname])
        // A zone of its own below a DNAME is asked first.
        intent.zones.append(Fixture.zone("child.old.example.com", "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.3"))
        var other = Fixture(intent)
        #expect(try other.ask("a.child.old.example.com").answers.map(\.data) == [[192, 0, 2, 3]])
        #expect(try other.ask("b.old.example.com").answers.map(\.type) == [.dname, .cname])
    }
}
