import Addresses
import DNSWire
import Steering
import TrafficModel

@testable import Authority

/// DNS messages: the reader of queries, the whole responder behind it, and the reader of messages that clients use.
///
/// The first byte says how the rest is asked: over what, from where, of which snapshot and into how much room.
final class MessageTarget: FuzzTarget {
    static let name = "message"
    private let asker = Asker()
    /// As configured; without Client Subnet and with all that answers may carry; with one region drained, the other
    /// forced down and little room for clients without a cookie; with cookies required.
    private let snapshots: [AuthoritySnapshot]

    init() {
        let intent = World.intent()
        var full = intent
        full.dns.clientSubnet = false
        full.dns.udpSize = 4096
        full.dns.responses = .full
        var small = intent
        small.dns.answers.udpSizeWithoutCookie = 128
        small.dns.answers.cookies.secrets = [SipKey(first: 1, second: 2), SipKey(first: 3, second: 4)]
        var overrides = Overrides()
        overrides.entries[.region("us")] = .init(verdict: .drain, reason: "")
        overrides.entries[.region("eu")] = .init(verdict: .forceDown, reason: "")
        var strict = intent
        strict.dns.answers.cookies.policy = .require
        strict.dns.answers.zoneVersion = .serial
        snapshots = [
            World.snapshot(intent), World.snapshot(full), World.snapshot(small, overrides: overrides),
            World.snapshot(strict),
        ]
    }

    func run(_ input: Span<UInt8>) {
        guard !input.isEmpty else { return }
        let control = input[0]
        let query = input.array(from: 1)
        checkValues(query)
        let overTCP = control & 1 != 0
        let source = control & 2 == 0 ? IPAddress.v4(0x0a01_0203) : .v6(0x2001_0db8_000e << 80 | 1)
        let snapshot = snapshots[Int(control >> 2 & 3)]
        let room = overTCP ? 65_535 : [Responder.udpBufferSize, 512, 1232, 600][Int(control >> 4 & 3)]
        let response = asker.ask(query, from: source, overTCP: overTCP, room: room, snapshot)
        check(response, to: query, overTCP, snapshot.data, room)
        let again = asker.ask(query, from: source, overTCP: overTCP, room: room, snapshot)
        require(response == again, "an answer follows from its inputs alone")
    }

    /// What is read can be written, and is read again as the same.
    private func checkValues(_ bytes: [UInt8]) {
        guard let message = try? DNSMessage(wire: bytes) else { return }
        require((try? DNSMessage(wire: message.wire)) == message, "a message that is written is read as it was")
    }

    private func check(
        _ bytes: [UInt8], to query: [UInt8], _ overTCP: Bool, _ data: AuthorityData, _ room: Int
    ) {
        let isQuery = query.count >= 12 && query[2] & 0x80 == 0
        require(bytes.isEmpty == !isQuery, "queries have a response, and nothing else has")
        guard isQuery else { return }
        guard let response = try? DNSMessage(wire: bytes) else { fatalError("a response is a message: \(bytes)") }
        require(response.isResponse, "a response says so")
        require(bytes.prefix(2) == query.prefix(2), "the id is the query's")
        require(response.opcode == query[2] >> 3 & 15, "the opcode is the query's")
        require(
            !response.recursionAvailable && !response.authenticData && !response.checkingDisabled
                && bytes[3] & 0x40 == 0,
            "no flag is set that an authority does not set")
        require(response.questions.count <= 1, "one question at most")
        if let question = response.questions.first {
            let end = 12 + question.name.wire.count + 4
            require(bytes.count >= end && query.count >= end && bytes[12..<end] == query[12..<end], "the same question")
        }
        require(bytes.count <= limit(response, query, overTCP, data, room), "no larger than the client takes")
        require(!overTCP || !response.isTruncated, "nothing is truncated over TCP")
        checkMeaning(response, query)
    }

    private func limit(
        _ response: DNSMessage, _ query: [UInt8], _ overTCP: Bool, _ data: AuthorityData, _ room: Int
    ) -> Int {
        if overTCP { return 65_535 }
        guard response.edns != nil else { return 512 }
        let size = (try? DNSMessage(wire: query))?.edns.map { max(Int($0.udpSize), 512) } ?? data.udpSize
        return min(size, data.udpSize, room)
    }

