import Testing

@testable import DNSWire

@Suite("Zone checks")
struct ZoneChecksTests {
    static let origin = DomainName("example.com")!
    static let digest = String(repeating: "ab", count: 32)
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
                sub DS 1 13 2 \(Self.digest)
                ns.sub A 192.0.2.1
                old DNAME www.example.net.
                _sip._tcp SRV 1 2 443 web
                @ MX 10 web
                @ MX 20 any.wild.mail
                *.wild.mail AAAA 2001:db8::1
                empty.below.here TXT x
                @ CAA 0 issue ca.example.net
                web HTTPS 1 . alpn=h2
                www CNAME web
                web A 192.0.2.2
                *.wild TXT x
                """)
        #expect(diagnostics == [])
        #expect(records.count == 17)
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
            ("d DNAME x.\nd DNAME y.", "z:5:1: d.example.com has a second DNAME"),
            ("d DNAME x.\nd CNAME y.", "z:5:1: d.example.com has a CNAME and DNAME data"),
            ("*.d DNAME x.", "z:4:1: a wildcard cannot be redirected (RFC 4592 section 4.4)"),
            (
                "d DNAME x.\na.b.d A 192.0.2.1",
                "z:5:1: a.b.d.example.com lies below the DNAME of d.example.com, where nothing may be (RFC 6672 section 2.4)"
            ),
            (
                "@ DNAME x.\na TXT x",
                "z:5:1: a.example.com lies below the DNAME of example.com, where nothing may be (RFC 6672 section 2.4)"
            ),
            ("d NS x.\nd DNAME y.", "z:5:1: d.example.com is delegated and has a DNAME"),
            ("d DS 1 13 2 \(digest)", "z:4:1: warning: d.example.com has DS records but is not delegated"),
            (
                "a RRSIG A 13 2 3600 1 1 1 @ AAAA",
                "z:4:1: warning: the RRSIG record of a.example.com is left out, because signatures are not served from files"
            ),
            (
                "sub NS ns.sub\nsub NS ns.sub2",
                "z:4:1: warning: the name server ns.sub.example.com lies in this zone but has no A or AAAA record"
            ),
            (
                "sub NS ns.sub\nsub NS ns2.sub\nns2.sub AAAA ::1",
                "z:4:1: warning: the name server ns.sub.example.com lies in this zone but has no A or AAAA record"
            ),
            (
                "a CNAME b",
                "z:4:1: warning: the CNAME target b.example.com does not exist in this zone"
            ),
            (
                "a DNAME b",
                "z:4:1: warning: the DNAME target b.example.com does not exist in this zone"
            ),
            ("a CNAME b\nc.b A 192.0.2.1", "z:4:1: warning: the CNAME target b.example.com has no records of its own"),
            ("a MX 1 b", "z:4:1: warning: the MX target b.example.com does not exist in this zone"),
            (
                "a MX 1 x.b.c\n*.c A 192.0.2.1\nb.c TXT x",
                "z:4:1: warning: the MX target x.b.c.example.com does not exist in this zone"
            ),
            (
                "a MX 1 b\nb TXT x",
                "z:4:1: warning: the MX target b.example.com lies in this zone but has no A or AAAA record"
            ),
            (
                "a SRV 1 2 3 b\nb CNAME c.",
                "z:4:1: warning: the SRV target b.example.com is a CNAME, which RFC 2181 section 10.3 forbids"
            ),
            ("a MX 1 192.0.2.1.", "z:4:1: warning: the MX target 192.0.2.1 is an address"),
            (
                "a MX 1 b_c.",
                "z:4:1: warning: the MX target b_c is no host name (RFC 1123 section 2.1): letters, digits and hyphens are"
            ),
            (
                "a_b A 192.0.2.1",
                "z:4:1: warning: a_b.example.com is no host name (RFC 1123 section 2.1): letters, digits and hyphens are"
            ),
            (
                "-a AAAA ::1",
                "z:4:1: warning: -a.example.com is no host name (RFC 1123 section 2.1): letters, digits and hyphens are"
            ),
            ("a.example.com TXT x", "z:4:1: warning: a.example.com.example.com has the zone's name twice"),
            (
                "a PTR b.example.com",
                "z:4:1: warning: the PTR target b.example.com.example.com has the zone's name twice"
            ),
            ("a SSHFP 4 2 ab", "z:4:1: warning: the digest of a.example.com has 1 bytes"),
            (
                "a SVCB 0 b.example.net. port=1",
                "z:4:1: warning: the SVCB record of a.example.com has priority 0, so its parameters are ignored (RFC 9460 section 2.4.2)"
            ),
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
                "sub NS ns.sub\nsub NS NS2.sub",
                "z:4:1: nobody finds the servers of sub.example.com, because all of them lie inside it and none has an A or AAAA record here"
            ),
            (
                "@ NS ns2\nns2 CNAME x.",
                "z:4:1: warning: the name server ns2.example.com is a CNAME, which RFC 2181 section 10.3 forbids"
            ),
            (
                "@ NS ns2",
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
        let redirected = check(Self.apex + "sub DNAME x.example.net.", steered: ["api.sub.example.com"]).diagnostics
        #expect(
            redirected == ["z:4:1: api.sub.example.com is never answered here, because sub.example.com has a DNAME"])
        // Targets that are steered, or exist because of steered names.
        #expect(check(Self.apex + "a CNAME api\nb MX 1 api", steered: ["api.example.com"]).diagnostics == [])
        #expect(check(Self.apex + "a DNAME lb", steered: ["api.lb.example.com"]).diagnostics == [])
        let slow = Self.apex.replacing("60", with: "1h").replacing("4 30", with: "4 61")
        #expect(
            check(slow, steered: ["api.example.com"]).diagnostics.first?.hasPrefix("z:2:1: warning: resolvers keep")
                == true)
        #expect(check(slow).diagnostics == [])
        #expect(check(Self.apex, steered: ["api.example.com"]).diagnostics == [])
        #expect(check(Self.apex + "@ NS api", steered: ["api.example.com"]).diagnostics == [])
    }

    @Test("duplicates in a set of any size")
    func duplicates() {
        let text = (0..<40).map { "a A 192.0.2.\($0)\nb NS N\($0).example.net." }.joined(separator: "\n")
        let again = "a A 192.0.2.3\na A 192.0.2.39\nb NS n39.EXAMPLE.net.\na A 192.0.2.40\na A 192.0.2.40"
        let (records, diagnostics) = check(Self.apex + text + "\n" + again)
        #expect(diagnostics.map { String($0.prefix(7)) } == ["z:84:1:", "z:85:1:", "z:86:1:", "z:88:1:"])
        #expect(records.count == 2 + 81)
    }

    @Test("thousands of names, delegations and targets are checked in passing")
    func manyNames() {
        var text = Self.apex
        for index in 0..<3000 {
            text +=
                "n\(index) A 192.0.2.1\nd\(index) NS ns.d\(index)\nns.d\(index) A 192.0.2.2\nm\(index) MX 1 n\(index)\n"
        }
        let (records, diagnostics) = check(text)
        #expect(diagnostics == [])
        #expect(records.count == 2 + 4 * 3000)
    }
}
