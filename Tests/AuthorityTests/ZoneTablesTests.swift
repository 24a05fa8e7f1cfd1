import Addresses
import DNSWire
import Geography
import Steering
import Testing
import TrafficModel

@testable import Authority

@Suite("Generations that share their tables")
struct ZoneTablesTests {
    /// What one generation was made of, and what was made of it.
    private typealias Made = (data: AuthorityData, intent: Intent, plan: SteeringPlan)

    private func make(_ intent: Intent, after previous: Made? = nil, seed: UInt64 = 42) -> Made {
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return (
            AuthorityData(
                intent: intent, plan: plan, seed: seed, cookieSeed: Fixture.cookieSeed, previous: previous),
            intent, plan
        )
    }

    private func data(_ intent: Intent, after previous: Made? = nil, seed: UInt64 = 42) -> AuthorityData {
        make(intent, after: previous, seed: seed).data
    }

    @Test("zones and names that stay as they were are not made anew, whatever else changes")
    func shared() throws {
        var intent = Fixture.intent()
        let first = make(intent)
        intent.generation = 2
        intent.dns.udpSize = 512
        intent.dns.answers.identifier = [1]
        intent.dns.answers.cookies.policy = .require
        intent.pools[0].ratio = 7
        intent.wideIPs[0].ttl = 5
        intent.virtualServers[0].endpoint = Endpoint("198.51.100.77:443")!
        let second = data(intent, after: first)
        #expect(second.tables === first.data.tables)
        #expect(second.generation == 2 && second.udpSize == 512 && second.policy.requiresCookies)
        // Read again, without a change.
        #expect(data(Fixture.intent(), after: first).tables === first.data.tables)
        // Answers are those of the new generation, the tables outlive the old one.
        intent.dns.answers.cookies.policy = .answer
        var fixture = Fixture(intent)
        var old: Made? = make(Fixture.intent())
        let next = data(intent, after: old)
        old = nil
        fixture.snapshot = AuthoritySnapshot(data: next, steering: fixture.snapshot.steering)
        let addresses = Set(try fixture.ask("us.api.example.com").addresses)
        #expect(addresses == [IPAddress("198.51.100.77")!, IPAddress("34.22.11.91")!])
        #expect(try fixture.ask("api.example.com").lowestTTL == 5)
        #expect(try fixture.ask("www.example.com").answers.count == 2)
    }

    @Test("any change of what answers hold makes them anew")
    func changed() throws {
        let first = make(Fixture.intent())
        let changes: [(String, (inout Intent) -> Void)] = [
            ("data", { $0.zones[0].records[0].data[0] ^= 1 }),
            ("a TTL", { $0.zones[0].records[3].ttl = 1 }),
            ("a record less", { $0.zones[1].records.removeLast() }),
            (
                "letters",
                {
                    let record = $0.zones[0].records.firstIndex { $0.owner == DomainName("www.example.com") }!
                    $0.zones[0].records[record].owner = DomainName("WWW.example.com")!
                }
            ),
            ("letters of a zone", { $0.zones[1].origin = DomainName("Child.example.com")! }),
            ("the order of zones", { $0.zones.swapAt(0, 1) }), ("a zone less", { $0.zones.removeLast() }),
            ("a steered name", { $0.wideIPs[0].aliases = [] }), ("its place", { $0.wideIPs.swapAt(0, 1) }),
            ("a pool's host", { $0.pools[0].host = DomainName("US.api.example.com")! }),
            ("a pool's target", { $0.pools[3].answer = .external(DomainName("cdn.example.org")!) }),
            ("a pool's HTTPS record", { $0.pools[0].https = ServiceBinding() }),
            ("the contents", { $0.dns.responses = .full }), ("who this is", { $0.dns.answers.serverName = "node-2" }),
            ("what this is", { $0.dns.answers.version = nil }),
        ]
        for (what, change) in changes {
            var intent = Fixture.intent()
            change(&intent)
            #expect(data(intent, after: first).tables !== first.data.tables, "\(what)")
        }
        #expect(data(Fixture.intent(), after: first, seed: 43).tables !== first.data.tables)
    }
}
