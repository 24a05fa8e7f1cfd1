import Addresses
import NIOCore
import Testing

@testable import HealthMonitoring

@Suite("Where probes come from")
struct ProbeSourcesTests {
    private static func endpoint(_ port: Int) -> Endpoint {
        Endpoint(address: .v4(0x7f00_0001), port: UInt16(port))
    }

    @Test("a probe is known once, and nobody else is taken for it")
    func once() {
        let sources = ProbeSources()
        #expect(!sources.take(Self.endpoint(1)))
        sources.note(Self.endpoint(1))
        #expect(!sources.take(Self.endpoint(2)))
        #expect(!sources.take(Endpoint(address: .v4(0x7f00_0002), port: 1)))
        #expect(sources.take(Self.endpoint(1)))
        #expect(!sources.take(Self.endpoint(1)), "the port is somebody else's by now")
        sources.note(Self.endpoint(3))
        sources.forget(Self.endpoint(3))
        #expect(!sources.take(Self.endpoint(3)))
    }

    @Test("who was noted too long ago is a client")
    func patience() {
        let sources = ProbeSources()
        let start = NIODeadline.now()
        for port in 1...2 { sources.note(Self.endpoint(port), now: start) }
        #expect(sources.take(Self.endpoint(1), now: start + ProbeSources.patience - .nanoseconds(1)))
        #expect(!sources.take(Self.endpoint(2), now: start + ProbeSources.patience))
    }

    @Test("at the limit old notes make room, and without any the probe counts as a client")
    func limit() {
        let sources = ProbeSources()
        let start = NIODeadline.now()
        for port in 1...ProbeSources.limit { sources.note(Self.endpoint(port), now: start) }
        let beyond = Self.endpoint(ProbeSources.limit + 1)
        sources.note(beyond, now: start)
        #expect(!sources.take(beyond, now: start))
        #expect(sources.take(Self.endpoint(1), now: start))
        sources.note(Self.endpoint(1), now: start)
        let later = start + ProbeSources.patience
        sources.note(beyond, now: later)
        #expect(sources.take(beyond, now: later))
        #expect(!sources.take(Self.endpoint(1), now: later))
    }

    @Test(
        "this machine's addresses are told from others', whose probes leave no note",
        arguments: [
            ("127.0.0.1", true), ("127.9.8.7", true), ("::1", true), ("192.0.2.1", false), ("2001:db8::1", false),
        ])
    func ownAddresses(_ text: String, _ isOwn: Bool) throws {
        #expect(try IPAddress.isOwn(SocketAddress(ipAddress: text, port: 443)) == isOwn)
    }
}
