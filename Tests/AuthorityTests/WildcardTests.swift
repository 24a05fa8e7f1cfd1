import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// Wildcards and empty non-terminals: RFC 4592, with the zone and the questions of its section 2.2.1, and RFC 8020.
@Suite("Wildcards")
struct WildcardTests {
    static let zoneText = """
        $TTL 3600
        @ SOA ns.example.com. host.example.com. 1 2 3 4 5
        @ NS ns.example.com.
        @ NS ns.example.net.
        * TXT "this is a wildcard"
        * MX 10 host1
        sub.* TXT "this is not a wildcard"
        host1 A 192.0.2.1
        _ssh._tcp.host1 SRV 1 2 3 host1
        _ssh._tcp.host2 SRV 1 2 3 host1
        subdel NS ns.example.com.
        subdel NS ns.example.net.
        *.alias CNAME host1
        *.loop CNAME a.loop
        below.*.empty A 192.0.2.2
        *.deep.a A 192.0.2.3
        b.deep.a TXT "below the encloser"
        *.out CNAME x.example.net.
        """

    static func intent() -> Intent {
        var intent = Intent()
        intent.zones = [Fixture.zone("example", zoneText)]
        return intent
    }

    @Test(
        "who answers: the name itself, the wildcard of its closest encloser, or nobody",
        arguments: [
            ("host3.example", RecordType.mx, UInt8(0), ["host3.example 3600 MX 10 host1.example."]),
            ("host3.example", .a, 0, []),
            ("foo.bar.example", .txt, 0, ["foo.bar.example 3600 TXT \"this is a wildcard\""]),
            ("host1.example", .mx, 0, []),
            ("sub.*.example", .mx, 0, []),
            ("sub.*.example", .txt, 0, ["sub.*.example 3600 TXT \"this is not a wildcard\""]),
            ("_telnet._tcp.host1.example", .srv, 3, []),
            ("ghost.*.example", .mx, 3, []),
            // RFC 4592 section 2.2.2 and RFC 8020: a name in between exists, so no wildcard stands for it.
            ("_tcp.host2.example", .txt, 0, []),
            ("host2.example", .mx, 0, []),
            ("x.host2.example", .mx, 3, []),
            // The label * in a question is a label like others.
            ("*.example", .txt, 0, ["*.example 3600 TXT \"this is a wildcard\""]),
            ("*.host3.example", .txt, 0, ["*.host3.example 3600 TXT \"this is a wildcard\""]),
            ("a*.example", .txt, 0, ["a*.example 3600 TXT \"this is a wildcard\""]),
            // A wildcard without data is still the one that answers.
            ("x.empty.example", .a, 0, []),
            ("x.y.empty.example", .a, 0, []),
            ("below.x.empty.example", .a, 0, []),
            ("below.*.empty.example", .a, 0, ["below.*.empty.example 3600 A 192.0.2.2"]),
            ("x.deep.a.example", .a, 0, ["x.deep.a.example 3600 A 192.0.2.3"]),
            ("b.deep.a.example", .a, 0, []),
            ("x.b.deep.a.example", .a, 3, []),
            ("x.a.example", .txt, 3, []),
            // An alias for whatever name was asked for.
            (
                "q.alias.example", .a, 0,
                ["q.alias.example 3600 CNAME host1.example.", "host1.example 3600 A 192.0.2.1"]
            ),
            ("q.alias.example", .cname, 0, ["q.alias.example 3600 CNAME host1.example."]),
            ("a.b.out.example", .a, 0, ["a.b.out.example 3600 CNAME x.example.net."]),
        ])
    func answers(name: String, type: RecordType, code: UInt8, expected: [String]) throws {
        var fixture = Fixture(Self.intent())
        let response = try fixture.ask(name, type)
        #expect(response.responseCode == code && response.isAuthoritative)
        #expect(response.answerText == expected)
        #expect(response.authorities.map(\.type) == (expected.isEmpty ? [.soa] : []))
    }

    @Test("below a delegation there is no wildcard, but a referral")
    func delegation() throws {
        var fixture = Fixture(Self.intent())
        let response = try fixture.ask("host.subdel.example")
        #expect(!response.isAuthoritative && response.answers == [])
        #expect(response.authorities.map(\.type) == [.ns, .ns])
    }

    @Test("a wildcard that is its own alias is said once, also where the alias was asked for itself")
    func loop() throws {
        var fixture = Fixture(Self.intent())
        #expect(try fixture.ask("x.loop.example").answerText == ["x.loop.example 3600 CNAME a.loop.example."])
        #expect(try fixture.ask("a.loop.example").answerText == ["a.loop.example 3600 CNAME a.loop.example."])
    }
}
