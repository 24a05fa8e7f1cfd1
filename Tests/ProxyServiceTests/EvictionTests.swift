import Addresses
import Balancing
import ProxyService
import TestSupport
import Testing
import TrafficModel

@Suite("Who makes room at the limit of connections", .serialized, .timeLimit(.minutes(5)))
struct EvictionTests {
    /// Answers at once, but for paths that begin with `/hold`, which it never answers.
    private static func member() async throws -> TestMember {
        try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") && !received.contains(" /hold") ? [.send(ok("abc"))] : []
        }
    }

    /// How far a connection gets that never comes to a request.
    enum Beginning: String, CaseIterable, Sendable {
        case proxyHeader, handshake, clientHello, head, preface, streamHead

        var isTLS: Bool { self == .handshake || self == .clientHello }

        var bytes: [UInt8] {
            switch self {
            case .proxyHeader: Array("PROXY TCP4".utf8)
            case .handshake: []
            // A record of 512 bytes that does not come.
            case .clientHello: [22, 3, 1, 2, 0, 1, 0]
            case .head: Array("GET / HTTP/1.1\r\nHost".utf8)
            case .preface: Array("PRI * HTTP/2.0\r\n".utf8)
            case .streamHead:
                HTTP2TestClient.preface + HTTP2TestClient.frame(.settings, [])
                    + HTTP2TestClient.frame(.headers, flags: 1, stream: 1, HTTP2TestClient.block(HTTP2TestClient.get))
            }
        }
    }

    @Test(
        "those that begin and do not come to a request keep nobody out, and push out nobody who has asked",
        arguments: Beginning.allCases)
    func unproven(_ beginning: Beginning) async throws {
        let member = try await Self.member()
        let files = try TestCertificates()
        defer { files.remove() }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.connections = 8
            // Not in the time of this test.
            $0.proxy.limits.handshakeTimeout = .seconds(600)
            $0.proxy.limits.headTimeout = .seconds(600)
            if beginning.isTLS {
                $0.certificates = files.certificates
                $0.listeners[0].tls = Listener.TLS(certificates: [0])
            }
            if beginning == .proxyHeader {
                $0.listeners[0].proxyProtocol = true
                $0.listeners[0].trustedProxies = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
            }
        }
        let (name, authority) = beginning.isTLS ? ("a.example", files.certificates[0].chainPath) : (nil, nil)
        let first = beginning == .proxyHeader ? "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" : ""
        let kept = try await TestClient(proxy.endpoint, tls: name, authority: authority)
        try await kept.send(first + get(close: false))
        try await kept.wait { $0.hasSuffix("abc") }
        var crowd: [TestClient] = []
        for _ in 0..<20 {
            let client = try await TestClient(proxy.endpoint)
            client.post(beginning.bytes)
            crowd.append(client)
        }
        let asking = try await TestClient(proxy.endpoint, tls: name, authority: authority)
        asking.post(Array((first + get()).utf8))
        #expect(try await asking.waitForEnd().hasSuffix("abc"))
        // What comes before the header of a proxy is not known to be a client's, and goes when it has had its time.
        let gone = beginning == .proxyHeader ? 12 : 13
        #expect(await proxy.settles { $0.connections == 22 && $0.evicted >= gone && $0.openConnections <= 9 })
        try await kept.send(get("/again", close: false))
        try await kept.wait { $0.components(of: "abc").count == 3 }
        #expect(proxy.server.status.overloaded == 0 && proxy.server.status.tlsFailures == 0)
        for client in crowd + [asking, kept] { await client.close() }
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("who has asked and then leaves a head unfinished gives way in time, one for each that comes")
    func stalled() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.connections = 3
            $0.proxy.limits.headTimeout = .seconds(600)
        }
        var clients: [TestClient] = []
        for _ in 0..<3 {
            let client = try await TestClient(proxy.endpoint)
            try await client.send(get(close: false))
            try await client.wait { $0.hasSuffix("abc") }
            try await client.send("GET /st")
            clients.append(client)
        }
        // Until then there is 503.
        #expect(try await Patience.lasts { try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc") })
        #expect(await proxy.settles { $0.openConnections == 2 })
        #expect(await Patience.lasts { clients.contains { $0.isClosed } })
        #expect(clients.count(where: \.isClosed) == 1 && proxy.server.status.evicted == 1)
        for client in clients { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test("a place beyond the limit is not held by who says nothing, when others wait for it")
    func surplus() async throws {
        let member = try await Self.member()
        // One more than the limit is accepted.
        let proxy = try await TestProxy([member]) { $0.proxy.limits.connections = 2 }
        var busy: [TestClient] = []
        for number: UInt64 in 1...2 {
            let client = try await TestClient(proxy.endpoint)
            try await client.send(get("/hold"))
            #expect(await proxy.settles { $0.requests == number })
            busy.append(client)
        }
        let silent = try await TestClient(proxy.endpoint)
        #expect(await proxy.settles { $0.openConnections == 3 })
        let waiting = try await TestClient(proxy.endpoint)
        try await waiting.send(get())
        #expect(try await waiting.waitForEnd().hasPrefix("HTTP/1.1 503 "))
        try await silent.waitForEnd()
        #expect(busy.allSatisfy { !$0.isClosed })
        #expect(proxy.server.status.evicted == 1 && proxy.server.status.overloaded == 1)
        for client in busy + [silent, waiting] { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test("requests on streams, however many, do not hide who is idle")
    func streams() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.connections = 2
            $0.proxy.limits.streams = 2000
            // They wait.
            $0.upstreams[0].members[0].maxConnections = 1
            $0.upstreams[0].queueSize = 2000
            $0.upstreams[0].queueTimeout = .seconds(600)
        }
        let idle = try await TestClient(proxy.endpoint)
        try await idle.send(get(close: false))
        try await idle.wait { $0.hasSuffix("abc") }
        let many = try await HTTP2TestClient(proxy.endpoint)
        let hold = HTTP2TestClient.block([
            (":method", "GET"), (":scheme", "http"), (":path", "/hold"), (":authority", "a"),
        ])
        let count: UInt32 = 1200
        many.connection.post(
            (0..<count).flatMap { HTTP2TestClient.frame(.headers, flags: 5, stream: 2 * $0 + 1, hold) })
        #expect(await proxy.settles { $0.requests == UInt64(count) + 1 })
        let new = try await TestClient(proxy.endpoint)
        try await idle.waitForEnd()
        #expect(proxy.server.status.evicted == 1 && !new.isClosed && !many.connection.isClosed)
        await new.close()
        await many.close()
        await proxy.stop()
        await member.close()
    }
}
