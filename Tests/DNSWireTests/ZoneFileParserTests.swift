import TestSupport
import Testing

@testable import DNSWire

@Suite("Zone files")
struct ZoneFileParserTests {
    static let origin = DomainName("example.com")!

    func parse(_ text: String, ttl: UInt32? = nil) -> (lines: [String], diagnostics: [String]) {
        let (records, diagnostics) = ZoneFileParser.parse(
            Array(text.utf8), file: "z", origin: Self.origin, defaultTTL: ttl)
        let lines = records.map {
            "\($0.owner) \($0.ttl) \($0.type) \(RecordText.format(type: $0.type, data: $0.data))"
        }
        return (lines, diagnostics.map(\.description))
    }

    @Test("a zone with everything the standard knows")
    func everything() {
        let (lines, diagnostics) = parse(
            """
            ; a comment
            $TTL 1h
            @ IN SOA ns1 hostmaster.example.com. ( 2026010100 ; serial
                    2h 15M ; refresh, retry
                    2w
                    30 )
                NS ns1            ; the owner above
            \tIN NS ns2.example.net.
            ns1 300 IN A 192.0.2.1
            ns1 IN 300 AAAA 2001:db8::1
            $ORIGIN sub
            www A 192.0.2.2
            *.wild\\.card 1d2h TXT "semi;colon" "paren ( \\" quote" plain\\ text
            $ORIGIN example.com.
            mail MX 10 @
            \\097\\.b CNAME www.sub
            caa CAA 0 issue "ca.example.net; account=1"
            srv class1 type33 \\# 7 00010002 01bb00
            other TYPE65280 (
             \\# 2
             abcd
            )
            """)
        #expect(diagnostics == [])
        #expect(
            lines == [
                "example.com 3600 SOA ns1.example.com. hostmaster.example.com. 2026010100 7200 900 1209600 30",
                "example.com 3600 NS ns1.example.com.",
                "example.com 3600 NS ns2.example.net.",
                "ns1.example.com 300 A 192.0.2.1",
                "ns1.example.com 300 AAAA 2001:db8::1",
                "www.sub.example.com 3600 A 192.0.2.2",
                "*.wild\\.card.sub.example.com 93600 TXT \"semi;colon\" \"paren ( \\\" quote\" \"plain text\"",
                "mail.example.com 3600 MX 10 example.com.",
                "a\\.b.example.com 3600 CNAME www.sub.example.com.",
                "caa.example.com 3600 CAA 0 issue \"ca.example.net; account=1\"",
                "srv.example.com 3600 SRV 1 2 443 .",
                "other.example.com 3600 TYPE65280 \\# 2 abcd",
            ])
    }

    @Test("line ends of other systems, no line end at all, blanks at the end")
    func lineEnds() {
        #expect(parse("a 1 A 192.0.2.1\r\nb 1 A 192.0.2.2  \t\r\n").lines.count == 2)
        #expect(parse("a 1 A 192.0.2.1").lines == ["a.example.com 1 A 192.0.2.1"])
        #expect(parse("").lines == [])
        #expect(parse("\n\n  \n; only\n").lines == [])
    }

    @Test("TTLs: given, $TTL, the caller's, the last, the SOA's minimum")
    func ttls() {
        #expect(
            parse("a 5 A 192.0.2.1\n$TTL 7\nb A 192.0.2.1", ttl: 9).lines.map { $0.split(separator: " ")[1] } == [
                "5", "7",
            ])
        #expect(
            parse("a 5 A 192.0.2.1\nb A 192.0.2.1", ttl: 9).lines.map { $0.split(separator: " ")[1] } == ["5", "9"])
        #expect(parse("a 5 A 192.0.2.1\nb A 192.0.2.1").lines.map { $0.split(separator: " ")[1] } == ["5", "5"])
        #expect(parse("@ SOA a b 1 2 3 4 77\n@ NS c").lines.map { $0.split(separator: " ")[1] } == ["77", "77"])
        #expect(
            parse("a A 192.0.2.1").diagnostics == [
                "z:1:3: the record has no TTL; write one before its type, or $TTL 1h at the top of the file"
            ])
    }

    @Test("all mistakes are reported, each where it stands, and the right records are kept")
    func mistakes() {
        let (lines, diagnostics) = parse(
            """
              A 192.0.2.1
            $TTL 1x
            $TTL 60
            a A 192.0.2.300
            b A 192.0.2.1
            bad..name A 192.0.2.1
              AAAA ::zz
              A 192.0.2.9
            c IN CNAMES b
            d CH A 192.0.2.1
            $INCLUDE other.zone
            $WHAT x
            $ORIGIN
            e TXT "open
            f A 192.0.2.2 )
            g MX ten b
            h TXT
            i A 192.0.2.3
            j TXT ( "never closed"
            k A 192.0.2.4
            """)
        #expect(lines == ["b.example.com 60 A 192.0.2.1", "i.example.com 60 A 192.0.2.3"])
        #expect(
            diagnostics.map { $0.split(separator: ";")[0] }
                == [
                    "z:1:3: the line begins with a blank, but there is no owner name before it to repeat",
                    "z:2:6: $TTL needs a time: seconds up to 2147483647, or such as 1h30m",
                    "z:4:5: \"192.0.2.300\" is not an IPv4 address such as 192.0.2.1",
                    "z:6:1: \"bad..name\": a label of the name is empty",
                    "z:7:8: \"::zz\" is not an IPv6 address such as 2001:db8::1",
                    "z:9:6: \"CNAMES\" is not a TTL, class or record type",
                    "z:10:3: class CH is not served",
                    "z:11:10: $INCLUDE is not read here",
                    "z:12:1: $WHAT is not a directive",
                    "z:13:8: $ORIGIN has no name",
                    "z:14:7: this quote is not closed on its line",
                    "z:15:15: a ) without a ( before it",
                    "z:16:6: \"ten\" is not a number from 0 to 65535",
                    "z:17:6: TXT data ends early",
                    "z:19:7: this ( is never closed",
                ].map { Substring($0) })
    }

    @Test("a file that is no zone file stops at the limit")
    func limit() {
        let (_, diagnostics) = ZoneFileParser.parse(
            Array(String(repeating: "x y z\n", count: 2 * ZoneFileParser.diagnosticLimit).utf8), file: "z",
            origin: Self.origin, defaultTTL: 1)
        #expect(diagnostics.count == ZoneFileParser.diagnosticLimit + 1)
        #expect(diagnostics.last?.message.hasSuffix("the rest of the file was not read") == true)
    }

    @Test("labels and names at their limits")
    func nameLimits() {
        let label = String(repeating: "a", count: 63)
        let longest = "\(label).\(label).\(label).\(String(repeating: "b", count: 61))."
        #expect(parse("\(longest) 1 A 192.0.2.1").diagnostics == [])
        #expect(parse("\(longest.dropLast())b. 1 A 192.0.2.1").diagnostics.count == 1)
        #expect(parse("\(label)a 1 A 192.0.2.1").diagnostics.count == 1)
        #expect(parse("\(label) 1 A 192.0.2.1").diagnostics == [])
    }

    /// Parses `files["z"]`, and what it includes.
    func parse(files: [String: String]) -> (lines: [String], diagnostics: [String]) {
        let (records, diagnostics) = ZoneFileParser.parseLocated(
            Array((files["z"] ?? "").utf8), file: "z", origin: Self.origin, defaultTTL: nil
        ) { path in
            guard let text = files[path] else { return .failure(ZoneInclusionError(message: "no \(path)")) }
            return .success(IncludedZoneFile(name: path, identity: path, text: Array(text.utf8)))
        }
        let lines = records.map {
            "\($0.file):\($0.line) \($0.record.owner) \($0.record.ttl) "
                + RecordText.format(type: $0.record.type, data: $0.record.data)
        }
        return (lines, diagnostics.map(\.description))
    }

    @Test("$INCLUDE puts records where it stands, and changes nothing behind it")
    func inclusion() {
        let (lines, diagnostics) = parse(files: [
            "z": """
            $TTL 60
            a A 192.0.2.1
            $INCLUDE one ; a comment
              A 192.0.2.2
            $INCLUDE "one" sub
            $INCLUDE one other.test.
            b A 192.0.2.3
            """,
            "one": "  TXT inherited\n$TTL 5\nx A 192.0.2.9\n$ORIGIN deep\ny A 192.0.2.8\n$INCLUDE two",
            "two": "z A 192.0.2.7",
        ])
        #expect(diagnostics == [])
        #expect(
            lines == [
                "z:2 a.example.com 60 192.0.2.1",
                "one:1 a.example.com 60 \"inherited\"", "one:3 x.example.com 5 192.0.2.9",
                "one:5 y.deep.example.com 5 192.0.2.8", "two:1 z.deep.example.com 5 192.0.2.7",
                "z:4 a.example.com 60 192.0.2.2",
                "one:1 a.example.com 60 \"inherited\"", "one:3 x.sub.example.com 5 192.0.2.9",
                "one:5 y.deep.sub.example.com 5 192.0.2.8", "two:1 z.deep.sub.example.com 5 192.0.2.7",
                "one:1 a.example.com 60 \"inherited\"", "one:3 x.other.test 5 192.0.2.9",
                "one:5 y.deep.other.test 5 192.0.2.8", "two:1 z.deep.other.test 5 192.0.2.7",
                "z:7 b.example.com 60 192.0.2.3",
            ])
    }

    @Test("what is wrong with $INCLUDE, and mistakes in the file, each in its place")
    func wrongInclusion() {
        let (lines, diagnostics) = parse(files: [
            "z": """
            $TTL 60
            $INCLUDE
            $INCLUDE none
            $INCLUDE one two three
            $INCLUDE one bad..origin
            $INCLUDE z
            $INCLUDE one
            a A 192.0.2.1
            """,
            "one": "b A 192.0.2\n$INCLUDE z\nc A 192.0.2.2",
        ])
        #expect(lines == ["one:3 c.example.com 60 192.0.2.2", "z:8 a.example.com 60 192.0.2.1"])
        #expect(
            diagnostics.map { $0.split(separator: ";")[0] } == [
                "z:2:9: $INCLUDE has no file", "z:3:10: no none", "z:4:18: $INCLUDE takes a file and an origin",
                "z:5:14: \"bad..origin\": a label of the name is empty", "z:6:10: \"z\" includes itself",
                "one:1:5: \"192.0.2\" is not an IPv4 address such as 192.0.2.1", "one:2:10: \"z\" includes itself",
            ])
    }

    @Test("files inside each other, and files in all, up to their limits")
    func inclusionLimits() {
        func chain(_ depth: Int) -> [String: String] {
            var files = ["z": "$TTL 1\n$INCLUDE f1\n"]
            for index in 1...depth { files["f\(index)"] = "a\(index) A 192.0.2.1\n$INCLUDE f\(index + 1)\n" }
            files["f\(depth)"] = "last A 192.0.2.1\n"
            return files
        }
        #expect(parse(files: chain(ZoneFileParser.inclusionDepth)).diagnostics == [])
        let deeper = parse(files: chain(ZoneFileParser.inclusionDepth + 1))
        #expect(
            deeper.diagnostics == ["f8:2:10: files are included 8 deep already; put the records of this one here"])
        #expect(deeper.lines.count == 8)
        func many(_ count: Int) -> [String: String] {
            ["z": "$TTL 1\n" + String(repeating: "$INCLUDE f\n", count: count), "f": "a A 192.0.2.1"]
        }
        #expect(parse(files: many(ZoneFileParser.inclusionLimit)).diagnostics == [])
        #expect(parse(files: many(ZoneFileParser.inclusionLimit + 1)).diagnostics.count == 1)
        // What doubles with each level stops at the number of files.
        var doubling = ["z": "$TTL 1\n$INCLUDE d0\n$INCLUDE d0\n"]
        for level in 0..<7 { doubling["d\(level)"] = String(repeating: "$INCLUDE d\(level + 1)\n", count: 20) }
        doubling["d7"] = "a A 192.0.2.1\n"
        #expect(parse(files: doubling).diagnostics.count <= ZoneFileParser.diagnosticLimit + 1)
    }

    @Test("a TTL is 2^31-1 seconds at most (RFC 2181 section 8)")
    func longTTL() {
        #expect(parse("a 2147483647 A 192.0.2.1").lines == ["a.example.com 2147483647 A 192.0.2.1"])
        #expect(
            parse("a 2147483648 A 192.0.2.1").diagnostics == [
                "z:1:3: the TTL 2147483648 is longer than 2147483647 s (RFC 2181 section 8); make it a day or less"
            ])
        #expect(parse("$TTL 2147483648\n").diagnostics.count == 1)
    }

    static let sample = """
        $TTL 1h
        @ IN SOA ns1 host ( 1 2h
          15m 2w 30 )
         NS ns1
        ns1 A 192.0.2.1
        t TXT "a b" \\"c ( "d;" ) ; e
        x TYPE65280 \\# 2 abcd
        """

    @Test("every prefix, and every mutation of a byte, is read or refused, never a crash")
    func mutation() {
        let text = Array(Self.sample.utf8)
        for length in 0...text.count {
            _ = ZoneFileParser.parse(Array(text[..<length]), file: "z", origin: Self.origin, defaultTTL: nil)
        }
        var random = SplitMix64(seed: 7)
        for _ in 0..<4000 {
            var mutated = text
            for _ in 0...Int(random.next() % 4) {
                mutated[Int(random.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let (records, diagnostics) = ZoneFileParser.parse(
                mutated, file: "z", origin: Self.origin, defaultTTL: nil)
            for record in records { #expect(RecordFormat.isValid(record.data, type: record.type)) }
            for diagnostic in diagnostics { #expect(diagnostic.line > 0 && diagnostic.column > 0) }
        }
    }
}
