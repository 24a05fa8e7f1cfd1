import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// What name servers of load balancers got wrong in production, by its number in the list of DNS violation entries
/// (DVE): the part about steered names and zone data.
@Suite("Violations of others")
struct ViolationTests {
    /// Every type that resolvers ask for, and one that nobody knows.
    static let types: [RecordType] = [
        .a, .aaaa, .cname, .ns, .soa, .mx, .txt, .srv, .caa, .https, .svcb, .naptr, .tlsa, .ptr, .any,
        RecordType(rawValue: 65_280),
    ]

    @Test("2017-0019: a steered name is the same CNAME for every type, never an error", arguments: types)
    func sameAliasForEveryType(type: RecordType) throws {
        var fixture = Fixture()
        let response = try fixture.ask("api.example.com", type, from: "10.1.2.3")
        #expect(response.responseCode == 0 && response.isAuthoritative)
        #expect(response.answerText == ["api.example.com 30 CNAME eu.api.example.com."])
    }

    @Test("2017-0019: nor is it an error for some types when its pools are down, whatever the policy", arguments: types)
    func sameWhenDown(type: RecordType) throws {
        for (policy, answers) in [
            (AllDownPolicy.open, ["api.example.com 30 CNAME eu.api.example.com."]), (.closed, []),
            (.pool(0), ["api.example.com 30 CNAME us.api.example.com."]),
        ] {
            var intent = Fixture.intent()
            for index in intent.virtualServers.indices { intent.virtualServers[index].enabled = false }
            intent.wideIPs[0].allDown = policy
            var fixture = Fixture(intent)
            let response = try fixture.ask("api.example.com", type, from: "10.1.2.3")
            #expect(response.responseCode == 0 && response.isAuthoritative)
            #expect(response.answerText == answers)
            #expect(response.authorityText == (answers.isEmpty ? negative : []))
            // The pool's own name is there as well, whether it has addresses to give or not.
            #expect(try fixture.ask("eu.api.example.com", type).responseCode == 0)
        }
    }

    @Test("2018-0004, 2017-0017: NODATA, not NXDOMAIN, for what a pool's host does not have", arguments: types)
    func noDataForOtherTypes(type: RecordType) throws {
        guard type != .a, type != .aaaa else { return }
        var fixture = Fixture()
        let response = try fixture.ask("eu.api.example.com", type)
        #expect(response.responseCode == 0)
        #expect(response.answers == [])
        #expect(response.authorityText == negative)
    }

    @Test("2017-0011: no address for another type", arguments: types)
    func noAddressForOtherTypes(type: RecordType) throws {
        var fixture = Fixture()
        for name in ["eu.api.example.com", "us.api.example.com", "www.example.com", "child.example.com"] {
            for record in try fixture.ask(name, type).answers {
                #expect(record.type == type || type == .any)
            }
        }
    }

    @Test("2017-0007, 2017-0014: no type is answered with NOTIMP or left out", arguments: types)
    func everyTypeIsAnswered(type: RecordType) throws {
        var fixture = Fixture()
        for name in ["api.example.com", "eu.api.example.com", "www.example.com", "example.com", "x.wild.example.com"] {
            #expect(try fixture.ask(name, type).responseCode == 0)
        }
        #expect(try fixture.ask("_443._tcp.www.example.com", type).responseCode == 3)
    }

    @Test("2017-0016: no record twice")
    func noDuplicates() throws {
        for content in ResponseContent.allCases {
            var intent = Fixture.intent()
            intent.dns.responses = content
            var fixture = Fixture(intent)
            for name in [
                "www.example.com", "example.com", "ns1.example.com", "x.wild.example.com", "loop1.example.com",
                "sub.example.com", "eu.api.example.com", "alias2.example.com",
            ] {
                for type in Self.types {
                    let response = try fixture.ask(name, type)
                    let all = response.answerText + response.authorityText + response.additionalText
                    #expect(Set(all.map { $0.lowercased() }).count == all.count, "\(name) \(type)")
                }
            }
        }
    }

    @Test(
        "2019-0001: names with only other names below them exist",
        arguments: ["b.c.example.com", "c.example.com", "tree.example.com", "deep.tree.example.com", "gw.example.com"])
    func emptyNonTerminals(name: String) throws {
        var fixture = Fixture()
        for type in Self.types { #expect(try fixture.ask(name, type).responseCode == 0) }
    }

    @Test("2019-0001: so do names between a zone and the one above it")
    func betweenZones() throws {
        var intent = Fixture.intent()
        let text = "$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.3"
        intent.zones.append(Fixture.zone("low.between.example.com", text))
        intent.zones.append(Fixture.zone("low.below.sub.example.com", text))
        intent.zones.append(Fixture.zone("x.y.2.0.192.in-addr.arpa", text))
        var fixture = Fixture(intent)
        #expect(try fixture.ask("between.example.com").responseCode == 0)
        #expect(try fixture.ask("between.example.com").authorityText == negative)
        #expect(try fixture.ask("y.2.0.192.in-addr.arpa").responseCode == 0)
        #expect(try fixture.ask("other.between.example.com").responseCode == 3)
        // What is delegated to others is theirs to say.
        #expect(try fixture.ask("below.sub.example.com").authorities.first?.type == .ns)
        #expect(try fixture.ask("a.low.below.sub.example.com").answers.count == 1)
    }

    @Test("2020-0002: the SOA is there to be asked for, at each zone's origin")
    func authority() throws {
        var fixture = Fixture()
        for origin in ["example.com", "child.example.com", "2.0.192.in-addr.arpa"] {
            let response = try fixture.ask(origin, .soa)
            #expect(response.isAuthoritative && response.answers.map(\.type) == [.soa])
        }
    }

    @Test("2020-0003: name servers inside their own zone have their addresses")
    func inBailiwick() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("ns1.example.com", .a).answerText == ["ns1.example.com 300 A 192.0.2.53"])
        #expect(try fixture.ask("ns1.example.com", .aaaa).answerText == ["ns1.example.com 300 AAAA 2001:db8::53"])
        #expect(try fixture.ask("ns1.example.com", .txt).authorityText == negative)
        #expect(try fixture.ask("ns.sub.example.com").additionalText == ["ns.sub.example.com 300 A 192.0.2.54"])
    }

    @Test("2017-0008: no DS is NODATA with the SOA of the parent, at zones, delegations and steered names")
    func dsWithoutData() throws {
        var fixture = Fixture()
        for name in ["insecure.example.com", "child.example.com", "www.example.com", "eu.api.example.com"] {
            let response = try fixture.ask(name, .ds)
            #expect(response.responseCode == 0 && response.isAuthoritative)
            #expect(response.answers == [] && response.authorityText == negative)
        }
    }
}
