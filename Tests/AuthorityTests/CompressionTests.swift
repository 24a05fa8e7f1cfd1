import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// RFC 1035 section 4.1.4 and RFC 3597 section 4.
@Suite("Compressed names")
struct CompressionTests {
    static let head = "$TTL 60\n@ SOA ns.example.com. h.example.com. 1 2 3 4 5\n@ NS ns.example.com.\n"

    static func fixture(_ text: String) -> Fixture {
        var intent = Intent()
        intent.zones = [Fixture.zone("example.com", head + text)]
        return Fixture(intent)
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        (0...max(0, bytes.count - part.count)).contains { bytes[$0...].starts(with: part) }
    }

    @Test(
        "in data that others may not know, names are whole, at the name itself and behind a wildcard",
        arguments: [
            "SRV 1 2 3 www.example.com.", "NAPTR 1 2 \"u\" \"sip\" \"\" www.example.com.", "DNAME www.example.com.",
            "SVCB 1 www.example.com.", "HTTPS 1 www.example.com. alpn=h2", "RP www.example.com. x.example.com.",
            "AFSDB 1 www.example.com.", "RT 1 www.example.com.", "KX 1 www.example.com.",
            "PX 1 www.example.com. x.example.com.",
            "NSEC www.example.com. A", "MINFO www.example.com. x.example.com.", "MB www.example.com.",
        ])
    func whole(data: String) throws {
        let type = try #require(RecordType(String(data.prefix { $0 != " " })))
        for (owner, question) in [("www", "www"), ("*.w", "a.w")] where type != .dname || owner == "www" {
            var fixture = Self.fixture("\(owner) \(data)\n")
            let record = try #require(fixture.intent.zones[0].records.last)
            let query = DNSMessage(id: 1, name: DomainName("\(question).example.com")!, type: type, edns: nil)
            let response = fixture.raw(query.wire)
            #expect(try DNSMessage(wire: response).answers.count == 1)
            #expect(contains(response, record.data))
        }
    }

    @Test(
        "in data of RFC 1035 they are not",
        arguments: [
            ("@ NS www.example.com.", "example.com", RecordType.ns),
            ("www MX 1 www.example.com.", "www.example.com", .mx),
            ("www PTR x.www.example.com.", "www.example.com", .ptr),
            ("www CNAME y.example.com.", "www.example.com", .cname), ("", "example.com", .soa),
        ])
    func compressed(text: String, name: String, type: RecordType) throws {
        var fixture = Self.fixture(text + "\n")
        let query = DNSMessage(id: 1, name: DomainName(name)!, type: type, edns: nil)
        let response = fixture.raw(query.wire)
        let decoded = try DNSMessage(wire: response)
        // Owners are pointers; each record's data is shorter by the zone's name at least, which is one too.
        let whole = decoded.answers.reduce(query.wire.count) { $0 + 2 + 10 + $1.data.count }
        #expect(decoded.answers.count >= 1 && response.count <= whole - 11 * decoded.answers.count)
    }

    @Test("names beyond the reach of pointers are written whole, the others are found", arguments: ["www", "*.w"])
    func reach(owner: String) throws {
        // Each host twice, so that every one could be a pointer to the one before it.
        let text = (0..<2400).map { "\(owner) MX \($0) host\($0 / 2).a.rather.long.name.of.a.zone\n" }.joined()
        var fixture = Self.fixture(text)
        let name = DomainName(owner == "www" ? "www.example.com" : "q.w.example.com")!
        let query = DNSMessage(id: 1, name: name, type: .mx, edns: nil)
        let response = fixture.raw(query.wire, tcp: true)
        #expect(response.count > 2 * 16_384)
        let decoded = try DNSMessage(wire: response)
        let expected = fixture.intent.zones[0].records.filter { $0.type == .mx }
        #expect(decoded.answers.map(\.data) == expected.map(\.data))
        #expect(decoded.answers.allSatisfy { $0.owner == name })
    }

    @Test("in queries: a pointer that leads back is taken behind the question, one that loops or leads on is FORMERR")
    func queries() throws {
        var fixture = Self.fixture("www A 192.0.2.1\n")
        let plain = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a, edns: nil).wire
        let here = UInt8(plain.count)
        for (name, code) in [
            ([0xc0, 12], 0), ([1, 0x61, 0xc0, 12], 0), ([0xc0, here], 1), ([1, 0x61, 0xc0, here], 1),
            ([0xc0, here + 4], 1), ([0xc0, 11], 1), ([0xc0, 0], 1), ([0xff, 0xff], 1), ([0x80, 12], 1),
        ] as [([UInt8], UInt16)] {
            var query = plain
            query[11] = 1
            // Type TSIG, class ANY, no data.
            let response = fixture.raw(query + name + [0, 250, 0, 255, 0, 0, 0, 0, 0, 0])
            #expect(try DNSMessage(wire: response).responseCode == code, "\(name)")
        }
    }
}
