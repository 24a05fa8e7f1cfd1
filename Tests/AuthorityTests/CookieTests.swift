import Addresses
import DNSWire
import Testing
import TrafficModel

@testable import Authority

extension DNSMessage {
    /// The data of the first option with the code.
    func option(_ code: UInt16) -> [UInt8]? { edns?.options.first { $0.code == code }?.data }

    static func query(
        _ name: String = "www.example.com", _ type: RecordType = .a, options: KeyValuePairs<UInt16, [UInt8]>
    ) -> DNSMessage {
        var query = DNSMessage(id: 0x1234, name: DomainName(name)!, type: type)
        query.edns?.options = options.map { .init(code: $0.key, data: $0.value) }
        return query
    }
}

@Suite("DNS cookies (RFC 7873, RFC 9018)")
struct CookieTests {
    static let client: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    static let clientWord: UInt64 = 0x0807_0605_0403_0201
    static let source = "192.0.2.77"

    /// A server cookie for `client` at `source`.
    static func cookie(_ secret: SipKey, time: UInt32, address: String = source) -> [UInt8] {
        let cookie = ServerCookie(client: clientWord, address: IPAddress(address)!, time: time, secret: secret)
        return [cookie.head, cookie.hash].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
    }

    private func intent(
        _ policy: AnswerSettings.Cookies.Policy = .answer, secrets: [SipKey] = [], sizeWithout: Int? = nil
    ) -> Intent {
        var intent = Fixture.intent()
        intent.dns.answers.cookies.policy = policy
        intent.dns.answers.cookies.secrets = secrets
        intent.dns.answers.udpSizeWithoutCookie = sizeWithout
        for index in 0..<31 {
            intent.zones[0].records.append(
                ResourceRecord(owner: DomainName("mid.example.com")!, type: .a, ttl: 5, data: [10, 0, 0, UInt8(index)]))
        }
        return intent
    }

    @Test("a client gets a cookie, comes back with it, and gets the same one for half an hour, then a new one")
    func renewal() throws {
        var fixture = Fixture()
        let first = try fixture.ask(.query(options: [10: Self.client]), from: Self.source)
        let cookie = try #require(first.option(10))
        #expect(first.responseCode == 0 && first.answers.count == 2)
        #expect(cookie.count == 24 && Array(cookie[..<8]) == Self.client)
        #expect(Array(cookie[8..<12]) == [1, 0, 0, 0])
        for (age, isSame) in [(0, true), (1800, true), (1801, false), (3600, false), (-300, true)] {
            fixture.responder.wallTime = UInt32(Int(Fixture.wallTime) + age)
            let again = try fixture.ask(.query(options: [10: cookie]), from: Self.source)
            let renewed = try #require(again.option(10))
            #expect((renewed == cookie) == isSame, "\(age)")
            #expect(renewed.count == 24)
        }
        #expect(fixture.responder.counters.value(.newCookies) == 1)
        #expect(fixture.responder.counters.value(.goodCookies) == 5)
        for age in [3601, -301] {
            fixture.responder.wallTime = UInt32(Int(Fixture.wallTime) + age)
            let late = try fixture.ask(.query(options: [10: cookie]), from: Self.source)
            #expect(late.responseCode == 0 && late.option(10) != cookie)
        }
        fixture.responder.wallTime = Fixture.wallTime
        for source in ["192.0.2.78", "2001:db8::1"] {
            let other = try fixture.ask(.query(options: [10: cookie]), from: source)
            #expect(other.responseCode == 0 && other.option(10)?.suffix(16) != cookie.suffix(16))
        }
        // Server cookies of other lengths are other servers'.
        for length in [8, 15, 17, 32] {
            let query = DNSMessage.query(options: [10: Self.client + [UInt8](repeating: 1, count: length)])
            #expect(try fixture.ask(query).option(10)?.count == 24)
        }
        #expect(fixture.responder.counters.value(.badCookies) == 8)
    }

    @Test("lengths that no cookie has are FORMERR, without options", arguments: [0, 1, 7, 9, 15, 41, 64])
    func lengths(length: Int) throws {
        var fixture = Fixture()
        let response = try fixture.ask(.query(options: [10: [UInt8](repeating: 1, count: length)]))
        #expect(response.responseCode == 1)
        #expect(response.edns?.options == [])
    }

    @Test("shared secrets: the first makes cookies, the others are accepted, and no more than they")
    func rollover() throws {
        let secrets = (1...4).map { SipKey(first: $0, second: $0) }
        for (configured, accepted) in [(secrets[0..<1], 1), (secrets[0..<2], 2), (secrets[0..<4], 4)] {
            var fixture = Fixture(intent(secrets: Array(configured)))
            let made = try fixture.ask(.query(options: [10: Self.client]), from: Self.source).option(10)
            #expect(made == Self.client + Self.cookie(secrets[0], time: Fixture.wallTime))
            for (index, secret) in secrets.enumerated() {
                let cookie = Self.cookie(secret, time: Fixture.wallTime - 60)
                let answer = try fixture.ask(.query(options: [10: Self.client + cookie]), from: Self.source)
                #expect((answer.option(10)?.suffix(16) == cookie[...]) == (index < accepted))
            }
            // Renewal is with the first.
            let old = Self.cookie(secrets[accepted - 1], time: Fixture.wallTime - 1801)
            let renewed = try fixture.ask(.query(options: [10: Self.client + old]), from: Self.source).option(10)
            #expect(renewed == Self.client + Self.cookie(secrets[0], time: Fixture.wallTime))
        }
    }

