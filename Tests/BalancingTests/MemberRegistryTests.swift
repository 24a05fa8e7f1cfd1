import Addresses
import Testing
import TrafficModel

@testable import Balancing

@Suite("What outlives a reload")
struct MemberRegistryTests {
    @Test("members keep their state through a new configuration, whatever their order")
    func carriesOver() {
        var fixture = Fixture(ratios: [1, 1, 1])
        let before = fixture.compile()
        var loop = LoopBalancer(seed: 1)
        let held = loop.lease(before, excluding: [1, 2])
        #expect(before.upstreams[0].reportFailure(member: 1, reason: .refused, now: second))
        fixture.intent.generation = 2
        fixture.intent.upstreams[0].members.reverse()
        fixture.intent.upstreams[0].members[0].ratio = 9
        let after = fixture.compile()
        #expect(
            after.upstreams[0].members.map(\.state.serial) == before.upstreams[0].members.map(\.state.serial).reversed()
        )
        #expect(after.upstreams[0].members[2].state.openCount == 1)
        #expect(after.upstreams[0].members[1].state.ejectionRemaining(now: second) == 5 * second)
        #expect(after.memberSerials == before.memberSerials)
        #expect(held?.member == 0)
    }

    @Test("a state goes when nothing refers to it, and stays while something does")
    func dropped() {
        var fixture = Fixture(ratios: [1, 1])
        var loop = LoopBalancer(seed: 1)
        var snapshot: BalancingSnapshot? = fixture.compile()
        let serial = snapshot?.upstreams[0].members[1].state.serial
        var held = snapshot.flatMap { loop.lease($0, excluding: [0]) }
        fixture.intent.upstreams[0].members.removeLast()
        snapshot = fixture.compile()
        // The lease still holds the state of the member that went.
        #expect(fixture.registry.memberCount == 2)
        #expect(snapshot?.memberSerials.count == 1)
        fixture.intent.upstreams[0].members.append(Upstream.Member(endpoint: Fixture.endpoint(1)))
        snapshot = fixture.compile()
        #expect(snapshot?.upstreams[0].members[1].state.serial == serial)
        #expect(snapshot?.upstreams[0].members[1].state.openCount == 1)
        held = nil
        #expect(held == nil)
        fixture.intent.upstreams[0].members.removeLast()
        snapshot = fixture.compile()
        snapshot = fixture.compile()
        #expect(fixture.registry.memberCount == 1)
    }

    @Test("other TLS settings make another member: kept connections must not mix")
    func tls() {
        var fixture = Fixture(ratios: [1])
        let plain = fixture.compile()
        fixture.intent.upstreams[0].tls = Upstream.TLS()
        let encrypted = fixture.compile()
        #expect(plain.memberSerials.isDisjoint(with: encrypted.memberSerials))
    }

    @Test("two upstreams with one endpoint do not share counts")
    func upstreamsApart() {
        var fixture = Fixture(ratios: [1])
        var other = fixture.intent.upstreams[0]
        other.name = "v"
        fixture.intent.upstreams.append(other)
        #expect(fixture.compile().memberSerials.count == 2)
    }

    @Test("slots of upstreams are reused, never shared")
    func slots() {
        var fixture = Fixture(ratios: [1])
        let template = fixture.intent.upstreams[0]
        var snapshot = fixture.compile()
        for round in 0..<50 {
            fixture.intent.upstreams = (0..<3).map { index in
                var upstream = template
                upstream.name = "u\((round + index) % 7)"
                return upstream
            }
            snapshot = fixture.compile()
            #expect(Set(snapshot.upstreams.map(\.slot)).count == 3)
            #expect(snapshot.upstreams.allSatisfy { $0.slot < 10 })
        }
    }

    @Test("a route's clients stay known through a reload, also with another rate; its table goes with the route")
    func limiters() throws {
        var fixture = Fixture(ratios: [1])
        var route = Route(name: "limited", action: .upstream(0))
        route.rateLimit = Route.RateLimit(rate: 0.01, burst: 1)
        let endpoint = Fixture.endpoint(99)
        fixture.intent.listeners = [Listener(name: "l", endpoint: endpoint, mode: .http(routes: [route]))]
        func limiter(_ snapshot: BalancingSnapshot) throws -> RateLimiter {
            guard case .http(let table) = snapshot.listeners[0].mode else { throw Refusal(reason: .down) }
            return try #require(table.routes[0].limiter)
        }
        #expect(try limiter(fixture.compile()).check(client: .v4(1), now: second) == .pass)
        fixture.intent.generation = 2
        route.rateLimit?.rate = 0.02
        fixture.intent.listeners = [Listener(name: "l", endpoint: endpoint, mode: .http(routes: [route]))]
        let later = fixture.compile()
        #expect(try limiter(later).check(client: .v4(1), now: 2 * second) != .pass)
        // The same generation: the listeners are taken over, and so the table stays named.
        let third = fixture.compile(previous: later)
        #expect(try limiter(third).check(client: .v4(1), now: 2 * second) != .pass)
        #expect(fixture.registry.rateTableCount == 1)
    }

    @Test("the table of a route that went is dropped")
    func limiterDropped() {
        var fixture = Fixture(ratios: [1])
        var route = Route(name: "limited", action: .upstream(0))
        route.rateLimit = Route.RateLimit(rate: 1, burst: 1)
        fixture.intent.listeners = [
            Listener(name: "l", endpoint: Fixture.endpoint(99), mode: .http(routes: [route]))
        ]
        _ = fixture.compile()
        fixture.intent.listeners = []
        _ = fixture.compile()
        _ = fixture.compile()
        #expect(fixture.registry.rateTableCount == 0)
    }

    @Test("listeners: modes, trusted proxies, numbers")
    func listeners() throws {
        var fixture = Fixture(ratios: [1])
        var listener = Listener(name: "tcp", endpoint: Fixture.endpoint(9), mode: .tcp(upstream: 0))
        listener.trustedProxies = [try #require(IPPrefix("10.0.0.0/8"))]
        fixture.intent.listeners = [listener]
        fixture.intent.generation = 5
        let snapshot = fixture.compile()
        guard case .tcp(upstream: 0) = snapshot.listeners[0].mode else {
            Issue.record("mode")
            return
        }
        #expect(snapshot.listeners[0].trusts(.v4(0x0a01_0203)))
        #expect(!snapshot.listeners[0].trusts(.v4(0x0b01_0203)))
        #expect(snapshot.generation == 5)
        #expect(snapshot.epoch == 1)
    }
}
