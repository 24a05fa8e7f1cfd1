import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

/// Zones may hold more at a name than any message has room for. That must not keep them from being served.
@Suite("Answers larger than a message")
struct LargeAnswerTests {
    static let head = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.80\n"

    /// As many small records as the checks of a zone let pass.
    static func set(_ owner: String, _ type: String, _ data: (Int) -> String, size: Int) -> String {
        (0..<(ZoneChecks.setSizeLimit / size)).map { "\(owner) \(type) \(data($0))\n" }.joined()
    }

    static func fixture(_ text: String, full: Bool) -> Fixture {
        var intent = Intent()
        let origin = DomainName("example.com")!
        let parsed = ZoneFileParser.parseLocated(
            Array((head + text).utf8), file: "z", origin: origin, defaultTTL: nil)
        let checked = ZoneChecks.check(origin: origin, records: parsed.records)
        let errors = parsed.diagnostics + checked.diagnostics.filter { $0.severity == .error }
        #expect(errors.isEmpty, "\(errors)")
        intent.zones = [Zone(origin: origin, records: checked.records)]
        intent.dns.responses = full ? .full : .minimal
        return Fixture(intent)
    }

    @Test("a delegation to thousands of servers", arguments: [false, true])
    func referral(full: Bool) throws {
        let servers = (0..<1800).map { "s\($0).sub" }
        let text =
            servers.map { "sub NS \($0)\n" }.joined()
            + servers.map { "\($0) A 192.0.2.1\n\($0) AAAA 2001:db8::1\n" }.joined()
        var fixture = Self.fixture(text, full: full)
        #expect(try fixture.ask("x.sub.example.com").isTruncated)
        #expect(try fixture.ask("x.sub.example.com", tcp: true).responseCode == 2)
        #expect(try fixture.ask("www.example.com").answerText == ["www.example.com 60 A 192.0.2.80"])
    }

    @Test("a wildcard's set, alone and at the end of aliases", arguments: [false, true])
    func wildcard(full: Bool) throws {
        let long = String(repeating: "a", count: 63)
        let chain = (0..<5).map { "\(long).\(long).c\($0) CNAME \(long).\(long).c\($0 + 1)\n" }.joined()
        let text =
            Self.set("*.wild", "MX", { "\($0) m" }, size: 12 + 20) + Self.set("big", "MX", { "\($0) m" }, size: 12 + 20)
            + "*.alias CNAME \(long).\(long).c0\n\(chain)\(long).\(long).c5 CNAME big\n*.direct CNAME big\n"
            + (0..<700).map { "@ NS n\($0)\nn\($0) A 192.0.2.1\n" }.joined()
        var fixture = Self.fixture(text, full: full)
        for name in ["x.wild", "x.direct", "x.alias", "big"] {
            #expect(try fixture.ask("\(name).example.com", .mx).isTruncated)
            let whole = try fixture.ask("\(name).example.com", .mx, tcp: true)
            // It fits whole, or the client is told that it does not.
            #expect(whole.responseCode == 2 || whole.answers.count >= 2000, "\(name): \(whole.answers.count)")
        }
        #expect(try fixture.ask("example.com", .ns, tcp: true).answers.count == 701)
        #expect(try fixture.ask("www.example.com", tcp: true).answers.count == 1)
    }
}
