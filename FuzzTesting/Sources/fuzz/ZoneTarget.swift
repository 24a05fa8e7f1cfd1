import Addresses
import DNSWire
import Steering
import TrafficModel

@testable import Authority

/// Zone files: what is read can be written and read again, and what passes the checks can be served.
final class ZoneTarget: FuzzTarget {
    static let name = "zone"
    private let asker = Asker()
    private let steered = [World.name("api.example.com"), World.name("*.gw.example.com")]

    init() {}

    func run(_ input: Span<UInt8>) {
        let (records, problems) = ZoneFileParser.parseLocated(
            input.array(), file: "zone", origin: World.origin, defaultTTL: nil)
        let lines = input.array().count { $0 == 0x0a } + 1
        for problem in problems {
            require((0...lines).contains(problem.line) && problem.column >= 0, "a place in the file: \(problem)")
            require(!problem.message.isEmpty && !problem.message.contains("\n"), "one line that says something")
        }
        let plain = records.map(\.record)
        checkText(plain)
        let (clean, complaints) = ZoneChecks.check(origin: World.origin, records: records, steered: steered)
        let again = ZoneChecks.check(
            origin: World.origin, records: clean.map { LocatedRecord($0) }, steered: steered)
        require(again.records == clean, "a zone that was cleaned is clean")
        guard !complaints.contains(where: { $0.severity == .error }) else { return }
        require(!again.diagnostics.contains { $0.severity == .error }, "and still without mistakes")
        serve(clean)
    }

    private func checkText(_ records: [ResourceRecord]) {
        let text = records.map { record in
            require(record.ttl < 1 << 31, "TTLs have 31 bits")
            let data = RecordText.format(type: record.type, data: record.data)
            require(
                (try? RecordText.parse(type: record.type, data: data, origin: .root)) == record.data,
                "data that is written is read as it was: \(record.type) \(data)")
            return "\(record.owner == .root ? "" : "\(record.owner)"). \(record.ttl) IN \(record.type) \(data)\n"
        }.joined()
        let again = ZoneFileParser.parse(Array(text.utf8), file: "", origin: .root, defaultTTL: nil)
        require(again.diagnostics.isEmpty, "what is written can be read: \(again.diagnostics)")
        require(again.records == records, "and is the same")
    }

    /// Everything that the zone has can be asked for.
    private func serve(_ records: [ResourceRecord]) {
        var intent = Intent()
        intent.zones = [Zone(origin: World.origin, records: records)]
        let snapshot = World.snapshot(intent)
        for (number, record) in records.prefix(64).enumerated() {
            let id = UInt16(number)
            let query = DNSMessage(id: id, name: record.owner, type: record.type).wire
            guard let response = try? DNSMessage(wire: asker.ask(query, snapshot)) else {
                fatalError("a response is a message")
            }
            require(response.id == id && response.questions.map(\.name.wire) == [record.owner.wire], "to the query")
            require([0, 2].contains(response.responseCode), "a name that is there is not denied")
            guard response.isAuthoritative, response.responseCode == 0 else { continue }
            let found = response.answers.contains { $0.owner == record.owner && $0.type == record.type }
            require(found, "a record that is there is answered: \(record)")
        }
    }

    static var seeds: [[UInt8]] {
        let records = [
            "www A 192.0.2.1", "www AAAA 2001:db8::1", "alias CNAME www", "@ MX 10 mail", "mail A 192.0.2.2",
            "t TXT \"a b\" c \"\\\"q\\\"\" \\065", "_s._tcp SRV 1 2 443 www", "caa CAA 0 issue \"ca.example.net\"",
            "h HINFO \"cpu\" os", "n NAPTR 1 2 \"S\" \"SIP+D2U\" \"\" _sip._udp", "sub NS ns.sub", "ns.sub A 192.0.2.3",
            "sub DS 1 13 2 00112233 aabb", "s SSHFP 1 2 0011", "_443._tcp TLSA 3 1 1 aabb", "p PTR www",
            "u TYPE65280 \\# 3 010203", "g TYPE1 \\# 4 c0000201", "*.w A 192.0.2.9", "a\\.b A 192.0.2.1",
            "d DNAME example.net.", "l LOC 52 14 05 N 00 08 50 E 10m", "v SVCB 1 . alpn=h2", "o HTTPS 0 www",
            "r RP host.example.com. txt", "c CDS 0 0 0 00", "k DNSKEY 257 3 13 AAAA", "uri URI 1 2 \"http://x/\"",
        ]
        let head = "$TTL 1h\n@ SOA ns hostmaster 7 2h 15m 2w 30\n@ NS ns\nns A 192.0.2.53\n"
        let layouts = [
            "$ORIGIN sub\n$TTL 5\nx A 192.0.2.1 ; comment\n 2h IN A 192.0.2.2\n IN 60 AAAA ::1\n$ORIGIN .\nz.example.com. A 1.2.3.4",
            "@ IN SOA ns hostmaster (\n 1 ; serial\n 2h 15m\n 2w 30 )\n@ NS ns ; )\nns 1w2d3h4m5s A 192.0.2.1\r\n",
            "$INCLUDE other.zone sub\n$GENERATE 1-3 h$ A 10.0.0.$\n$NO\n)\n(\n\"\n\\",
        ]
        return records.map { Array((head + $0 + "\n").utf8) } + layouts.map { Array((head + $0).utf8) }
            + [Array(World.zoneText.utf8), Array((head + records.joined(separator: "\n")).utf8)]
    }

    static let words: [[UInt8]] =
        [
            "$ORIGIN ", "$TTL ", "$INCLUDE ", "$GENERATE ", "IN ", "CLASS1 ", "CH ", "A ", "AAAA ", "NS ", "CNAME ",
            "SOA ", "PTR ", "MX ", "TXT ", "SRV ", "CAA ", "HINFO ", "NAPTR ", "DS ", "SSHFP ", "TLSA ", "DNAME ",
            "RP ", "LOC ", "SVCB ", "HTTPS ", "URI ", "CDS ", "CDNSKEY ", "DNSKEY ", "SPF ", "TYPE65280 ", "TYPE6 ",
            "\\# 0", "\\# 4 ", "\\000", "\\255", "\\.", "\\\"", "@ ", "*.", " (", " )", ";", "\"", "\n", "1w2d",
            "2147483647", "4294967295", "192.0.2.1", "2001:db8::1", "example.com.", "alpn=h2", "mandatory=",
            "ipv4hint=", "no-default-alpn", "port=", "ech=", "key65280=",
        ].map { Array($0.utf8) }
}
