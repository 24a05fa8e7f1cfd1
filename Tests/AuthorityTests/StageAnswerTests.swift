import Addresses
import DNSWire
import Steering
import TestSupport
import Testing
import TrafficModel

@testable import Authority

@Suite("Answers of stages on the wire")
struct StageAnswerTests {
    private static func intent(_ stages: [Stage]) -> Intent {
        var intent = Fixture.intent()
        intent.wideIPs[0].stages = stages
        return intent
    }

    private func fixture(_ actions: Stage.Action...) -> Fixture { Fixture(Self.intent(actions.map { Stage($0) })) }

    @Test("fixed addresses, of the family that is asked for")
    func addresses() throws {
        var fixture = fixture(.answer(.addresses([.v4(0xC000_0263), .v6(0x2001_0DB8 << 96 | 7)])))
        #expect(try fixture.ask("api.example.com").answerText == ["api.example.com 30 A 192.0.2.99"])
        #expect(try fixture.ask("api.example.com", .aaaa).answerText == ["api.example.com 30 AAAA 2001:db8::7"])
        let other = try fixture.ask("api.example.com", .mx)
        #expect(other.answers == [] && other.responseCode == 0 && other.authorityText == negative)
    }

    @Test("no answer at all, over UDP and TCP, and the drop is counted", arguments: [false, true])
    func drop(tcp: Bool) throws {
        var fixture = fixture(.answer(.drop))
        let query = DNSMessage(id: 1, name: try #require(DomainName("api.example.com")), type: .a)
        #expect(fixture.raw(query.wire, tcp: tcp) == [])
        #expect(fixture.responder.counters.value(.dropped) == 1)
        // The next query is answered as ever.
        #expect(try fixture.ask("www.example.com").answers.count == 2)
    }

    @Test("a negative answer with a time of its own, and the zone's where it has none")
    func negativeTime() throws {
        var short = fixture(.answer(.code(0, ttl: 5)))
        let noData = try short.ask("api.example.com")
        #expect(noData.responseCode == 0 && noData.answers == [])
        #expect(noData.authorities.map(\.ttl) == [5])
        #expect(noData.authorities.map(\.type) == [.soa])
        var nameError = fixture(.answer(.code(3, ttl: 7)))
        let denied = try nameError.ask("API.example.com")
        #expect(denied.responseCode == 3)
        #expect(denied.authorities.map(\.ttl) == [7])
        var plain = fixture(.answer(.code(0, ttl: nil)))
        #expect(try plain.ask("api.example.com").authorities.map(\.ttl) == [30])
        // The prepared answer itself is untouched.
        #expect(try short.ask("www.example.com", .mx).authorities.map(\.ttl) == [30])
    }

    @Test("the zone's addresses at the name are answered where the stages say so, and not before")
    func zoneData() throws {
        var intent = Self.intent([Stage(.available), Stage(.otherwise), Stage(.answer(.zoneData))])
        intent.zones[0] = Fixture.zone("example.com", Fixture.zoneText + "\napi A 192.0.2.111")
        var up = Fixture(intent)
        #expect(try up.ask("api.example.com").answerText == ["api.example.com 30 CNAME us.api.example.com."])
        for index in intent.virtualServers.indices { intent.virtualServers[index].enabled = false }
        var down = Fixture(intent)
        #expect(try down.ask("api.example.com").answerText == ["api.example.com 300 A 192.0.2.111"])
        #expect(try down.ask("api.example.com", .aaaa).authorityText == negative)
    }

    @Test("an explanation is the wire's answer, over a hundred thousand random clients")
    func explainsTheWire() throws {
        let both = [0, 1]
        let records = [
            TopologyRecord(sources: [.prefix(IPPrefix("10.0.0.0/9")!)], candidates: [0]),
            TopologyRecord(
                sources: [.prefix(IPPrefix("10.128.0.0/9")!)], exceptions: [.prefix(IPPrefix("10.200.0.0/16")!)],
                candidates: both),
        ]
        let stages = [
            Stage(.available), Stage(.topology(Topology(records, use: .only))), Stage(.weigh(by: .ratio)),
            Stage(.persist(v4: 22, v6: 56)), Stage(.otherwise), Stage(.available), Stage(.roundRobin),
        ]
        let fixture = Fixture(Self.intent(stages))
        let name = try #require(DomainName("api.example.com"))
        let base = UInt64(77)
        var responder = Responder(counters: WorkerCounters(), sequence: base)
        let subject = try #require(fixture.snapshot.steering.plan.names.first { $0.name == name }?.subject)
        let targets = ["us.api.example.com", "eu.api.example.com"].map { DomainName($0) }
        var generator = SplitMix64(seed: 1)
        var output = [UInt8](repeating: 0, count: 4096)
        var query = DNSMessage(
            id: 1, name: name, type: .a, subnet: .init(address: .v4(0x0A00_0000), source: 24)
        ).wire
        let at = query.count - 3
        var differing = 0
        for round in 0..<UInt64(100_000) {
            let network = UInt32(truncatingIfNeeded: generator.next()) & 0xFFFF
            query[at + 1] = UInt8(network >> 8)
            query[at + 2] = UInt8(network & 255)
            let count = unsafe output.withUnsafeMutableBytes { output in
                unsafe responder.respond(
                    to: query.span.bytes, from: .v4(1), port: 53, overTCP: false, snapshot: fixture.snapshot,
                    into: output)
            }
            let response = try DNSMessage(wire: Array(output[..<count]))
            let decision = fixture.snapshot.steering.explain(
                subject, family: .v4, client: ClientNetwork(address: .v4(0x0A00_0000 | network << 8)),
                sequence: base + round + 1
            ).decision
            guard case .alias(let pool) = decision.answer, response.alias(of: name) == targets[pool],
                response.clientSubnet?.scope == decision.scope, response.lowestTTL == decision.ttl
            else {
                differing += 1
                continue
            }
        }
        #expect(differing == 0)
    }
}
