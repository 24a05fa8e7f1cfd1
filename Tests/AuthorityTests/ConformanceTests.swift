import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// RFC 8906 section 8: the questions by which operators find out whether a name server answers as it must.
@Suite("The probes of RFC 8906 section 8")
struct ConformanceTests {
    struct Probe: Sendable, CustomTestStringConvertible {
        let title: String
        var type = RecordType.soa
        var edns: DNSMessage.EDNS?
        var tcp = false
        /// Set in the header's second 16 bits.
        var flags: UInt16 = 0
        var opcode: UInt8 = 0
        var headerOnly = false
        /// Set in OPT's flags.
        var ednsFlags: UInt8 = 0
        var responseCode: UInt16 = 0
        /// Records of the answer.
        var answers = 1
        var isAuthoritative = true
        var copiesRD = false
        var options: Set<UInt16> = []
        var testDescription: String { title }

        static func edns(
            version: UInt8 = 0, options: KeyValuePairs<UInt16, [UInt8]> = [:], dnssecOK: Bool = false,
            size: UInt16 = 1232
        ) -> DNSMessage.EDNS {
            var edns = DNSMessage.EDNS()
            edns.version = version
            edns.dnssecOK = dnssecOK
            edns.udpSize = size
            edns.options = options.map { .init(code: $0.key, data: $0.value) }
            return edns
        }
    }

    static let unknown: KeyValuePairs<UInt16, [UInt8]> = [100: []]
    static let probes = [
        Probe(title: "8.1.1 is the zone there"),
        Probe(title: "8.1.2 unknown types", type: RecordType(rawValue: 1000), answers: 0),
        Probe(title: "8.1.3.1 CD=1", flags: 0x0010),
        Probe(title: "8.1.3.2 AD=1", flags: 0x0020),
        Probe(title: "8.1.3.3 the reserved bit", flags: 0x0040),
        Probe(title: "8.1.3.4 a recursive query", flags: 0x0100, copiesRD: true),
        Probe(
            title: "8.1.4 unknown operations", opcode: 15, headerOnly: true, responseCode: 4, answers: 0,
            isAuthoritative: false),
        Probe(
            title: "8.1.4 unknown operations, with a question and RD", flags: 0x0100, opcode: 15, responseCode: 4,
            answers: 0, isAuthoritative: false),
        Probe(title: "8.1.5 TCP", tcp: true),
        Probe(title: "8.2.1 minimal EDNS", edns: Probe.edns()),
        Probe(
            title: "8.2.2 EDNS version negotiation", edns: Probe.edns(version: 1), responseCode: 16, answers: 0,
            isAuthoritative: false),
        Probe(title: "8.2.3 unknown EDNS options", edns: Probe.edns(options: unknown)),
        Probe(title: "8.2.4 unknown EDNS flags", edns: Probe.edns(), ednsFlags: 0x40),
        Probe(
            title: "8.2.5 version negotiation with unknown flags", edns: Probe.edns(version: 1), ednsFlags: 0x40,
            responseCode: 16, answers: 0, isAuthoritative: false),
        Probe(
            title: "8.2.6 version negotiation with unknown options", edns: Probe.edns(version: 1, options: unknown),
            responseCode: 16, answers: 0, isAuthoritative: false),
        Probe(
            title: "8.2.7 truncated responses", type: RecordType(rawValue: 48),
            edns: Probe.edns(dnssecOK: true, size: 512), answers: 0),
        Probe(title: "8.2.8 DO=1", edns: Probe.edns(dnssecOK: true)),
        Probe(
            title: "8.2.9 version negotiation with DO=1", edns: Probe.edns(version: 1, dnssecOK: true),
            responseCode: 16, answers: 0, isAuthoritative: false),
        Probe(
            title: "8.2.10 several defined options",
            edns: Probe.edns(options: [10: CookieTests.client, 3: [], 9: [], 8: [0, 1, 0, 0]]),
            options: [3, 8, 10]),
    ]

    @Test("each is answered as it must be", arguments: probes)
    func probe(_ probe: Probe) throws {
        var intent = Fixture.intent()
        intent.dns.answers.identifier = [1]
        var fixture = Fixture(intent)
        var query = DNSMessage(id: 0x4711, name: DomainName("example.com")!, type: probe.type, edns: probe.edns)
        query.opcode = probe.opcode
        if probe.headerOnly { query.questions = [] }
        var wire = query.wire
        wire[2] |= UInt8(probe.flags >> 8)
        wire[3] |= UInt8(probe.flags & 255)
        if probe.ednsFlags > 0 {
            let options = probe.edns?.options.reduce(0) { $0 + 4 + $1.data.count } ?? 0
            // OPT's flags stand before the length of its data.
            wire[wire.count - options - 4] |= probe.ednsFlags
        }
        let response = try DNSMessage(wire: fixture.raw(wire, tcp: probe.tcp))
        #expect(response.id == query.id && response.isResponse && response.opcode == probe.opcode)
        #expect(response.responseCode == probe.responseCode)
        #expect(response.answers.count == probe.answers)
        #expect(response.answers.allSatisfy { $0.type == .soa })
        #expect(response.isAuthoritative == probe.isAuthoritative)
        #expect(response.recursionDesired == probe.copiesRD)
        #expect(!response.recursionAvailable && !response.authenticData && !response.checkingDisabled)
        #expect(fixture.buffer[3] & 0x40 == 0, "Z is zero")
        #expect((response.edns != nil) == (probe.edns != nil))
        if let edns = response.edns {
            #expect(edns.version == 0)
            #expect(edns.dnssecOK == probe.edns?.dnssecOK)
            #expect(Set(edns.options.map(\.code)) == probe.options)
        }
        if probe.opcode != 0 { #expect(response.questions == [] && fixture.responder.counters.value(.bytesSent) == 12) }
    }

    @Test(
        "UPDATE and NOTIFY are not implemented, whatever sections they have", arguments: [UInt8(4), 5, 1, 2, 3, 6, 15])
    func operations(opcode: UInt8) {
        var fixture = Fixture()
        let zone: [UInt8] = [7] + Array("example".utf8) + [3] + Array("com".utf8) + [0, 0, 6, 0, 1]
        let head: [UInt8] = [0, 1, opcode << 3, 0, 0, 1, 0, 1, 0, 1, 0, 1]
        #expect(
            fixture.raw(head + zone + [1, 2, 3]) == [0, 1, 0x80 | opcode << 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
    }
}
