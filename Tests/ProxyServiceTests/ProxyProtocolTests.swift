import Addresses
import ProxyService
import Testing
import TrafficModel

@Suite("The PROXY protocol, in and out", .serialized, .timeLimit(.minutes(5)))
struct ProxyProtocolTests {
    private static let client = Endpoint(address: .v4(0xc000_0207), port: 4711)
    private static let destination = Endpoint(address: .v4(0xc633_6401), port: 443)

    private static func trusting(_ intent: inout Intent) {
        intent.listeners[0].trustedProxies = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
        intent.listeners[0].proxyProtocol = true
    }

    private static func header(_ version: ProxyHeader.Version, _ extensions: [UInt8] = []) -> [UInt8] {
        ProxyHeader.bytes(version, client: client, destination: destination, extensions: extensions)
    }

    private static func exchange(_ proxy: TestProxy, _ bytes: [UInt8]) async throws -> String {
        let client = try await TestClient(proxy.endpoint)
        client.post(bytes)
        let text = try await client.waitForEnd()
        await client.close()
        return text
    }

    @Test("a trusted proxy says whose connection it is", arguments: ProxyHeader.Version.allCases)
    func inbound(_ version: ProxyHeader.Version) async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member], Self.trusting)
        let request = Array(get("/", "X-Forwarded-For: 6.6.6.6\r\n").utf8)
        let answer = try await Self.exchange(proxy, Self.header(version) + request)
        try #require(answer.hasSuffix("abc"))
        // The client is not a trusted proxy, only the peer is.
        #expect(member.received[0].contains("\r\nX-Forwarded-For: 192.0.2.7\r\n"))
        let split = try await TestClient(proxy.endpoint)
        for byte in Self.header(version) + request {
            split.post([byte])
        }
        #expect(try await split.waitForEnd().hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }

    @Test("a proxy may speak for itself, and then its own fields are believed")
    func local() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member], Self.trusting)
        let request = get("/", "X-Forwarded-For: 192.0.2.9\r\n")
        #expect(try await Self.exchange(proxy, Array(("PROXY UNKNOWN\r\n" + request).utf8)).hasSuffix("abc"))
        #expect(member.received[0].contains("\r\nX-Forwarded-For: 192.0.2.9, 127.0.0.1\r\n"))
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a trusted proxy without a header, or with a broken one, gets nothing",
        arguments: [get(), "PROXY TCP4 1.2.3.4\r\n" + get(), "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n" + get()])
    func broken(_ text: String) async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member], Self.trusting)
        #expect(try await Self.exchange(proxy, Array(text.utf8)) == "")
        #expect(member.connections == 0 && proxy.server.status.malformed == 1)
        await proxy.stop()
        await member.close()
    }

    @Test("one that never comes ends the connection in time")
    func silent() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) {
                Self.trusting(&$0)
                $0.proxy.limits.handshakeTimeout = .milliseconds(100)
            })
        #expect(try await TestClient.exchange(proxy.endpoint, "PROXY TCP4") == "")
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
    }

    @Test("from anyone else a header is a malformed request")
    func untrusted() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) {
            $0.listeners[0].trustedProxies = [IPPrefix("10.0.0.0/8")].compactMap { $0 }
            $0.listeners[0].proxyProtocol = true
        }
        #expect(try await Self.exchange(proxy, Self.header(.v1) + Array(get().utf8)).hasPrefix("HTTP/1.1 400 "))
        #expect(try await Self.exchange(proxy, Array(get().utf8)).hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }

    @Test("connections to members begin with a header, each serves one request, and extensions are kept")
    func outbound() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) {
            Self.trusting(&$0)
            $0.upstreams[0].proxyProtocol = .v2
        }
        let extensions: [UInt8] = [2, 0, 3, 97, 46, 98]
        let client = try await TestClient(proxy.endpoint)
        client.post(Self.header(.v2, extensions) + Array(get(close: false).utf8))
        try await client.wait { $0.hasSuffix("abc") }
        try await client.send(get("/2"))
        try await client.waitForEnd()
        #expect(member.connections == 2)
        let expected = String(decoding: Self.header(.v2, extensions), as: UTF8.self)
        for (received, path) in zip(member.received, ["/", "/2"]) {
            #expect(received.hasPrefix(expected + "GET \(path) HTTP/1.1\r\n"))
        }
        await proxy.stop()
        await member.close()
    }

    @Test("a forwarded connection carries the header of version 1, also in front of TLS")
    func tunnel() async throws {
        let member = try await TestMember { received, _ in received.hasSuffix("hello") ? [.send("echo"), .close] : [] }
        let proxy = try await TestProxy([member]) {
            $0.listeners[0].mode = .tcp(upstream: 0)
            $0.upstreams[0].proxyProtocol = .v1
        }
        #expect(try await Self.exchange(proxy, Array("hello".utf8)) == "echo")
        #expect(member.received[0].hasPrefix("PROXY TCP4 127.0.0.1 127.0.0.1 "))
        #expect(member.received[0].hasSuffix(" \(proxy.endpoint.port)\r\nhello"))
        await proxy.stop()
        await member.close()

        let files = try TestCertificates()
        defer { files.remove() }
        let last = try await TestMember.answering(ok("abc"))
        let inner = try await TestProxy([last]) {
            Self.trusting(&$0)
            $0.certificates = files.certificates
            $0.listeners[0].tls = Listener.TLS(certificates: [0])
        }
        let outer = try await TestProxy(
            TestProxy.intent([inner.endpoint]) {
                Self.trusting(&$0)
                var tls = Upstream.TLS()
                tls.serverName = "a.example"
                tls.authorityPath = files.certificates[0].chainPath
                $0.upstreams[0].tls = tls
                $0.upstreams[0].proxyProtocol = .v2
            })
        #expect(try await Self.exchange(outer, Self.header(.v1) + Array(get().utf8)).hasSuffix("abc"))
        #expect(last.received[0].contains("\r\nX-Forwarded-For: 192.0.2.7\r\n"))
        for proxy in [inner, outer] { await proxy.stop() }
        await last.close()
    }
}
