import Addresses
import DNSWire
import TestSupport
import Testing

@testable import Authority

/// Mistakes in messages and EDNS that name servers made in production, by their numbers in the list of DNS violations
/// and exceptions: for each kind of answer, with and without EDNS.
@Suite("Known violations: messages and EDNS")
struct WireViolationTests {
    /// Data, NODATA, NXDOMAIN, a wildcard, an alias, a referral, steered names, and names that are not ours.
    static let names = [
        "www.example.com", "caa.example.com", "nothing.example.com", "x.y.wild.example.com", "alias.example.com",
        "x.sub.example.com", "api.example.com", "us.api.example.com", "closed.example.com", "example.com",
        "www.example.org",
    ]
    static let types = [RecordType.a, .ns, .txt, .any, .ds, RecordType(rawValue: 65_280)]

    /// A record's data with its letters in lower case.
    private static func folded(_ record: ResourceRecord) -> [UInt8] {
        record.data.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Every question, asked in one way.
    private func forEach(
        edns: DNSMessage.EDNS?, tcp: Bool = false, _ body: (DNSMessage, DNSMessage, [UInt8]) throws -> Void
    ) throws {
        var fixture = Fixture()
        for name in Self.names {
            for type in Self.types {
                let query = DNSMessage(id: 0x1234, name: DomainName(name)!, type: type, edns: edns)
                let bytes = fixture.raw(query.wire, tcp: tcp)
                try body(query, try DNSMessage(wire: bytes), bytes)
            }
        }
    }

    @Test("2017-0001: nothing behind the last record; 2017-0013: AD is never set", arguments: [false, true])
    func exactness(tcp: Bool) throws {
        for edns in [nil, DNSMessage.EDNS()] {
            // Reading a message takes all of its bytes, or fails.
            try forEach(edns: edns, tcp: tcp) { _, response, bytes in
                #expect(!response.authenticData && bytes[3] & 0x20 == 0)
                #expect((response.edns == nil) == (edns == nil))
            }
        }
    }

    @Test("2017-0003, 2017-0006: the case of a question's letters comes back, and changes nothing else")
    func letterCase() throws {
        var fixture = Fixture()
        var random = SplitMix64(seed: 20)
        for name in Self.names {
            for type in Self.types {
                let plain = DNSMessage(id: 1, name: DomainName(name)!, type: type)
                let expected = try DNSMessage(wire: fixture.raw(plain.wire))
                for _ in 0..<4 {
                    var wire = plain.wire
                    for index in 12..<12 + plain.questions[0].name.wire.count
                    where (0x61...0x7a).contains(wire[index]) && random.next() & 1 == 0 { wire[index] ^= 0x20 }
                    let bytes = fixture.raw(wire)
                    let end = 12 + plain.questions[0].name.wire.count + 4
                    #expect(bytes[12..<end] == wire[12..<end])
                    let response = try DNSMessage(wire: bytes)
                    #expect(response.responseCode == expected.responseCode)
                    // Names in records may be pointers into the question, and have its letters. Addresses come in turn.
                    #expect(Set(response.answers.map(Self.folded)) == Set(expected.answers.map(Self.folded)))
                    #expect(response.authorities.count == expected.authorities.count)
                }
            }
        }
    }

    @Test("2017-0004, 2017-0012, 2020-0001, 2020-0004: EDNS, with DO or without, changes nothing about an answer")
    func sameWithEDNS() throws {
        var plain: [DNSMessage] = []
        try forEach(edns: nil) { _, response, _ in plain.append(response) }
        for dnssecOK in [false, true] {
            var edns = DNSMessage.EDNS()
            edns.dnssecOK = dnssecOK
            var number = 0
            try forEach(edns: edns) { _, response, _ in
                var bare = response
                bare.edns = nil
                #expect(bare == plain[number])
                #expect(response.edns?.dnssecOK == dnssecOK && response.edns?.version == 0)
                number += 1
            }
        }
    }

    @Test("2017-0005, 2017-0018: EDNS of a later version is BADVERS with the question, and nothing else")
    func laterVersion() throws {
        var edns = DNSMessage.EDNS()
        edns.version = 1
        try forEach(edns: edns) { query, response, _ in
            #expect(response.responseCode == 16 && response.questions == query.questions)
            #expect(response.answers == [] && response.authorities == [] && response.additionals == [])
            #expect(response.edns?.version == 0 && response.edns?.options == [])
        }
    }

    @Test("2017-0020, 2018-0002: an option that nobody knows changes nothing")
    func unknownOption() throws {
        var plain: [DNSMessage] = []
        try forEach(edns: .init()) { _, response, _ in plain.append(response) }
        var edns = DNSMessage.EDNS()
        edns.options = [.init(code: 65_001, data: [1, 2, 3]), .init(code: 4, data: []), .init(code: 9, data: [7])]
        var number = 0
        try forEach(edns: edns) { _, response, _ in
            #expect(response == plain[number])
            number += 1
        }
    }
}
