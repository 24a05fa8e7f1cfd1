import Addresses
import DNSWire
import Steering
import Testing
import TrafficModel

@testable import Authority

/// HTTPS records (RFC 9460) come from the decision that addresses and CNAMEs come from.
@Suite("HTTPS records of steered names")
struct ServiceAnswerTests {
    private static func intent(_ change: (inout Intent) -> Void = { _ in }) -> Intent {
        var intent = Fixture.intent()
        for pool in 0..<3 { intent.pools[pool].https = ServiceBinding() }
        intent.pools[1].https?.port = 8443
        change(&intent)
        return intent
    }

    @Test("a wide IP that is a CNAME is one for HTTPS too, and the pool's host tells the hints")
    func alias() throws {
        var fixture = Fixture(Self.intent())
        #expect(
            try fixture.ask("api.example.com", .https).answerText
                == ["api.example.com 30 CNAME us.api.example.com."])
        #expect(
            try fixture.ask("eu.api.example.com", .https).answerText == [
                "eu.api.example.com 30 HTTPS 1 . alpn=\"h2,http/1.1\" port=8443 ipv4hint=52.31.19.80 ipv6hint=2001:db8:e::1"
            ])
        var without = Fixture(Self.intent { $0.pools[1].https = nil })
        let response = try without.ask("eu.api.example.com", .https)
        #expect(response.answers.isEmpty && response.responseCode == 0 && response.authorityText == negative)
    }

    @Test("hints are the addresses that A and AAAA get in their turn, whatever the method and what is down")
    func hints() throws {
        for method in Pool.Method.allCases {
            for down in 0..<4 {
                var fixture = Fixture(
                    Self.intent { intent in
                        intent.pools[0].method = method
                        intent.pools[0].virtualServers = [0, 1, 2, 3]
                        for server in 0..<2 where down >> server & 1 != 0 {
                            intent.virtualServers[server].enabled = false
                        }
                    })
                for sequence in 0..<20 as Range<UInt64> {
                    var found: [RecordType: [String]] = [:]
                    for type in [RecordType.a, .aaaa, .https] {
                        fixture.responder.sequence = sequence
                        found[type] = try fixture.ask("us.api.example.com", type).answers.map {
                            RecordText.format(type: $0.type, data: $0.data)
                        }
                    }
                    let hints =
                        "1 . alpn=\"h2,http/1.1\" ipv4hint=\(found[.a]?.joined(separator: ",") ?? "") "
                        + "ipv6hint=\(found[.aaaa]?.joined(separator: ",") ?? "")"
                    #expect(found[.https] == [hints])
                }
            }
        }
    }

    @Test("at a zone's apex a pool's addresses stand in for a CNAME, and HTTPS is an alias")
    func apex() throws {
        var fixture = Fixture(Self.intent { $0.wideIPs[1].pools = [1, 0] })
        #expect(try fixture.ask("child.example.com").answerText == ["child.example.com 30 A 52.31.19.80"])
        #expect(try fixture.ask("child.example.com", .aaaa).answerText == ["child.example.com 30 AAAA 2001:db8:e::1"])
        #expect(
            try fixture.ask("child.example.com", .https).answerText
                == ["child.example.com 30 HTTPS 0 eu.api.example.com."])
        // The apex keeps its own records, and has no CNAME.
        #expect(try fixture.ask("child.example.com", .soa).answers.count == 1)
        #expect(try fixture.ask("child.example.com", .cname).answers.isEmpty)
        #expect(try fixture.ask("child.example.com", .mx).answers.isEmpty)
        // A pool that answers addresses has records of its own.
        var direct = Fixture(Self.intent())
        #expect(
            try direct.ask("child.example.com", .https).answerText == [
                "child.example.com 30 HTTPS 1 . alpn=\"h2,http/1.1\" ipv4hint=52.31.19.80 ipv6hint=2001:db8:e::1"
            ])
    }

    @Test("no more hints of a family than the limit, and none of a family without addresses")
    func limits() throws {
        var fixture = Fixture(
            Self.intent { intent in
                intent.pools[0].virtualServers = (0..<12).map { number in
                    intent.virtualServers.append(
                        VirtualServer(
                            name: "n\(number)",
                            endpoint: Endpoint(address: .v4(0xC633_6400 + UInt32(number)), port: 443), region: 0))
                    return intent.virtualServers.count - 1
                }
                intent.pools[0].maxAnswers = 12
            })
        let text = try #require(try fixture.ask("us.api.example.com", .https).answerText.first)
        #expect(text.split(separator: ",198.51").count == SteeringDecision.hintLimit)
        #expect(!text.contains("ipv6hint"))
        #expect(try fixture.ask("us.api.example.com").answers.count == 12)
    }

    @Test("fixed addresses are no service, and a zone's own HTTPS record goes first")
    func others() throws {
        var fixed = Fixture(
            Self.intent { $0.wideIPs[0].stages = [Stage(.answer(.addresses([.v4(0xC000_0263)])))] })
        #expect(try fixed.ask("api.example.com", .https).answers.isEmpty)
        var own = Fixture(
            Self.intent {
                $0.zones[0] = Fixture.zone("example.com", Fixture.zoneText + "\nus.api HTTPS 1 . alpn=h3")
            })
        #expect(
            try own.ask("us.api.example.com", .https).answerText == ["us.api.example.com 300 HTTPS 1 . alpn=\"h3\""])
    }
}
