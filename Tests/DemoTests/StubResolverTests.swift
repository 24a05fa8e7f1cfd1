import Addresses
import DNSWire
import Testing

@testable import Demo

@Suite("Stub resolver")
struct StubResolverTests {
    private let service = DomainName("api.example.com")!
    private let host = DomainName("eu.api.global.lb.example.net")!
    private let first = IPAddress("127.1.0.1")!
    private let second = IPAddress("127.1.0.2")!
    private let start = ContinuousClock.now

    private func answer(_ records: [StubResolver.Record]) -> StubResolver.Answer {
        .init(rcode: 0, records: records, negativeTTL: nil)
    }

    @Test("asks for what it does not know, and follows an alias to the next question")
    func follows() {
        var resolver = StubResolver()
        #expect(resolver.resolve(service, now: start) == .ask(service))
        resolver.store(answer([.alias(owner: service, target: host, ttl: 5)]), question: service, now: start)
        #expect(resolver.resolve(service, now: start) == .ask(host))
        resolver.store(
            answer([
                .address(owner: host, address: second, ttl: 3), .address(owner: host, address: first, ttl: 3),
            ]), question: host, now: start)
        #expect(resolver.resolve(service, now: start) == .addresses([second, first]))
    }

    @Test("uses each record for its own TTL and not an instant longer")
    func expires() {
        var resolver = StubResolver()
        resolver.store(
            answer([
                .alias(owner: service, target: host, ttl: 5), .address(owner: host, address: first, ttl: 3),
            ]), question: service, now: start)
        #expect(resolver.resolve(service, now: start + .milliseconds(2999)) == .addresses([first]))
        #expect(resolver.resolve(service, now: start + .seconds(3)) == .ask(host))
        #expect(resolver.resolve(service, now: start + .milliseconds(4999)) == .ask(host))
        #expect(resolver.resolve(service, now: start + .seconds(5)) == .ask(service))
    }

    @Test("a TTL of zero is for one use")
    func zero() {
        var resolver = StubResolver()
        resolver.store(answer([.address(owner: service, address: first, ttl: 0)]), question: service, now: start)
        #expect(resolver.resolve(service, now: start) == .ask(service))
    }

    @Test("a newer answer replaces the older as a whole")
    func replaces() {
        var resolver = StubResolver()
        resolver.store(answer([.address(owner: host, address: first, ttl: 60)]), question: host, now: start)
        resolver.store(answer([.address(owner: host, address: second, ttl: 60)]), question: host, now: start)
        #expect(resolver.resolve(host, now: start) == .addresses([second]))
        resolver.store(answer([.alias(owner: host, target: service, ttl: 60)]), question: host, now: start)
        #expect(resolver.resolve(host, now: start) == .ask(service))
        resolver.store(answer([.address(owner: host, address: first, ttl: 60)]), question: host, now: start)
        #expect(resolver.resolve(host, now: start) == .addresses([first]))
    }

    @Test("the smallest TTL of a set counts for all of it")
    func uneven() {
        var resolver = StubResolver()
        resolver.store(
            answer([.address(owner: host, address: first, ttl: 60), .address(owner: host, address: second, ttl: 2)]),
            question: host, now: start)
        #expect(resolver.resolve(host, now: start + .seconds(1)) == .addresses([first, second]))
        #expect(resolver.resolve(host, now: start + .seconds(2)) == .ask(host))
    }

    @Test("what does not exist is remembered as long as the SOA says", arguments: [UInt8(0), 3])
    func negative(rcode: UInt8) {
        var resolver = StubResolver()
        resolver.store(.init(rcode: rcode, records: [], negativeTTL: 4), question: service, now: start)
        #expect(resolver.resolve(service, now: start + .seconds(3)) == .none)
        #expect(resolver.resolve(service, now: start + .seconds(4)) == .ask(service))
    }

    @Test("a failure of the server is not remembered")
    func failure() {
        var resolver = StubResolver()
        resolver.store(.init(rcode: 2, records: [], negativeTTL: 4), question: service, now: start)
        #expect(resolver.resolve(service, now: start) == .ask(service))
    }

    @Test("a loop of aliases ends")
    func loop() {
        var resolver = StubResolver()
        resolver.store(
            answer([
                .alias(owner: service, target: host, ttl: 5), .alias(owner: host, target: service, ttl: 5),
            ]), question: service, now: start)
        #expect(resolver.resolve(service, now: start) == .none)
    }

    @Test("reads aliases, addresses and the negative TTL out of a message")
    func message() throws {
        var message = DNSMessage(id: 1, name: service, type: .a)
        message.isResponse = true
        message.answers = [
            .init(owner: service, type: .cname, ttl: 5, data: host.wire),
            .init(owner: host, type: .a, ttl: 3, data: first.bytes),
            .init(owner: host, type: .txt, ttl: 3, data: [1, 65]),
        ]
        let soa = DomainName.root.wire + DomainName.root.wire + [0, 0, 0, 1] + Array(repeating: 0, count: 12)
        message.authorities = [.init(owner: service, type: .soa, ttl: 9, data: soa + [0, 0, 0, 7])]
        let answer = StubResolver.Answer(message)
        #expect(
            answer.records == [
                .alias(owner: service, target: host, ttl: 5), .address(owner: host, address: first, ttl: 3),
            ])
        #expect(answer.negativeTTL == 7)
        message.authorities[0].ttl = 2
        #expect(StubResolver.Answer(message).negativeTTL == 2)
    }
}