    @Test("two nodes with one secret take each other's cookies; without one each takes its own alone")
    func anycast() throws {
        let secret = SipKey(first: 9, second: 9)
        var one = Fixture(intent(secrets: [secret]))
        var two = Fixture(intent(secrets: [secret]))
        let cookie = try #require(try one.ask(.query(options: [10: Self.client]), from: Self.source).option(10))
        #expect(try two.ask(.query(options: [10: cookie]), from: Self.source).option(10) == cookie)
        var alone = Fixture()
        #expect(try alone.ask(.query(options: [10: cookie]), from: Self.source).option(10) != cookie)
    }

    @Test("an own secret changes each day, and yesterday's is taken until it is of no use")
    func daily() throws {
        var fixture = Fixture()
        let midnight = (Fixture.wallTime / 86_400 + 1) * 86_400
        fixture.responder.wallTime = midnight - 1
        let cookie = try #require(try fixture.ask(.query(options: [10: Self.client]), from: Self.source).option(10))
        fixture.responder.wallTime = midnight
        #expect(try fixture.ask(.query(options: [10: cookie]), from: Self.source).option(10) == cookie)
        // The same time made it with another secret.
        let own = try fixture.ask(.query(options: [10: Self.client]), from: Self.source).option(10)
        fixture.responder.wallTime = midnight - 1
        let before = try fixture.ask(.query(options: [10: Self.client]), from: Self.source).option(10)
        #expect(before == cookie && own != before)
    }

    @Test("no question: NOERROR with a cookie, BADCOOKIE for a bad one, FORMERR for none (RFC 7873 section 5.4)")
    func noQuestion() throws {
        var fixture = Fixture()
        func ask(_ options: KeyValuePairs<UInt16, [UInt8]>, tcp: Bool = false) throws -> DNSMessage {
            var query = DNSMessage.query(options: options)
            query.questions = []
            let response = try DNSMessage(wire: fixture.raw(query.wire, from: IPAddress(Self.source)!, tcp: tcp))
            #expect(response.questions == [] && response.answers == [] && !response.isAuthoritative)
            #expect(response.edns != nil)
            return response
        }
        for tcp in [false, true] {
            let new = try ask([10: Self.client], tcp: tcp)
            #expect(new.responseCode == 0)
            let cookie = try #require(new.option(10))
            #expect(try ask([10: cookie], tcp: tcp).responseCode == 0)
            let bad = try ask([10: Self.client + [UInt8](repeating: 7, count: 16)], tcp: tcp)
            #expect(bad.responseCode == 23)
            #expect(bad.option(10) == cookie)
            #expect(try ask([:], tcp: tcp).responseCode == 1)
            #expect(try ask([10: [1]], tcp: tcp).responseCode == 1)
        }
        #expect(fixture.responder.counters.value(Outcome.cookie) == 6)
        var off = Fixture(intent(.off))
        var query = DNSMessage.query(options: [10: Self.client])
        query.questions = []
        #expect(try DNSMessage(wire: off.raw(query.wire)).responseCode == 1)
    }

    @Test("required: BADCOOKIE with a cookie to use, TC for those who know none, an answer for a good one and over TCP")
    func required() throws {
        var fixture = Fixture(intent(.require))
        let bad = try fixture.ask(.query(options: [10: Self.client]), from: Self.source)
        #expect(bad.responseCode == 23 && bad.answers == [] && !bad.isTruncated)
        let cookie = try #require(bad.option(10))
        #expect(try fixture.ask(.query(options: [10: cookie]), from: Self.source).answers.count == 2)
        let wrong = Self.client + [UInt8](repeating: 7, count: 16)
        #expect(try fixture.ask(.query(options: [10: wrong]), from: Self.source).responseCode == 23)
        for edns in [true, false] {
            let none = try fixture.ask("www.example.com", edns: edns)
            #expect(none.responseCode == 0 && none.isTruncated && none.answers == [])
            #expect(try fixture.ask("www.example.com", edns: edns, tcp: true).answers.count == 2)
        }
        #expect(try fixture.ask(.query(options: [10: wrong]), from: Self.source, tcp: true).answers.count == 2)
        #expect(fixture.responder.counters.value(Outcome.cookie) == 4)
    }

    @Test("off: the option is not known")
    func off() throws {
        var fixture = Fixture(intent(.off))
        for data in [Self.client, [1], Self.client + [UInt8](repeating: 7, count: 16)] {
            let response = try fixture.ask(.query(options: [10: data]))
            #expect(response.responseCode == 0 && response.edns?.options == [])
        }
    }

    @Test("without a good cookie UDP answers are small, with one and over TCP they are not")
    func size() throws {
        // 12 + 21 + 31 × 16 = 529 bytes, 540 with OPT.
        for (limit, fits) in [(539, false), (540, true), (128, false), (nil, true)] as [(Int?, Bool)] {
            var fixture = Fixture(intent(sizeWithout: limit))
            let plain = try fixture.ask("mid.example.com")
            #expect(plain.isTruncated == !fits && plain.answers.count == (fits ? 31 : 0))
            #expect(fixture.responder.counters.value(.truncatedWithoutCookie) == (fits ? 0 : 1))
            let new = try fixture.ask(.query("mid.example.com", options: [10: Self.client]), from: Self.source)
            // With the cookie's 28 bytes.
            #expect(new.isTruncated == (limit.map { $0 < 568 } ?? false))
            let cookie = try #require(new.option(10))
            let good = try fixture.ask(.query("mid.example.com", options: [10: cookie]), from: Self.source)
            #expect(!good.isTruncated && good.answers.count == 31)
            #expect(try fixture.ask("mid.example.com", tcp: true).answers.count == 31)
        }
    }
}
