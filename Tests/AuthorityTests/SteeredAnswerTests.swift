import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

@Suite("Steered names")
struct SteeredAnswerTests {
    static func subnet(_ text: String) -> DNSMessage.ClientSubnet {
        let prefix = IPPrefix(text)!
        return .init(address: prefix.address, source: UInt8(prefix.length))
    }

    @Test(
        "a wide IP answers the same CNAME for every type, with the exact scope, and nothing more",
        arguments: [
            RecordType.a, .aaaa, .mx, .txt, .ns, .soa, .cname, .https, .any, .ds, RecordType(rawValue: 52),
            RecordType(rawValue: 65_280),
        ])
    func sameForEveryType(type: RecordType) throws {
        var fixture = Fixture()
        for name in ["api.example.com", "API2.example.com"] {
            let response = try fixture.ask(name, type, subnet: Self.subnet("10.1.2.0/24"))
            #expect(response.responseCode == 0 && response.isAuthoritative)
            #expect(response.answerText == ["\(name) 30 CNAME eu.api.example.com."])
            #expect(response.authorities == [] && response.additionals == [])
            #expect(response.clientSubnet == .init(address: IPAddress("10.1.2.0")!, source: 24, scope: 16))
        }
    }

    @Test(
        "the client's network decides, with the scope of its treatment",
        arguments: [
            ("10.1.2.0/24", "eu", 16), ("10.1.0.0/16", "eu", 16), ("10.1.2.3/32", "eu", 16), ("10.2.0.0/16", "us", 15),
            ("10.128.0.0/24", "us", 9), ("10.0.0.0/8", "us", 16), ("10.0.0.0/12", "us", 16),
            ("2001:db8::/32", "us", 45), ("11.0.0.0/8", "us", 8), ("128.0.0.0/8", "us", 1),
            ("2001:db8:e::/48", "eu", 48),
            ("2001:db8:e:1::/64", "eu", 48), ("8000::/16", "us", 1),
        ])
    func scopes(network: String, pool: String, scope: Int) throws {
        var fixture = Fixture()
        let response = try fixture.ask("api.example.com", .a, subnet: Self.subnet(network))
        #expect(response.alias(of: DomainName("api.example.com")!) == DomainName("\(pool).api.example.com"))
        let prefix = IPPrefix(network)!
        #expect(
            response.clientSubnet
                == .init(address: prefix.address, source: UInt8(prefix.length), scope: UInt8(scope)))
    }

    @Test("without a client subnet the resolver's address decides, and no option is answered")
    func resolver() throws {
        var fixture = Fixture()
        let eu = try fixture.ask("api.example.com", from: "10.1.9.9")
        #expect(eu.answerText == ["api.example.com 30 CNAME eu.api.example.com."])
        #expect(eu.edns?.options == [])
        #expect(
            try fixture.ask("api.example.com", edns: false, from: "10.2.9.9").answerText == [
                "api.example.com 30 CNAME us.api.example.com."
            ])
        #expect(
            try fixture.ask("api.example.com", from: "2001:db8:e::9").answerText == [
                "api.example.com 30 CNAME eu.api.example.com."
            ])
    }

    @Test(
        "SOURCE 0: the resolver's address decides and the scope is 0",
        arguments: [[UInt8]([0, 1, 0, 0]), [0, 2, 0, 0], [0, 0, 0, 0]])
    func anonymous(option: [UInt8]) throws {
        var fixture = Fixture()
        var query = DNSMessage(id: 1, name: DomainName("api.example.com")!, type: .a)
        query.edns?.options = [.init(code: 8, data: option)]
        let response = try fixture.ask(query, from: "10.1.9.9")
        #expect(response.answerText == ["api.example.com 30 CNAME eu.api.example.com."])
        #expect(response.edns?.options == query.edns?.options)
    }

    @Test(
        "a malformed client subnet: FORMERR, without the option",
        arguments: [
            [UInt8]([]), [0], [0, 1, 0], [0, 1, 24, 1, 10, 1, 2], [0, 1, 24, 0, 10, 1], [0, 1, 24, 0, 10, 1, 2, 0],
            [0, 1, 20, 0, 10, 1, 0x1f], [0, 1, 33, 0, 10, 1, 2, 3, 0], [0, 3, 8, 0, 10], [0, 0, 8, 0, 10],
            [0, 1, 0, 0, 0], [0, 2, 8, 0, 0x20, 1], [1, 1, 8, 0, 10],
            [0, 2, 129, 0] + [UInt8](repeating: 1, count: 17),
        ])
    func malformed(option: [UInt8]) throws {
        var fixture = Fixture()
        for name in ["api.example.com", "www.example.com"] {
            var query = DNSMessage(id: 1, name: DomainName(name)!, type: .a)
            query.edns?.options = [.init(code: 8, data: option)]
            let response = try fixture.ask(query)
            #expect(response.responseCode == 1)
            #expect(response.edns?.options == [])
            #expect(response.answers == [])
        }
        var twice = DNSMessage(id: 1, name: DomainName("api.example.com")!, type: .a)
        twice.edns?.options = [.init(code: 8, data: [0, 1, 0, 0]), .init(code: 8, data: [0, 1, 0, 0])]
        #expect(try fixture.ask(twice).responseCode == 1)
    }

    @Test(
        "names that are not steered answer scope 0",
        arguments: [
            "www.example.com", "nope.example.com", "c.example.com", "sub.example.com", "us.api.example.com", "x.org",
            "toapi.example.com",
        ])
    func staticScope(name: String) throws {
        var fixture = Fixture()
        let subnet = Self.subnet("10.1.2.0/24")
        #expect(
            try fixture.ask(name, subnet: subnet).clientSubnet == .init(address: subnet.address, source: 24, scope: 0))
    }

    @Test("so do the types of a steered apex that are not steered, and what a pool's host does not have")
    func staticTypesScope() throws {
        var fixture = Fixture()
        let subnet = Self.subnet("10.1.2.0/24")
        for (name, type) in [
            ("child.example.com", RecordType.soa), ("child.example.com", .ns), ("child.example.com", .mx),
            ("child.example.com", .any), ("child.example.com", .ds), ("us.api.example.com", .aaaa),
            ("us.api.example.com", .mx), ("example.com", .soa), ("example.com", .ns), ("www.example.com", .any),
        ] {
            let response = try fixture.ask(name, type, subnet: subnet)
            #expect(response.clientSubnet == .init(address: subnet.address, source: 24, scope: 0), "\(name) \(type)")
        }
    }

    @Test("addresses instead of an alias have the scope of the network that decided, and so has their absence")
    func addressesScope() throws {
        var intent = Fixture.intent()
        for pool in [0, 1] { intent.pools[pool].answer = .addresses }
        var fixture = Fixture(intent)
        for (network, type, address, scope) in [
            ("10.1.2.0/24", RecordType.a, "52.31.19.80", 16), ("10.1.2.0/24", .aaaa, "2001:db8:e::1", 16),
            ("10.2.0.0/16", .aaaa, nil, 15), ("10.2.0.0/16", .mx, nil, 15),
        ] as [(String, RecordType, String?, UInt8)] {
            let response = try fixture.ask("api.example.com", type, subnet: Self.subnet(network))
            #expect(response.addresses == (address.map { [IPAddress($0)!] } ?? []))
            #expect(response.clientSubnet?.scope == scope)
        }
        // Several in turn are one answer to the network.
        for _ in 0..<4 {
            let response = try fixture.ask("api.example.com", subnet: Self.subnet("10.2.0.0/16"))
            #expect(response.addresses.count == 2 && response.clientSubnet?.scope == 15)
        }
    }

    @Test("clients' subnets may be disbelieved: then the option is unknown")
    func disbelieved() throws {
        var intent = Fixture.intent()
        intent.dns.clientSubnet = false
        var fixture = Fixture(intent)
        let response = try fixture.ask("api.example.com", subnet: Self.subnet("10.1.2.0/24"), from: "10.2.0.1")
        #expect(response.answerText == ["api.example.com 30 CNAME us.api.example.com."])
        #expect(response.edns?.options == [])
        var query = DNSMessage(id: 1, name: DomainName("api.example.com")!, type: .a)
        query.edns?.options = [.init(code: 8, data: [9])]
        #expect(try fixture.ask(query).responseCode == 0)
    }

    @Test("a pool's host name answers its virtual servers of the asked family, each in turn first")
    func poolHost() throws {
        var fixture = Fixture()
        var first: Set<[UInt8]> = []
        for _ in 0..<8 {
            let response = try fixture.ask("us.api.example.com")
            #expect(Set(response.addresses) == [IPAddress("34.22.11.90")!, IPAddress("34.22.11.91")!])
            #expect(response.isAuthoritative && response.lowestTTL == 30)
            first.insert(response.answers[0].data)
        }
        #expect(first.count == 2)
        #expect(try fixture.ask("eu.api.example.com").addresses == [IPAddress("52.31.19.80")!])
        #expect(try fixture.ask("eu.api.example.com", .aaaa).addresses == [IPAddress("2001:db8:e::1")!])
    }

    @Test(
        "what a pool's host name does not have: NODATA, never NXDOMAIN",
        arguments: [RecordType.mx, .txt, .https, .ns, .cname, .any])
    func poolHostNoData(type: RecordType) throws {
        var fixture = Fixture()
        let response = try fixture.ask("us.api.example.com", type)
        #expect(response.responseCode == 0 && response.answers == [] && response.authorityText == negative)
        #expect(try fixture.ask("us.api.example.com", .aaaa).authorityText == negative)
    }

    @Test("a CNAME to names that others serve, with the wide IP's own TTL")
    func external() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("cdn.example.com").answerText == ["cdn.example.com 77 CNAME cdn.example.net."])
    }

    @Test("a wildcard wide IP")
    func wildcard() throws {
        var fixture = Fixture()
        #expect(
            try fixture.ask("a.b.gw.example.com", .txt).answerText == [
                "a.b.gw.example.com 30 CNAME us.api.example.com."
            ])
        #expect(try fixture.ask("gw.example.com").authorityText == negative)
    }

    @Test("addresses at a zone's apex, beside its static records")
    func apex() throws {
        var fixture = Fixture()
        #expect(try fixture.ask("child.example.com").addresses == [IPAddress("52.31.19.80")!])
        #expect(try fixture.ask("child.example.com", .aaaa).addresses == [IPAddress("2001:db8:e::1")!])
        #expect(try fixture.ask("child.example.com", .soa).answers.first?.type == .soa)
        #expect(try fixture.ask("child.example.com", .ns).answers.first?.type == .ns)
        #expect(try fixture.ask("child.example.com", .any).answers.first?.type == .hinfo)
        let missing = try fixture.ask("child.example.com", .mx)
        #expect(missing.responseCode == 0 && missing.authorities.first?.owner == DomainName("child.example.com"))
    }

    @Test("a disabled wide IP is NODATA for all types", arguments: [RecordType.a, .mx, .any])
    func disabled(type: RecordType) throws {
        var fixture = Fixture()
        let response = try fixture.ask("closed.example.com", type)
        #expect(response.responseCode == 0 && response.answers == [] && response.authorityText == negative)
    }

    @Test("all down: open, closed, a pool, a code")
    func allDown() throws {
        var intent = Fixture.intent()
        for index in intent.virtualServers.indices { intent.virtualServers[index].enabled = false }
        for (policy, code, count) in [
            (AllDownPolicy.open, 0, 1), (.closed, 0, 0), (.pool(1), 0, 1), (.rcode(2), 2, 0), (.rcode(5), 5, 0),
        ] {
            intent.wideIPs[0].allDown = policy
            var fixture = Fixture(intent)
            let response = try fixture.ask("api.example.com", subnet: Self.subnet("10.2.0.0/16"))
            #expect(response.responseCode == UInt16(code))
            #expect(response.answers.count == count)
            #expect(response.isAuthoritative == (code == 0))
            // Where nothing depends on the client, neither does the scope.
            #expect(response.clientSubnet?.scope == (policy == .open ? 15 : 0))
            if case .closed = policy { #expect(response.authorityText == negative) }
            if case .pool = policy {
                #expect(response.alias(of: DomainName("api.example.com")!) == DomainName("eu.api.example.com"))
            }
        }
    }

    @Test("draining moves answers away")
    func drain() throws {
        var overrides = Overrides()
        overrides.entries[.region("eu")] = .init(verdict: .drain, reason: "test")
        var fixture = Fixture(overrides: overrides)
        #expect(
            try fixture.ask("api.example.com", subnet: Self.subnet("10.1.0.0/16")).answerText == [
                "api.example.com 30 CNAME us.api.example.com."
            ])
    }

    @Test("steered names outside of zones or below delegations are left out")
    func outOfPlace() throws {
        var intent = Fixture.intent()
        intent.wideIPs[0].name = DomainName("api.example.org")!
        intent.wideIPs[0].aliases = [DomainName("api.sub.example.com")!]
        var fixture = Fixture(intent)
        #expect(try fixture.ask("api.example.org").responseCode == 5)
        #expect(try fixture.ask("api.sub.example.com").authorities.first?.type == .ns)
    }

    @Test("decisions are counted by pool, over reloads, and the latest are listed")
    func counted() throws {
        var fixture = Fixture()
        fixture.responder.time = 5
        _ = try fixture.ask("api.example.com", .txt, subnet: Self.subnet("10.1.2.0/24"))
        fixture.responder.time = 6
        _ = try fixture.ask("us.api.example.com", .a, from: "2001:db8::7")
        _ = try fixture.ask("closed.example.com", .a, from: "10.2.3.4")
        let counters = fixture.responder.counters
        let data = fixture.snapshot.data
        let slots = data.poolSlots.names
        #expect(slots == ["(other)", "us", "eu", "direct", "external"])
        let pairs = data.pairSlots.pairs
        let counted = pairs.indices.filter { counters.value(pairSlot: $0) > 0 }
        #expect(counted.map { "\(pairs[$0].wideIP) \(pairs[$0].pool)" } == ["api.example.com eu"])
        #expect(slots.indices.map { counters.value(poolHostSlot: $0) } == [0, 1, 0, 0, 0])
        #expect(slots.indices.allSatisfy { counters.value(poolSlot: $0) == 0 })
        #expect(counters.value(.wideIPDecisions) == 2 && counters.value(.poolHostDecisions) == 1)
        #expect(counters.value(.clientSubnet) == 1)
        let latest = counters.latestDecisions(10, in: data)
        #expect(
            latest == [
                Decision(
                    time: 6, name: DomainName("closed.example.com")!, type: .a, client: IPAddress("10.2.3.4")!,
                    source: nil, scope: 0, pool: nil, poolName: nil),
                Decision(
                    time: 6, name: DomainName("us.api.example.com")!, type: .a, client: IPAddress("2001:db8::7")!,
                    source: nil, scope: 0, pool: 0, poolName: "us"),
                Decision(
                    time: 5, name: DomainName("api.example.com")!, type: .txt, client: IPAddress("10.1.2.0")!,
                    source: 24, scope: 16, pool: 1, poolName: "eu"),
            ])
        #expect(counters.latestDecisions(1, in: data).count == 1)
        for _ in 0..<100 { _ = try fixture.ask("api.example.com") }
        #expect(counters.latestDecisions(1000, in: data).count == 64)
        // A reload that takes a pool away and adds one leaves the others where they were.
        var next = Fixture.intent()
        next.generation = 2
        next.pools[0].name = "new"
        let other = Fixture(next)
        #expect(counters.latestDecisions(10, in: other.snapshot.data) == [])
        #expect(data.poolSlots.slot(of: "new") == 5 && data.poolSlots.slot(of: "eu") == 2)
    }

    @Test("more pools than places share the first")
    func slotLimit() {
        let slots = PoolSlots()
        for index in 1..<PoolSlots.capacity { #expect(slots.slot(of: "p\(index)") == UInt32(index)) }
        #expect(slots.slot(of: "one more") == 0)
        #expect(slots.names.count == PoolSlots.capacity)
    }
}
