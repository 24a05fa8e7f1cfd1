import Addresses
import DNSWire
import TestSupport
import Testing
import TrafficModel

@testable import Authority

@Suite("Headers, EDNS and limits")
struct EnvelopeTests {
    static let query = DNSMessage(id: 0xbeef, name: DomainName("www.example.com")!, type: .a, edns: nil).wire

    @Test("less than a header, responses, and port 0 get no answer")
    func drops() {
        var fixture = Fixture()
        for length in 0..<12 { #expect(fixture.raw(Array(Self.query[..<length])) == []) }
        var response = Self.query
        response[2] |= 0x80
        #expect(fixture.raw(response) == [])
        #expect(fixture.raw(Self.query, port: 0) == [])
        #expect(fixture.responder.counters.value(.dropped) == 14)
        #expect(fixture.raw(Self.query) != [])
        // Over TCP a port says nothing: a proxy may not know its client's.
        #expect(fixture.raw(Self.query, port: 0, tcp: true) != [])
    }

    @Test("a question cut anywhere: FORMERR, header only")
    func truncatedQuestion() throws {
        var fixture = Fixture()
        for length in 12..<Self.query.count {
            let response = fixture.raw(Array(Self.query[..<length]))
            #expect(response == [0xbe, 0xef, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        #expect(fixture.responder.counters.value(.formatError) == UInt64(Self.query.count - 12))
    }

    @Test("bytes behind the question, wrong counts, compression in the question: FORMERR")
    func malformed() throws {
        var fixture = Fixture()
        #expect(try DNSMessage(wire: fixture.raw(Self.query + [0])).responseCode == 1)
        for (offset, value) in [(4, 0), (5, 0), (5, 2), (7, 1), (9, 1), (11, 1)] {
            var query = Self.query
            query[offset] = offset == 4 ? 1 : UInt8(value)
            #expect(try DNSMessage(wire: fixture.raw(query)).responseCode == 1, "count at \(offset)")
        }
        for length in [UInt8(0xc0), 0x80, 0x40, 64] {
            var query = Self.query
            query[12] = length
            #expect(try DNSMessage(wire: fixture.raw(query)).responseCode == 1)
        }
    }

    @Test("a name of 255 bytes is one, of 256 is not")
    func longName() throws {
        var fixture = Fixture()
        func query(_ last: Int) -> [UInt8] {
            var name: [UInt8] = []
            for length in [63, 63, 63, last] { name += [UInt8(length)] + [UInt8](repeating: 0x61, count: length) }
            return Array(Self.query[..<12]) + name + [0, 0, 1, 0, 1]
        }
        #expect(try DNSMessage(wire: fixture.raw(query(61))).responseCode == 5)
        #expect(try DNSMessage(wire: fixture.raw(query(62))).responseCode == 1)
    }

    @Test("RD is copied, no other flag", arguments: [0x0100, 0x0080, 0x0040, 0x0020, 0x0010, 0x0400, 0x0200, 0x000f])
    func flags(bit: Int) throws {
        var fixture = Fixture()
        var query = Self.query
        query[2] |= UInt8(bit >> 8)
        query[3] |= UInt8(bit & 255)
        let response = fixture.raw(query)
        #expect(UInt16(response[2]) << 8 | UInt16(response[3]) == 0x8400 | UInt16(bit) & 0x0100)
    }

    @Test("operations other than QUERY: NOTIMP, header only, no flags", arguments: 1...15)
    func opcodes(opcode: UInt8) {
        var fixture = Fixture()
        var query = Self.query
        query[2] = opcode << 3 | 0x07
        query[3] = 0xff
        #expect(fixture.raw(query) == [0xbe, 0xef, 0x80 | opcode << 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(fixture.responder.counters.value(.notImplemented) == 1)
    }

    @Test("EDNS: version 0 whatever else is set; our size; DO as it came")
    func edns() throws {
        var fixture = Fixture()
        var query = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a)
        for dnssecOK in [false, true] {
            query.edns?.dnssecOK = dnssecOK
            query.edns?.options = [.init(code: 65_001, data: [1, 2, 3]), .init(code: 3, data: [])]
            let response = try fixture.ask(query)
            #expect(response.responseCode == 0)
            #expect(response.edns?.dnssecOK == dnssecOK)
            #expect(response.edns?.udpSize == 1232)
            #expect(response.edns?.options == [], "unknown options are not echoed")
        }
        // The bits of Z beside DO are ignored, and not said again.
        query.edns?.options = []
        var wire = query.wire
        wire[wire.count - 4] |= 0x7f
        wire[wire.count - 3] = 0xff
        let response = fixture.raw(wire)
        #expect(try DNSMessage(wire: response).responseCode == 0)
        #expect(Array(response.suffix(11)) == [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0])
    }

    @Test("EDNS versions to come: BADVERS with the question, and no data", arguments: [UInt8(1), 100, 255])
    func version(number: UInt8) throws {
        var fixture = Fixture()
        var query = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a)
        query.edns?.version = number
        query.edns?.options = [.init(code: 8, data: [9])]
        let response = try fixture.ask(query)
        #expect(response.responseCode == 16)
        #expect(response.edns?.version == 0)
        #expect(response.questions == query.questions)
        #expect(response.answers == [])
        #expect(fixture.responder.counters.value(.badVersion) == 1)
    }

