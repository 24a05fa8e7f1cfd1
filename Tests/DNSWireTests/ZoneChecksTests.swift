import Testing

@testable import DNSWire

@Suite("Zone checks")
struct ZoneChecksTests {
    static let origin = DomainName("example.com")!
    static let apex = "$TTL 60\n@ SOA ns1.example.net. host.example.net. 1 2 3 4 30\n@ NS ns1.example.net.\n"

    func check(_ text: String, steered: [String] = []) -> (records: [ResourceRecord], diagnostics: [String]) {
        let parsed = ZoneFileParser.parseLocated(Array(text.utf8), file: "z", origin: Self.origin, defaultTTL: nil)
        #expect(parsed.diagnostics == [])
        let (records, diagnostics) = ZoneChecks.check(
            origin: Self.origin, records: parsed.records, steered: steered.map { DomainName($0)! }, file: "conf.yaml",
            line: 7, column: 3)
        return (records, diagnostics.map(\.description))
    }

    @Test("a right zone passes")
    func right() {
        let (records, diagnostics) = check(
            Self.apex + """
                sub NS ns.sub
                sub NS ns.other.net.
                sub DS 1 13 2 ab
                ns.sub A 192.0.2.1
                www CNAME web
                web A 192.0.2.2
                *.wild TXT x
                """)
        #expect(diagnostics == [])
        #expect(records.count == 9)
    }

    @Test("one TTL per set: the lowest")
    func differentTTLs() {
        let (records, diagnostics) = check(Self.apex + "a A 192.0.2.1\na 5 A 192.0.2.2\na 9 A 192.0.2.3")
        let expected = "warning: the A records of a.example.com have different TTLs; 5 is used for all"
        #expect(diagnostics == ["z:5:1: \(expected)", "z:6:1: \(expected)"])
        #expect(records.filter { $0.type == .a }.map(\.ttl) == [5, 5, 5])
    }

    @Test(
        "each mistake is named where it stands",
        arguments: [
            ("www.example.net. A 192.0.2.1", "z:4:1: www.example.net is outside the zone example.com"),
            ("a A 192.0.2.1\na A 192.0.2.1", "z:5:1: warning: the same A record of a.example.com is there already"),
            (
                "a NS b.example.net.\na NS B.EXAMPLE.NET.",
                "z:5:1: warning: the same NS record of a.example.com is there already"
            ),
            ("@ SOA a b 1 2 3 4 5", "z:4:1: the zone example.com has a second SOA record"),
            ("x SOA a b 1 2 3 4 5", "z:4:1: the SOA record of x.example.com is not at the zone's origin, example.com"),
            ("@ CNAME x", "z:4:1: a zone's origin cannot be a CNAME: its SOA and NS records stand there"),
            ("a CNAME b.\na CNAME c.", "z:5:1: a.example.com has a second CNAME"),
            ("a CNAME b.\nA TXT x", "z:4:1: a.example.com has a CNAME and TXT data"),
            ("b CNAME a\na CNAME b", "z:5:1: the CNAME of a.example.com leads back to itself"),
            ("d DNAME x.", "z:4:1: DNAME records are not served"),
            ("*.d NS x.", "z:4:1: a wildcard cannot be delegated (RFC 4592 section 4.2)"),
            (
                "sub NS x.\nsub TXT y",
                "z:5:1: warning: the TXT records of sub.example.com are never answered, because sub.example.com is delegated"
            ),
            (
                "sub NS x.\na.sub A 192.0.2.1",
                "z:5:1: warning: the A records of a.sub.example.com are never answered, because sub.example.com is delegated"
            ),
            (
                "sub NS ns.sub",
                "z:4:1: warning: the name server ns.sub.example.com lies in this zone but has no A or AAAA record"
            ),
            (
                "@ NS ns2\nns2 CNAME x.",
                "z:4:1: warning: the name server ns2.example.com lies in this zone but has no A or AAAA record"
            ),
        ])
    func mistakes(text: String, expected: String) {
        let diagnostics = check(Self.apex + text).diagnostics
        #expect(diagnostics.first?.split(separator: ";").first.map(String.init) == expected)
    }

    @Test("what is missing is reported where the zone was named")
    func missing() {
        #expect(
            check("$TTL 1\na A 192.0.2.1").diagnostics == [
                "conf.yaml:7:3: the zone example.com has no SOA record; write one at its origin",
                "conf.yaml:7:3: the zone example.com has no NS record; name its servers at its origin",
            ])
    }

    @Test("a set that no message holds")
    func tooLarge() {
        let text = (0..<300).map { "big TXT \"\(String(repeating: "x", count: 220))\($0)\"" }.joined(separator: "\n")
        #expect(check(Self.apex + text).diagnostics.count == 1)
        let fits = (0..<200).map { "big TXT \"\(String(repeating: "x", count: 220))\($0)\"" }.joined(separator: "\n")
        #expect(check(Self.apex + fits).diagnostics == [])
    }

    @Test("steered names: not below a delegation; a long negative TTL is warned about")
    func steered() {
        let below = check(Self.apex + "sub NS x.example.net.", steered: ["api.sub.example.com"]).diagnostics
        #expect(below == ["z:4:1: api.sub.example.com is never answered here, because sub.example.com is delegated"])
        let slow = Self.apex.replacing("60", with: "1h").replacing("4 30", with: "4 61")
        #expect(
            check(slow, steered: ["api.example.com"]).diagnostics.first?.hasPrefix("z:2:1: warning: resolvers keep")
                == true)
        #expect(check(slow).diagnostics == [])
        #expect(check(Self.apex, steered: ["api.example.com"]).diagnostics == [])
        #expect(check(Self.apex + "@ NS api", steered: ["api.example.com"]).diagnostics == [])
    }
}
