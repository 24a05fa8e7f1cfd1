import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// RFC 1034 section 4.3.2: an alias starts the search again, and step 3b ends it with a referral.
@Suite("Aliases of delegated names")
struct DelegatedAliasTests {
    static func intent(inside: Int = 1) -> Intent {
        let text = """
            $TTL 300
            @ SOA ns1 hostmaster 7 2h 15m 2w 30
            @ NS ns1
            ns1 A 192.0.2.53
            sub NS ns.sub
            sub NS ns1
            sub NS ns.example.net.
            sub DS 1 13 2 aabb
            insecure NS ns.example.net.
            alias CNAME host.sub
            twice CNAME alias
            *.wild CNAME a.b.sub
            cut CNAME sub
            tochild CNAME child
            toinsecure CNAME insecure
            old DNAME sub
            older DNAME old
            moved DNAME new
            x.new CNAME alias
            toold CNAME y.old
            q.new CNAME sub
            cuts DNAME @
            """
        let servers = (1..<max(inside, 1)).map { "\nsub NS ns\($0).sub\nns\($0).sub A 192.0.2.\($0)" }.joined()
        var intent = Intent()
        intent.zones = [
            Fixture.zone("example.com", text + "\nns.sub A 192.0.2.54\nns.sub AAAA 2001:db8::54" + servers),
            Fixture.zone("child.example.com", "$TTL 9\n@ SOA a. b. 1 2 3 4 5\n@ NS a."),
        ]
        intent.zones[0].records.append(
            ResourceRecord(owner: DomainName("child.example.com")!, type: .ds, ttl: 5, data: [0, 1, 13, 2, 9]))
        return intent
    }

    static let servers = [
        "sub.example.com 300 NS ns.sub.example.com.", "sub.example.com 300 NS ns1.example.com.",
        "sub.example.com 300 NS ns.example.net.",
    ]
    static let addresses = [
        "ns.sub.example.com 300 A 192.0.2.54", "ns.sub.example.com 300 AAAA 2001:db8::54",
        "ns1.example.com 300 A 192.0.2.53",
    ]

    @Test(
        "are answered with AA, for the first name is ours, and with where to go on",
        arguments: [
            ("alias", ["alias CNAME host.sub"]),
            ("twice", ["twice CNAME alias", "alias CNAME host.sub"]),
            ("q.wild", ["q.wild CNAME a.b.sub"]),
            ("cut", ["cut CNAME sub"]),
            ("x.old", ["old DNAME sub", "x.old CNAME x.sub"]),
            ("x.older", ["older DNAME old", "x.older CNAME x.old", "old DNAME sub", "x.old CNAME x.sub"]),
            ("x.moved", ["moved DNAME new", "x.moved CNAME x.new", "x.new CNAME alias", "alias CNAME host.sub"]),
            ("toold", ["toold CNAME y.old", "old DNAME sub", "y.old CNAME y.sub"]),
            ("sub.cuts", ["cuts DNAME", "sub.cuts CNAME sub"]),
        ])
    func referred(name: String, records: [String]) throws {
        var intent = Self.intent()
        for (tcp, content) in [(true, ResponseContent.minimal), (false, .minimal), (false, .full)] {
            intent.dns.responses = content
            var fixture = Fixture(intent)
            let response = try fixture.ask("\(name).example.com", tcp: tcp)
            #expect(response.responseCode == 0 && response.isAuthoritative && !response.isTruncated)
            let texts = response.answerText.map {
                $0.replacing(" 300 ", with: " ").replacing(".example.com", with: "").replacing(" example.com", with: "")
                    .replacing(".", with: "")
            }
            #expect(texts == records.map { $0.replacing(".", with: "") })
            #expect(response.authorityText == Self.servers)
            #expect(response.additionalText == Self.addresses)
            #expect(
                fixture.responder.counters.value(.answered) == 1 && fixture.responder.counters.value(.referral) == 0)
            // Who asks for the alias needs nothing else.
            let alone = try fixture.ask("\(name).example.com", .cname, tcp: tcp)
            #expect(alone.authorities == [] && alone.additionals == [])
        }
    }

    @Test(
        "DS at a delegation is ours to say",
        arguments: [
            ("cut", ["sub.example.com 300 DS 1 13 2 aabb"], []),
            ("sub.cuts", ["sub.example.com 300 DS 1 13 2 aabb"], []),
            ("q.moved", ["sub.example.com 300 DS 1 13 2 aabb"], []),
            ("toinsecure", [], negative), ("insecure.cuts", [], negative),
            ("tochild", ["child.example.com 5 DS 1 13 2 09"], []),
            ("child.cuts", ["child.example.com 5 DS 1 13 2 09"], []),
            ("alias", [], servers), ("x.old", [], servers),
        ])
    func delegationSigner(name: String, records: [String], authorities: [String]) throws {
        var fixture = Fixture(Self.intent())
        let response = try fixture.ask("\(name).example.com", .ds)
        #expect(response.responseCode == 0 && response.isAuthoritative)
        #expect(response.answerText.filter { $0.contains(" DS ") } == records)
        #expect(response.answers.contains { $0.type == .cname })
        #expect(response.authorityText == authorities)
    }

    @Test("the referral is extra: at a size that it does not fit into, it is left out whole", arguments: [false, true])
    func sizes(redirected: Bool) throws {
        var fixture = Fixture(Self.intent(inside: 20))
        let name = redirected ? "x.old.example.com" : "alias.example.com"
        let whole = try fixture.ask(name, tcp: true)
        #expect(whole.authorities.count == 22 && whole.additionals.count == 22)
        var counts: Set<Int> = []
        for size in 512...1232 {
            var query = DNSMessage(id: 1, name: DomainName(name)!, type: .a, edns: .init())
            query.edns?.udpSize = UInt16(size)
            let response = try fixture.ask(query)
            #expect(!response.isTruncated && response.answers == whole.answers)
            // Addresses inside the delegation come with its servers, or neither.
            #expect(response.authorities.isEmpty ? response.additionals.isEmpty : response.additionals.count >= 21)
            counts.insert(response.authorities.count)
        }
        #expect(counts == [0, 22])
    }
}
