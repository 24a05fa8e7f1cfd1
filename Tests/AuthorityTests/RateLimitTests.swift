import Addresses
import DNSWire
import FlatTables
import Testing
import TrafficModel

@testable import Authority

@Suite("Response-rate limiting")
struct RateLimitTests {
    private static func limit(_ rate: Int, _ change: (inout ResponseRateLimit) -> Void = { _ in }) -> ResponseRateLimit
    {
        var limit = ResponseRateLimit(rate: rate)
        limit.slip = 0
        change(&limit)
        return limit
    }

    private static func fixture(_ limit: ResponseRateLimit) -> Fixture {
        var intent = Fixture.intent()
        intent.dns.answers.rateLimit = limit
        var fixture = Fixture(intent)
        fixture.responder.time = 5_000_000_000
        return fixture
    }

    /// How many of so many questions at once get any response.
    private func answered(
        _ count: Int, _ fixture: inout Fixture, _ name: String = "www.example.com", from source: String = "192.0.2.1",
        options: KeyValuePairs<UInt16, [UInt8]> = [:], tcp: Bool = false
    ) -> Int {
        (0..<count).count { _ in
            !fixture.raw(DNSMessage.query(name, options: options).wire, from: IPAddress(source)!, tcp: tcp).isEmpty
        }
    }

    @Test(
        "so many in a second as the rate says, the next is not answered; then they come back at the rate",
        arguments: [1, 5, 1000])
    func rate(rate: Int) {
        var fixture = Self.fixture(Self.limit(rate))
        #expect(answered(rate + 3, &fixture) == rate)
        #expect(fixture.responder.counters.value(.rateLimited) == 3)
        #expect(fixture.responder.counters.value(Outcome.dropped) == 3)
        #expect(fixture.responder.counters.value(Outcome.answered) == UInt64(rate))
        let interval = 1_000_000_000 / UInt64(rate)
        fixture.responder.time += interval - 1
        #expect(answered(1, &fixture) == 0)
        fixture.responder.time += 1
        #expect(answered(2, &fixture) == 1)
        // After a second all are back, after more no more than that.
        for _ in 0..<2 {
            fixture.responder.time += 20_000_000_000
            #expect(answered(rate + 3, &fixture) == rate)
        }
    }

    @Test("networks are counted apart by their prefix")
    func prefixes() {
        var fixture = Self.fixture(Self.limit(2))
        #expect(answered(3, &fixture, from: "192.0.2.1") == 2)
        #expect(answered(1, &fixture, from: "192.0.2.255") == 0)
        #expect(answered(3, &fixture, from: "192.0.3.1") == 2)
        #expect(answered(3, &fixture, from: "2001:db8:0:100::1") == 2)
        #expect(answered(1, &fixture, from: "2001:db8:0:1ff::2") == 0)
        #expect(answered(3, &fixture, from: "2001:db8:0:200::1") == 2)
        // An IPv6 network whose upper half looks like an IPv4 address is another.
        #expect(answered(3, &fixture, from: "0:0:c000:200::1") == 2)
        var narrow = Self.fixture(
            Self.limit(2) {
                $0.prefix4 = 32
                $0.prefix6 = 64
            })
        #expect(answered(3, &narrow, from: "192.0.2.1") == 2)
        #expect(answered(3, &narrow, from: "192.0.2.2") == 2)
        #expect(answered(3, &narrow, from: "2001:db8:0:100::1") == 2)
        #expect(answered(3, &narrow, from: "2001:db8:0:101::1") == 2)
        #expect(answered(1, &narrow, from: "2001:db8:0:101::2") == 0)
    }