    private func checkMeaning(_ response: DNSMessage, _ query: [UInt8]) {
        let records = response.answers + response.authorities + response.additionals
        require(Set(records).count == records.count, "no record stands there twice: \(records)")
        require(records.allSatisfy { $0.ttl < 1 << 31 }, "TTLs have 31 bits")
        if let first = response.answers.first, let question = response.questions.first {
            let isAbove = first.type == .dname && question.name.isAtOrBelow(first.owner)
            require(first.owner == question.name || isAbove, "the first answer is for the name that was asked")
        }
        if response.isTruncated { require(records.isEmpty, "a truncated response has no records") }
        if response.responseCode == 3, !response.isTruncated {
            require(response.authorities.contains { $0.type == .soa }, "NXDOMAIN has the SOA")
        }
        // The other reader finds nothing wrong with the query: then it is not refused as malformed.
        guard let asked = try? DNSMessage(wire: query), asked.opcode == 0, asked.questions.count == 1,
            asked.answers.isEmpty, asked.authorities.isEmpty
        else { return }
        // As many bytes as when it is written anew: no name is compressed, which a query must not do.
        guard asked.wire.count == query.count, asked.edns?.options.isEmpty ?? true else { return }
        require(response.responseCode != 1, "a query without options and mistakes is not malformed")
        require((asked.edns == nil) == (response.edns == nil), "OPT is answered with OPT, and only then")
        if let version = asked.edns?.version {
            require((version > 0) == (response.responseCode == 16), "later versions of EDNS get BADVERS")
        }
    }

    static var seeds: [[UInt8]] {
        let names = [
            "www", "alias", "deep", "host.old", "x.away", "y.round", "z.longer", "a.tosteered", "toold", "80.torev",
            "towild", "a.wild", "x.cwild", "sub", "host.sub", "todelegated", "unknown", "big",
            "nothing", "api", "api2", "closed", "x.gw", "ratio", "rr", "cdn", "us.api", "eu.api", "b.c",
        ].map { World.name("\($0).example.com") }
        let others = ["example.com", "child.example.com", "80.2.0.192.in-addr.arpa", "example.org", "."].map(World.name)
        let types: [RecordType] = [.a, .aaaa, .ns, .any, .txt, .https]
        var result: [[UInt8]] = []
        for (number, name) in (names + others).enumerated() {
            let message = DNSMessage(
                id: UInt16(number), name: name, type: types[number % types.count],
                edns: number % 3 == 0 ? nil : .init(),
                subnet: number % 3 == 1 ? .init(address: World.address("10.1.2.0"), source: 24) : nil)
            result.append([UInt8(number)] + message.wire)
        }
        for (code, data) in options {
            var message = DNSMessage(id: 1, name: names[12], type: .a)
            message.edns?.options = [.init(code: code, data: data)]
            result += [[0] + message.wire, [1] + message.wire]
        }
        var chaos = DNSMessage(id: 2, name: World.name("version.bind"), type: .txt)
        chaos.questions[0].recordClass = 3
        var later = DNSMessage(id: 3, name: names[0], type: .a)
        later.edns?.version = 1
        var notify = DNSMessage(id: 4, name: others[0], type: .soa)
        notify.opcode = 4
        var transfer = DNSMessage(id: 5, name: others[0], type: .ixfr)
        transfer.authorities = [
            ResourceRecord(owner: others[0], type: .soa, ttl: 0, data: [0, 0] + [UInt8](repeating: 1, count: 20))
        ]
        return result + [chaos, later, notify, transfer].map { [0] + $0.wire }
    }

    /// Codes of EDNS options and data that they may have: NSID, Client Subnet, COOKIE, tcp-keepalive, padding,
    /// ZONEVERSION, one that nobody knows.
    private static let options: [(UInt16, [UInt8])] = [
        (3, []), (8, [0, 1, 24, 0, 10, 1, 2]), (8, [0, 2, 48, 0, 0x20, 1, 0x0d, 0xb8, 0, 0x0e]), (8, [0, 1, 0, 0]),
        (10, [1, 2, 3, 4, 5, 6, 7, 8]), (10, Array(1...24)), (11, []), (12, [0, 0, 0]), (19, []), (65_001, [1, 2]),
    ]

    static let words: [[UInt8]] = [
        [0, 0, 41, 4, 208, 0, 0, 0, 0], [0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 2], [0, 10, 0, 8], [0, 3, 0, 0],
        [0, 11, 0, 0],
        [0, 19, 0, 0], [0xc0, 0x0c], [0, 1, 0, 1], [0, 28, 0, 1], [0, 255, 0, 1], [0, 252, 0, 1], [0, 251, 0, 1],
        [0, 16, 0, 3], [0, 65, 0, 1], Array("\u{3}api\u{7}example\u{3}com\0".utf8), Array("\u{3}www".utf8),
        Array("\u{7}example\u{3}com\0".utf8), Array("\u{2}eu".utf8), Array("\u{1}*".utf8),
    ]
}
