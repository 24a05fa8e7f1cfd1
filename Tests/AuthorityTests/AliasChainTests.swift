import DNSWire
import Testing
import TrafficModel

@testable import Authority

@Suite("Chains of aliases")
struct AliasChainTests {
    /// `a0` is an alias of `a1` and so on, in turn in one zone and the other; the last one has an address.
    static func intent(aliases: Int) -> Intent {
        var texts = ["$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n", "$TTL 30\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"]
        let origins = ["one.test", "two.test"]
        for index in 0..<aliases {
            texts[index % 2] += "a\(index) CNAME a\(index + 1).\(origins[(index + 1) % 2]).\n"
        }
        texts[aliases % 2] += "a\(aliases) A 192.0.2.1\n"
        var intent = Intent()
        intent.zones = zip(origins, texts).map { Fixture.zone($0, $1) }
        return intent
    }

    @Test("are followed from zone to zone, each record with its own TTL, up to the limit", arguments: 1...10)
    func limit(aliases: Int) throws {
        var fixture = Fixture(Self.intent(aliases: aliases))
        let response = try fixture.ask("a0.one.test", tcp: true)
        #expect(response.responseCode == 0 && response.isAuthoritative)
        let followed = min(aliases, Responder.chainLimit)
        #expect(response.answers.prefix(followed).allSatisfy { $0.type == .cname })
        #expect(response.answers.prefix(followed).map(\.ttl) == (0..<followed).map { $0 % 2 == 0 ? 60 : 30 })
        // A resolver that got no address goes on from the last alias.
        let isWhole = aliases < Responder.chainLimit
        #expect(response.answers.count == followed + (isWhole ? 1 : 0))
        #expect(response.answers.last?.type == (isWhole ? .a : .cname))
        // Who asks for the alias, or for anything, gets the first one alone.
        #expect(try fixture.ask("a0.one.test", .cname).answers.count == 1)
        #expect(try fixture.ask("a0.one.test", .any).answers.count == 1)
    }
}