    @Test("kinds are counted apart, each with its rate, and 0 is no limit")
    func kinds() {
        let names = [
            "www.example.com", "caa.example.com", "nothing.example.com", "x.sub.example.com", "www.example.org",
        ]
        var fixture = Self.fixture(Self.limit(9) { $0.rates = [1, 2, 3, 4, 5] })
        for (index, name) in names.enumerated() { #expect(answered(9, &fixture, name) == index + 1, "\(name)") }
        for (index, name) in names.enumerated() {
            var open = Self.fixture(Self.limit(1) { $0.rates[index] = 0 })
            for (other, name) in names.enumerated() {
                #expect(answered(9, &open, name) == (other == index ? 9 : 1), "\(name)")
            }
            #expect(answered(9, &open, name) == 9)
        }
    }

    @Test("each so many-th over the limit is sent, truncated and empty", arguments: [1, 2, 3, 10, 15])
    func slip(slip: Int) throws {
        var fixture = Self.fixture(Self.limit(1) { $0.slip = slip })
        for name in ["www.example.com", "api.example.com", "nothing.example.com", "www.example.org"] {
            var sent: [Int] = []
            fixture.responder.time += 10_000_000_000
            _ = answered(1, &fixture, name)
            for number in 1...30 {
                let bytes = fixture.raw(
                    DNSMessage.query(name, options: [10: CookieTests.client]).wire, from: IPAddress("192.0.2.1")!)
                guard !bytes.isEmpty else { continue }
                sent.append(number)
                let response = try DNSMessage(wire: bytes)
                #expect(response.isTruncated && response.answers == [] && response.authorities == [])
                #expect(response.questions.count == 1 && response.option(10)?.count == 24)
            }
            #expect(sent == Array(stride(from: slip, through: 30, by: slip)))
        }
    }

    @Test("a good cookie and TCP are not limited, nor are exempt networks; a cookie that is not good is")
    func exemptions() throws {
        var fixture = Self.fixture(
            Self.limit(1) { $0.exempt = [IPPrefix("198.51.100.0/24")!, IPPrefix("2001:db8:1::/48")!] })
        let first = try fixture.ask(.query(options: [10: CookieTests.client]), from: "192.0.2.1")
        let cookie = try #require(first.option(10))
        #expect(answered(5, &fixture, options: [10: CookieTests.client]) == 0)
        #expect(answered(5, &fixture, options: [10: cookie]) == 5)
        #expect(answered(5, &fixture, options: [10: cookie.dropLast() + [cookie[23] ^ 1]]) == 0)
        #expect(answered(5, &fixture, tcp: true) == 5)
        #expect(answered(5, &fixture, from: "198.51.100.200") == 5)
        #expect(answered(5, &fixture, from: "198.51.101.200") == 1)
        #expect(answered(5, &fixture, from: "2001:db8:1:2::3") == 5)
        #expect(answered(5, &fixture, from: "2001:db8:2:2::3") == 1)
    }

    @Test("errors are limited too, malformed queries among them")
    func errors() {
        var fixture = Self.fixture(Self.limit(3) { $0.slip = 1 })
        let header: [UInt8] = [0, 1, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect((0..<5).allSatisfy { _ in !fixture.raw(header, from: .v4(1)).isEmpty })
        #expect(fixture.responder.counters.value(.rateSlipped) == 2)
        // What has no question is sent as it is: nobody can come back over TCP for it.
        #expect(fixture.raw(header, from: .v4(1)) == [0, 1, 0xa8, 4, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("threads that share a network's queries share its rate")
    func shares() {
        var limiter = ResponseRateLimiter()
        let policy = RateLimitPolicy(Self.limit(100))
        defer { policy.deallocate() }
        func sent(_ share: UInt64, from address: UInt32) -> Int {
            (0..<200).count { _ in
                limiter.verdict(
                    .answers, to: .v4(address << 8), policy: policy, share: share, seed: 1, now: 1_000_000_000_000)
                    == .send
            }
        }
        #expect(sent(1, from: 1) == 100)
        #expect(sent(4, from: 2) == 25)
        // A thread's share may be less than one a second: still the first is answered.
        #expect(sent(1000, from: 3) == 1)
    }

    @Test("a table that is full forgets those that are not in trouble, counts others, and never refuses a new network")
    func full() {
        var limiter = ResponseRateLimiter()
        let policy = RateLimitPolicy(Self.limit(10))
        defer { policy.deallocate() }
        var now: UInt64 = 1_000_000_000_000
        let networks: UInt32 = 100_000
        var refused = 0
        for network in 0..<networks {
            let verdict = limiter.verdict(
                .answers, to: .v4(network << 8), policy: policy, share: 1, seed: 7, now: now)
            if verdict != .send { refused += 1 }
        }
        #expect(refused == 0)
        // All of them owe a tenth of a second, so those that had to go count.
        let entries = ResponseRateLimiter.ways << Int(ResponseRateLimiter.setBits)
        #expect(limiter.displaced >= Int(networks) - entries)
        // A second later all are full again: nobody is displaced by new ones.
        now += 1_000_000_000
        let displaced = limiter.displaced
        for network in networks..<networks + 1000 {
            _ = limiter.verdict(.answers, to: .v4(network << 8), policy: policy, share: 1, seed: 7, now: now)
        }
        #expect(limiter.displaced - displaced < 50)
    }

    @Test("a network in trouble stays limited while a few thousand others come and go")
    func memory() {
        var limiter = ResponseRateLimiter()
        let policy = RateLimitPolicy(Self.limit(10))
        defer { policy.deallocate() }
        let now: UInt64 = 1_000_000_000_000
        func verdict(_ network: UInt32) -> ResponseRateLimiter.Verdict {
            limiter.verdict(.answers, to: .v4(network << 8), policy: policy, share: 1, seed: 3, now: now)
        }
        for _ in 0..<50 { _ = verdict(0xc0_0002) }
        for network in UInt32(0)..<30_000 {
            _ = verdict(network)
            if network % 100 == 0 { #expect(verdict(0xc0_0002) == .drop, "after \(network)") }
        }
    }

    @Test("without a configuration nothing is limited")
    func off() {
        var fixture = Fixture()
        #expect(answered(5000, &fixture) == 5000)
        #expect(fixture.responder.counters.value(.rateLimited) == 0)
    }
}
