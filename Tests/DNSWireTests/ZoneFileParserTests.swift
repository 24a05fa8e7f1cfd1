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
                    "z:11:1: $INCLUDE is not read",
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
