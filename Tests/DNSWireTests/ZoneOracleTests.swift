import Foundation
import TestSupport
import Testing

@testable import DNSWire

/// Zone files as BIND's and ldns's tools read them: the same records, byte for byte.
@Suite("Zone files, compared with other software")
struct ZoneOracleTests {
    /// A record of each type, in the forms that the standards show.
    static let everyType = ##"""
        $TTL 1h
        @ IN SOA ns1 hostmaster 2026010100 2h 15m 2w 30
        @ NS ns1
        @ NS ns2.example.net.
        ns1 A 192.0.2.1
        ns1 AAAA 2001:db8::1
        mb MB mail
        mg MG mail
        mr MR mail
        ptr PTR a\.b.c\001d\255
        hinfo HINFO "PC 1" Linux
        minfo MINFO rmail email
        mx MX 65535 mail
        txt TXT "" "a \"quote\" and \\ and \200" plain
        rp RP mbox txt
        afsdb AFSDB 1 db
        x25 X25 311061700956
        isdn ISDN 150862028003217 004
        isdn2 ISDN "150862028003217"
        rt RT 10 relay
        px PX 10 map822 mapx400
        gpos GPOS -32.6882 116.8652 10.0
        loc1 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
        loc2 LOC 42 21 54 N 71 06 18 W -24m 30m
        loc3 LOC 32 S 116 E 10m
        loc4 LOC 42 21 43.528 N 71 05 06.284 W -24m 1m 200m 3m
        loc5 LOC 0 0 0.001 N 180 0 0 W 42849672.95 90000000.00m 0.01m 12.34
        srv SRV 0 65535 443 srv
        naptr NAPTR 100 50 "s" "http+I2L+I2C+I2R" "!^.*$!x;y!" _http._tcp
        kx KX 10 kx
        cert CERT PKIX 12345 RSASHA256 AQIDBAUGBwgJ Cgs=
        cert2 CERT 65534 0 0 AA==
        dname DNAME Target.Example.NET.
        apl APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0
        ds DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118
        ds NS ns.ds
        ds2 DS 1 ECDSAP256SHA256 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
        ds2 NS ns.ds
        ns.ds A 192.0.2.9
        sshfp SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
        dnskey DNSKEY 256 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
        dhcid DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
        tlsa TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971
        smimea SMIMEA 3 0 0 00ff
        cds CDS 0 0 0 00
        cdnskey CDNSKEY 0 3 0 AA==
        openpgpkey OPENPGPKEY AQIDBA==
        csync CSYNC 66 3 A NS AAAA
        zonemd ZONEMD 2018031900 1 1 a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db71e34b72077f8fe
        svcb SVCB 16 foo.example.org. ( alpn="h2,h3-19" mandatory=ipv4hint,alpn
           ipv4hint=192.0.2.1,192.0.2.2 )
        svcb2 SVCB 1 . key667="hello\210qoo" port=53
        svcb3 SVCB 1 foo. ipv6hint="2001:db8::1,2001:db8::53:1" no-default-alpn alpn=h3
        svcb4 SVCB 16 foo.example.org. alpn="f\\\\oo\\,bar,h2"
        svcb5 SVCB 16 foo.example.org. alpn=f\\\092oo\092,bar,h2
        https HTTPS 0 other
        https2 HTTPS 1 . ech=AEX+DQBBpQAgACBcdQ== dohpath=/q{?dns} key100=
        spf SPF "v=spf1 -all"
        nid NID 10 0014:4fff:ff20:ee64
        l32 L32 10 10.1.2.0
        l64 L64 10 2001:0DB8:1140:1000
        lp LP 10 l64
        eui48 EUI48 00-00-5e-00-53-2a
        eui64 EUI64 00-00-5E-ef-10-00-00-2a
        uri URI 10 1 "ftp://ftp1.example.com/public;x"
        caa CAA 128 issuewild "ca.example.net; account=1"
        avc AVC app-name:WOLFGANG
        nsec3param NSEC3PARAM 1 0 10 -
        nsec3param2 NSEC3PARAM 1 0 0 ABCDEF
        key KEY 512 3 RSASHA1 AQIDBA==
        unknown TYPE65280 \# 4 0A 000 001
        dlv DLV 1 8 1 000102030405060708090a0b0c0d0e0f10111213
        resinfo TYPE261 \# 5 04 61626364
        """##

    /// Types that ldns 1.8 does not read; and it takes the escapes inside lists of values for the values' own.
    private static let unknownToLDNS: Set<RecordType> = [.avc, .key]
    private static let misreadByLDNS = ["svcb4", "svcb5"]

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Owner, type, TTL and data in one line.
    private static func line(_ owner: [UInt8], _ type: UInt16, _ ttl: UInt32, _ data: some Sequence<UInt8>) -> String {
        "\(BinaryText.hexadecimal(owner)) \(type) \(ttl) \(BinaryText.hexadecimal(data))"
    }

    private func ours(_ text: String) throws -> [ResourceRecord] {
        let (records, diagnostics) = ZoneFileParser.parse(
            Array(text.utf8), file: "z", origin: DomainName("example.com")!, defaultTTL: nil)
        #expect(diagnostics.map(\.description) == [])
        return records
    }

    private func lines(_ records: [ResourceRecord], foldsOwner: Bool = false) -> Set<String> {
        Set(records.map { Self.line(foldsOwner ? $0.owner.folded : $0.owner.wire, $0.type.rawValue, $0.ttl, $0.data) })
    }

    /// A folder with the text as a file, for `body`.
    private func withFile<Result>(_ text: String, _ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Nothing depends on whether it can be removed.
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "zone")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return try body(file)
    }

    private func run(_ tool: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let said = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(tool) (scripts/setup test installs it): \(text)\(said)")
        }
        return text
    }

    /// What `named-compilezone` makes of it, from its raw format: a header, then a block for each set.
    private func bind(_ text: String) throws -> Set<String> {
        try withFile(text) { file in
            let raw = file.deletingLastPathComponent().appending(path: "raw")
            let lenient =
                ["-i", "none"] + ["-k", "-n", "-r", "-m", "-M", "-S", "-T", "-W"].flatMap { [$0, "ignore"] }
            _ = try run(
                "named-compilezone", lenient + ["-f", "text", "-F", "raw", "-o", raw.path, "example.com", file.path])
            let bytes = [UInt8](try Data(contentsOf: raw))
            func number(_ offset: Int, _ count: Int) -> Int {
                bytes[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
            }
            var result: Set<String> = []
            var offset = 24
            while offset < bytes.count {
                let end = offset + number(offset, 4)
                let (type, ttl, count) = (number(offset + 6, 2), number(offset + 10, 4), number(offset + 14, 4))
                var place = offset + 20 + number(offset + 18, 2)
                let owner = Array(bytes[(offset + 20)..<place])
                for _ in 0..<count {
                    let length = number(place, 2)
                    result.insert(
                        Self.line(owner, UInt16(type), UInt32(ttl), bytes[(place + 2)..<(place + 2 + length)]))
                    place += 2 + length
                }
                #expect(place == end)
                offset = end
            }
            return result
        }
    }

    /// What `ldns-read-zone` prints, all types in the generic form.
    private func ldns(_ text: String) throws -> Set<String> {
        try withFile(text) { file in
            let printed = try run("ldns-read-zone", ["-U", "NULL", file.path])
            return Set(
                try printed.split(separator: "\n").map { line in
                    let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).map(String.init)
                    guard fields.count >= 6, let owner = DomainName(fields[0]), let ttl = UInt32(fields[1]),
                        let type = RecordType(fields[3])
                    else { throw Failure(description: "not understood: \(line)") }
                    return
                        "\(BinaryText.hexadecimal(owner.folded)) \(type.rawValue) \(ttl) \(fields.dropFirst(6).joined())"
                })
        }
    }

    /// `text` without lines of types that ldns does not know, with the origin that it is not told otherwise.
    private func forLDNS(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { line in
            !line.split(separator: " ").contains { word in
                Self.unknownToLDNS.contains { $0.description == word } || Self.misreadByLDNS.contains(String(word))
            }
        }
        return "$ORIGIN example.com.\n" + lines.joined(separator: "\n") + "\n"
    }

    @Test("every type of record")
    func types() throws {
        let records = try ours(Self.everyType)
        #expect(records.count >= 70)
        #expect(try bind(Self.everyType) == lines(records))
        let known = records.filter { record in
            !Self.unknownToLDNS.contains(record.type)
                && !Self.misreadByLDNS.contains { record.owner.description.hasPrefix($0) }
        }
        #expect(try ldns(forLDNS(Self.everyType)) == lines(known, foldsOwner: true))
    }

    @Test("what we write, others read back as the same bytes, and so do we")
    func written() throws {
        let records = try ours(Self.everyType)
        let text =
            records.map { record in
                "\(record.owner). \(record.ttl) IN \(record.type) \(RecordText.format(type: record.type, data: record.data))"
            }.joined(separator: "\n") + "\n"
        #expect(lines(try ours(text)) == lines(records))
        #expect(try bind(text) == lines(records))
    }

    @Test("random names, texts, addresses, times, types and parameters", arguments: [UInt64(1), 2, 3])
    func random(seed: UInt64) throws {
        var generator = ZoneGenerator(seed: seed)
        let text = generator.zone(count: 400)
        let records = try ours(text)
        #expect(records.count >= 400)
        #expect(try bind(text) == lines(records))
    }
}

/// Makes zones of random records in random spellings.
struct ZoneGenerator {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func number(_ limit: UInt64) -> UInt64 { random.next() % limit }
    private mutating func pick(_ words: [String]) -> String { words[Int(number(UInt64(words.count)))] }
    private mutating func many(
        _ range: ClosedRange<UInt64>, _ separator: String, _ make: (inout Self) -> String
    ) -> String {
        let count = range.lowerBound + number(range.upperBound - range.lowerBound + 1)
        return (0..<count).map { _ in make(&self) }.joined(separator: separator)
    }

    mutating func zone(count: Int) -> String {
        var text = "$TTL 300\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns.example.net.\n"
        for index in 0..<count {
            // An owner of its own for each: one TTL for each set, nothing beside a CNAME.
            let owner = "n\(index)" + pick(["", ".b", ".\\066\\.x", ".\\@c", ".UPPER"])
            let ttl = pick(["", "", "\(number(100_000)) ", "1h30M ", "2w "])
            let order = pick(["IN \(ttl)", "\(ttl)IN ", ttl, "\(ttl)"])
            text += owner + pick([" ", "\t", "  "]) + order + record() + pick(["", " ; a comment", " \t"]) + "\n"
        }
        return text
    }

    private mutating func name() -> String {
        let label: (inout Self) -> String = { make in
            make.pick(["www", "_tcp", "a-b", "X", "\\045", "\\.dot", "\\255\\000", "l\(make.number(1000))", "*"])
        }
        return pick(["@", many(1...4, ".", label), many(1...4, ".", label) + ".", "."])
    }

    private mutating func text() -> String {
        let piece: (inout Self) -> String = { make in
            make.pick(["a", "B c", "\\\"", "\\;", "\\\\", "\\009", "\\128", "=;(", "1"])
        }
        return "\"" + many(0...8, "", piece) + "\""
    }

    private mutating func hexadecimal(_ bytes: UInt64) -> String {
        (0..<bytes).map { _ in BinaryText.hexadecimal([UInt8(number(256))]) }.joined(separator: pick(["", " "]))
    }

    private mutating func v4() -> String { many(4...4, ".") { "\($0.number(256))" } }
    private mutating func v6() -> String {
        pick([
            many(8...8, ":") { String($0.number(65_536), radix: 16) }, "2001:db8::\(number(10))", "::",
            "::ffff:192.0.2.1",
        ])
    }
    private mutating func types() -> String {
        many(1...6, " ") { $0.pick(["A", "NS", "TXT", "CAA", "TYPE65280", "AAAA", "TYPE\(1 + $0.number(120))"]) }
    }

    private mutating func record() -> String {
        switch number(18) {
        case 0: return "A \(v4())"
        case 1: return "AAAA \(v6())"
        case 2: return "CNAME \(name())"
        case 3: return "MX \(number(65_536)) \(name())"
        case 4: return "TXT " + many(1...3, " ") { $0.text() }
        case 5: return "SRV \(number(9)) \(number(9)) \(number(65_536)) \(name())"
        case 6: return "CAA \(number(256)) issue \(text())"
        case 7: return "NAPTR 1 2 \"u\" \(text()) \(pick(["\"\"", "\"!^.*$!x!i\""])) \(name())"
        case 8: return "TLSA 3 1 1 ( \(hexadecimal(32)) )"
        case 9: return "SSHFP 4 2 \(hexadecimal(32).filter { $0 != " " })"
        case 10: return "CSYNC \(number(1 << 32)) 3 \(types())"
        case 11: return "TYPE\(65_280 + number(200)) \\# 5 \(hexadecimal(5))"
        case 12: return "APL " + many(1...4, " ") { $0.pick(["", "!"]) + "1:\($0.v4())/\(24 + $0.number(9))" }
        case 13:
            let angle = "\(number(90)) \(number(60)) \(number(60)).\(100 + number(900))"
            return "LOC \(angle) \(pick(["N", "S"])) \(angle) \(pick(["E", "W"])) \(number(9000)).\(10 + number(90))m"
        case 14: return "RP \(name()) \(name())"
        case 15: return "PTR \(name())"
        case 16: return "URI \(number(9)) \(number(9)) \"https://example.net/\(number(99))\""
        default:
            var parameters = ["port=\(number(65_536))", "alpn=\(pick(["h2", "\"h2,h3\"", "h3"]))"]
            if number(2) == 0 { parameters.append("ipv4hint=" + many(1...3, ",") { $0.v4() }) }
            if number(2) == 0 { parameters.append("ipv6hint=" + many(1...2, ",") { "2001:db8::\(1 + $0.number(9))" }) }
            if number(2) == 0 { parameters.append("key\(1000 + number(60_000))=\(text())") }
            if number(3) == 0 { parameters.append("mandatory=port,alpn") }
            if number(2) == 0 { parameters.reverse() }
            return "\(pick(["SVCB", "HTTPS"])) \(1 + number(9)) \(name()) \(parameters.joined(separator: " "))"
        }
    }
}
