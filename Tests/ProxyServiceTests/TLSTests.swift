import ProxyService
import Testing
import TrafficModel

@Suite("TLS towards clients and members", .serialized)
struct TLSTests {
    private static func secure(_ intent: inout Intent, _ files: TestCertificates) {
        intent.certificates = files.certificates
        intent.listeners[0].tls = Listener.TLS(certificates: [0, 1])
    }

    @Test(
        "the server name chooses the certificate: exact, wildcard, else the first",
        arguments: [("a.example", 0), ("b.example", 1), ("x.b.example", 1)])
    func serverName(_ name: String, _ certificate: Int) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) { Self.secure(&$0, files) }
        let client = try await TestClient(
            proxy.endpoint, tls: name, authority: files.certificates[certificate].chainPath)
        try await client.send("GET / HTTP/1.1\r\nHost: \(name)\r\nConnection: close\r\n\r\n")
        #expect(try await client.waitForEnd().hasSuffix("abc"))
        #expect(member.received[0].contains("\r\nX-Forwarded-Proto: https\r\n"))
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a host that another certificate speaks for is misdirected; a dot behind a host makes it no other",
        arguments: [
            ("a.example", "b.example", 421), ("a.example", "b.example.", 421), ("a.example", "a.example.", 503),
            ("b.example", "b.example.", 503), ("b.example", "x.b.example.", 503), ("b.example", "a.example.", 421),
        ])
    func misdirected(_ name: String, _ host: String, _ status: Int) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let proxy = try await TestProxy(TestProxy.intent([]) { Self.secure(&$0, files) })
        let client = try await TestClient(
            proxy.endpoint, tls: name, authority: files.certificates[name == "a.example" ? 0 : 1].chainPath)
        try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
        let answer = try await client.waitForEnd()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        await client.close()
        await proxy.stop()
    }

    @Test("who does not speak TLS, or nothing, is let go")
    func noHandshake() async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let proxy = try await TestProxy(
            TestProxy.intent([]) {
                Self.secure(&$0, files)
                $0.proxy.limits.handshakeTimeout = .milliseconds(100)
            })
        _ = try await TestClient.exchange(proxy.endpoint, get())
        #expect(try await TestClient.exchange(proxy.endpoint, "") == "")
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
    }

    @Test("members are reached over TLS, and only those with a certificate for their name", arguments: [true, false])
    func upstream(isRight: Bool) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let member = try await TestMember.answering(ok("abc"))
        let inner = try await TestProxy([member]) { Self.secure(&$0, files) }
        let outer = try await TestProxy(
            TestProxy.intent([inner.endpoint]) {
                var tls = Upstream.TLS()
                tls.serverName = isRight ? "a.example" : "c.example"
                tls.authorityPath = files.certificates[0].chainPath
                $0.upstreams[0].tls = tls
                $0.upstreams[0].tries = 1
            })
        let answer = try await TestClient.exchange(
            outer.endpoint, "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix(isRight ? "HTTP/1.1 200 " : "HTTP/1.1 502 "), "\(answer)")
        await outer.stop()
        await inner.stop()
        await member.close()
    }

    @Test("files that cannot be used are refused before anything changes")
    func badFiles() async throws {
        let files = try TestCertificates()
        let member = try await TestMember.answering(ok("abc"))
        let intent = TestProxy.intent([member.endpoint])
        let proxy = try await TestProxy(intent)
        var bad = intent
        Self.secure(&bad, files)
        files.remove()
        await #expect(throws: ProxyError.self) { try await proxy.reload(bad, generation: 2) }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }
}