    @Test("two OPT records, or one with an owner: FORMERR")
    func badOPT() throws {
        var fixture = Fixture()
        let plain = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a).wire
        let opt = plain.suffix(11)
        var two = plain + opt
        two[11] = 2
        #expect(try DNSMessage(wire: fixture.raw(two)).responseCode == 1)
        var owned = Array(plain.dropLast(11)) + [1, 0x61] + opt
        #expect(try DNSMessage(wire: fixture.raw(owned)).responseCode == 1)
        owned = Array(plain.dropLast(11)) + [0xc0, 12] + opt.dropFirst()
        #expect(try DNSMessage(wire: fixture.raw(owned)).responseCode == 1)
        // Options that run over the end of OPT.
        var over = plain
        over[over.count - 1] = 5
        #expect(try DNSMessage(wire: fixture.raw(over + [0, 3, 0, 2, 0])).responseCode == 1)
        over[over.count - 1] = 3
        #expect(try DNSMessage(wire: fixture.raw(over + [0, 3, 0])).responseCode == 1)
    }

    @Test("other records in the additional section do no harm")
    func additional() throws {
        var fixture = Fixture()
        var query = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a)
        query.additionals = [
            ResourceRecord(owner: DomainName("x")!, type: RecordType(rawValue: 250), ttl: 0, data: [1, 2])
        ]
        #expect(try fixture.ask(query).answers.count == 2)
    }

    @Test("no EDNS: 512 bytes; else what the client takes, up to ours; truncated whole, with OPT; TCP has it all")
    func truncation() throws {
        var intent = Fixture.intent()
        for index in 0..<70 {
            intent.zones[0].records.append(
                ResourceRecord(owner: DomainName("big.example.com")!, type: .a, ttl: 5, data: [10, 0, 0, UInt8(index)]))
        }
        for index in 0..<31 {
            intent.zones[0].records.append(
                ResourceRecord(owner: DomainName("mid.example.com")!, type: .a, ttl: 5, data: [10, 0, 0, UInt8(index)]))
        }
        var fixture = Fixture(intent)
        // 12 + 21 + 70 × 16 = 1153 bytes, 1164 with OPT. 12 + 21 + 29 × 16 = 497; 30 would be 513.
        for (size, fits) in [(nil, false), (0, false), (512, false), (1163, false), (1164, true), (65_535, true)]
            as [(UInt16?, Bool)]
        {
            var query = DNSMessage(
                id: 1, name: DomainName("big.example.com")!, type: .a, edns: size == nil ? nil : .init())
            query.edns?.udpSize = size ?? 0
            let response = try fixture.ask(query)
            #expect(response.isTruncated == !fits)
            #expect(response.answers.count == (fits ? 70 : 0))
            #expect(response.isAuthoritative)
            let overTCP = try fixture.ask(query, tcp: true)
            #expect(!overTCP.isTruncated && overTCP.answers.count == 70)
        }
        #expect(fixture.responder.counters.value(.truncated) == 4)
        // 31 addresses: 12 + 21 + 496 = 529 bytes, above 512 with nothing said.
        #expect(try fixture.ask("mid.example.com", edns: false).isTruncated)
        #expect(try fixture.ask("mid.example.com").answers.count == 31)
    }

    @Test("the configured UDP size is the cap")
    func configuredSize() throws {
        var intent = Fixture.intent()
        intent.dns.udpSize = 512
        for index in 0..<31 {
            intent.zones[0].records.append(
                ResourceRecord(owner: DomainName("mid.example.com")!, type: .a, ttl: 5, data: [10, 0, 0, UInt8(index)]))
        }
        var fixture = Fixture(intent)
        let response = try fixture.ask("mid.example.com")
        #expect(response.isTruncated && response.edns?.udpSize == 512)
    }

    @Test("a referral whose glue does not fit is truncated (RFC 9471)")
    func glue() throws {
        var intent = Fixture.intent()
        for index in 0..<13 {
            let server = DomainName("a-rather-long-server-name-\(index).sub.example.com")!
            intent.zones[0].records += [
                ResourceRecord(owner: DomainName("sub.example.com")!, type: .ns, ttl: 5, data: server.wire),
                ResourceRecord(owner: server, type: .aaaa, ttl: 5, data: [UInt8](repeating: 1, count: 16)),
            ]
        }
        var fixture = Fixture(intent)
        #expect(try fixture.ask("x.sub.example.com", edns: false).isTruncated)
        let whole = try fixture.ask("x.sub.example.com", tcp: true)
        #expect(whole.authorities.count == 15 && whole.additionals.count == 14)
    }

    @Test("CHAOS: who and what this is; everything else in other classes refused")
    func chaos() throws {
        var fixture = Fixture()
        func ask(_ name: String, _ recordClass: UInt16, _ type: RecordType = .txt) throws -> DNSMessage {
            var query = DNSMessage(id: 1, name: DomainName(name)!, type: type)
            query.questions[0].recordClass = recordClass
            return try fixture.ask(query)
        }
        #expect(try ask("ID.server", 3).answers.map(\.data) == [[6] + Array("node-1".utf8)])
        #expect(try ask("hostname.bind", 3).answers.map(\.data) == [[6] + Array("node-1".utf8)])
        #expect(try ask("version.bind", 3).answers.map(\.data) == [[8] + Array("meridian".utf8)])
        #expect(try ask("version.server", 3, .any).answers.count == 1)
        #expect(try ask("version.server", 3, .a).responseCode == 5)
        #expect(try ask("other.bind", 3).responseCode == 5)
        #expect(try ask("www.example.com", 3).responseCode == 5)
        #expect(try ask("www.example.com", 4, .a).responseCode == 5)
        #expect(try ask("www.example.com", 255, .a).responseCode == 5)
    }

    @Test("whatever arrives: no crash, nothing to responses, never more than allowed")
    func mutation() throws {
        var fixture = Fixture()
        var random = SplitMix64(seed: 99)
        let names = [
            "www.example.com", "api.example.com", "nope.example.com", "x.y.wild.example.com", "q.sub.example.com",
            "us.api.example.com",
        ]
        let seeds: [[UInt8]] = names.flatMap { name in
            [RecordType.a, .aaaa, .any, .txt].map { type in
                DNSMessage(
                    id: 7, name: DomainName(name)!, type: type,
                    subnet: .init(address: IPAddress("10.1.2.0")!, source: 24)
                ).wire
            }
        }
        for round in 0..<15_000 {
            var query = seeds[Int(random.next() % UInt64(seeds.count))]
            for _ in 0...Int(random.next() % 4) {
                switch random.next() % 4 {
                case 0: query[Int(random.next() % UInt64(query.count))] = UInt8(truncatingIfNeeded: random.next())
                case 1: query[Int(random.next() % UInt64(query.count))] ^= 1 << UInt8(random.next() % 8)
                case 2: query.removeLast(Int(random.next() % UInt64(query.count)))
                default: query += (0..<Int(random.next() % 8)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                }
                if query.isEmpty { query = [0] }
            }
            let response = fixture.raw(query, tcp: round % 8 == 0)
            guard !response.isEmpty else { continue }
            #expect(query.count >= 12 && query[2] & 0x80 == 0)
            #expect(response.count >= 12 && response[2] & 0x80 != 0)
            #expect(response[0] == query[0] && response[1] == query[1])
            let decoded = try DNSMessage(wire: response)
            if round % 8 != 0 {
                #expect(response.count <= 1232)
                if decoded.edns == nil { #expect(response.count <= 512) }
            }
        }
    }

    @Test("random bytes")
    func noise() throws {
        var fixture = Fixture()
        var random = SplitMix64(seed: 5)
        for _ in 0..<4000 {
            let query = (0..<Int(random.next() % 600)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let response = fixture.raw(query)
            if !response.isEmpty { _ = try DNSMessage(wire: response) }
        }
    }

    @Test("a small buffer is never overrun")
    func smallBuffer() {
        var fixture = Fixture()
        #expect(fixture.raw(Self.query, capacity: 511) == [])
        #expect(fixture.raw(Self.query, capacity: 512) != [])
    }

    @Test("every query is counted once as something")
    func sums() throws {
        var fixture = Fixture()
        for name in [
            "www.example.com", "nope.example.com", "api.example.com", "x.org", "sub.example.com", "closed.example.com",
        ] {
            for type in [RecordType.a, .any, .axfr, .txt] { _ = try fixture.ask(name, type) }
        }
        let counters = fixture.responder.counters
        #expect(Outcome.allCases.reduce(0) { $0 + counters.value($1) } == 24)
        #expect(counters.value(.udpQueries) == 24)
        #expect(WorkerCounters.Question.allCases.reduce(0) { $0 + counters.value($1) } == 24)
        #expect(counters.value(.edns) == 24)
    }
}
