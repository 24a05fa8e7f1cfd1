import Addresses
import Dispatch
import ProxyService
import Synchronization
import Testing
import TrafficModel

@Suite("Members that fail, requests that cannot be served", .serialized)
struct FailureTests {
    @Test("a member that is gone costs no request: every one is answered by the other, and it is ejected")
    func memberGone() async throws {
        let gone = TestMember.closedEndpoint()
        let member = try await TestMember.answering(ok("abc"))
        var intent = TestProxy.intent([gone, member.endpoint])
        intent.upstreams[0].ejectionTime = .seconds(600)
        let proxy = try await TestProxy(intent)
        for _ in 0..<20 {
            #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        }
        let status = proxy.server.status
        #expect(status.failures == 0 && status.successes == 20)
        // Passive evidence acts at once: only the first request that met it was tried twice.
        #expect(status.retries == 1)
        await proxy.stop()
        await member.close()
    }

    @Test(
        "what a member had read on a kept connection when it ended is repeated only if that does no harm",
        arguments: ["GET", "PUT", "POST", "PATCH", "BREW"], [TestMember.Step.reset, .close])
    func keptConnection(_ method: String, _ end: TestMember.Step) async throws {
        let first = try await TestMember { received, connection in
            guard received.hasSuffix("\r\n\r\n") || received.hasSuffix("body") else { return [] }
            // It was at work, and dies.
            if connection == 1, received.hasSuffix("body") { return [end] }
            return [.send(ok("done"))]
        }
        let second = try await TestMember.answering(ok("second"))
        let proxy = try await TestProxy([first, second]) { $0.upstreams[0].members[1].backup = true }
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.hasSuffix("done") }
        try await client.send(
            "\(method) / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody")
        let text = try await client.waitForEnd()
        let isRepeated = method == "GET" || method == "PUT"
        #expect(text.components(of: isRepeated ? "HTTP/1.1 200 " : "HTTP/1.1 502 ").count == (isRepeated ? 3 : 2))
        #expect(
            first.received.joined().components(of: "\(method) / ").count == (isRepeated ? 3 : 2)
                + (method == "GET" ? 1 : 0))
        #expect(second.connections == 0)
        #expect(proxy.server.status.replays == (isRepeated ? 1 : 0) && proxy.server.status.retries == 0)
        await proxy.stop()
        await first.close()
        await second.close()
    }

    @Test("POST is sent again when the member's end was on its way before it, and to another when that one is gone")
    func keepAliveRace() async throws {
        let first = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(ok("done"))] : []
        }
        let second = try await TestMember { received, _ in received.hasSuffix("body") ? [.send(ok("second"))] : [] }
        let proxy = try await TestProxy([first, second]) { $0.upstreams[0].members[1].backup = true }
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.hasSuffix("done") }
        // The request comes first and the end behind it, and the loop sees neither before both are there.
        let pause = proxy.pause()
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody")
        await first.close()
        await first.closeConnections()
        pause.signal()
        let text = try await client.waitForEnd()
        #expect(text.hasSuffix("second"), "\(text)")
        #expect(first.received.allSatisfy { !$0.contains("POST") })
        #expect(proxy.server.status.replays == 1 && proxy.server.status.retries == 1)
        await proxy.stop()
        await second.close()
    }

    @Test("what may have been acted on is repeated only if that does no harm", arguments: ["GET", "POST"])
    func idempotence(_ method: String) async throws {
        let first = try await TestMember { received, _ in received.isEmpty ? [] : [.reset] }
        let second = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([first, second]) { $0.upstreams[0].members[1].backup = true }
        let answer = try await TestClient.exchange(
            proxy.endpoint, "\(method) / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        #expect(answer.hasPrefix(method == "GET" ? "HTTP/1.1 200" : "HTTP/1.1 502"))
        #expect(second.connections == (method == "GET" ? 1 : 0))
        await proxy.stop()
        await first.close()
        await second.close()
    }

    @Test("with no member left the answer says so and names no inside")
    func allGone() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([TestMember.closedEndpoint(), TestMember.closedEndpoint()]))
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n") && answer.contains("refused the connection"))
        #expect(!answer.contains("127.0.0.1"))
        #expect(proxy.server.status.failures == 1)
        await proxy.stop()
    }

    @Test("a member that never answers is 504")
    func responseTimeout() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) {
            $0.upstreams[0].responseTimeout = .milliseconds(100)
            $0.upstreams[0].tries = 1
        }
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
        await proxy.stop()
        await member.close()
    }

    @Test("a response that breaks off is not passed off as whole")
    func truncated() async throws {
        let member = try await TestMember { received, _ in
            received.isEmpty ? [] : [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .close]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        let text = try await client.waitForEnd()
        #expect(text.hasSuffix("abc"))
        #expect(await proxy.settles { $0.aborted == 1 })
        await proxy.stop()
        await member.close()
    }

    @Test("a response that breaks the rules before anything of it has left is answered for")
    func brokenAtOnce() async throws {
        let member = try await TestMember { received, _ in
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            return received.isEmpty ? [] : [.send(head + (received.contains("/103") ? "" : "3\r\nabc\r\n") + "xyz\r\n")]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        for path in ["/", "/103", "/"] {
            let failures = proxy.server.status.failures
            try await client.send(get(path, close: path == "/" && failures == 2))
            #expect(await proxy.settles { $0.failures == failures + 1 })
        }
        let text = try await client.waitForEnd()
        #expect(text.components(of: "HTTP/1.1 502 Bad Gateway\r\n").count == 4, "\(text)")
        #expect(!text.contains("200 OK") && !text.contains("abc"))
        #expect(proxy.server.status.malformed == 3 && proxy.server.status.aborted == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("what a member said in part is not put before what another says next", arguments: [true, false])
    func partOfHead(ends: Bool) async throws {
        let part = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX: "
        let member = try await TestMember { received, _ in
            if received.contains(" /whole ") { return [.send(ok("whole"))] }
            return received.isEmpty ? [] : ends ? [.send(part), .close] : [.send(part)]
        }
        let patient = TestProxy.intent([member.endpoint]) { $0.upstreams[0].responseTimeout = .seconds(300) }
        var intent = patient
        if !ends { intent.upstreams[0].responseTimeout = .milliseconds(200) }
        let proxy = try await TestProxy(intent)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.contains("HTTP/1.1 50") && $0.contains("Request: ") && $0.hasSuffix("\n") }
        try await proxy.reload(patient, generation: 2)
        try await client.send(get("/whole"))
        let text = try await client.waitForEnd()
        #expect(text.hasPrefix(ends ? "HTTP/1.1 502 " : "HTTP/1.1 504 "))
        #expect(text.hasSuffix("whole") && text.components(of: "HTTP/1.1 200 OK").count == 2, "\(text)")
        #expect(!text.contains("Set-Cookie"))
        #expect(proxy.server.status.malformed == 0)
        await proxy.stop()
        await member.close()
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var request: String
        var status: Int
        init(_ request: String, _ status: Int) {
            self.request = request
            self.status = status
        }
        var testDescription: String { "\(status) \(request.prefix(60).debugDescription)" }
    }

    @Test(
        "what cannot be understood in one way is refused, the connection closed and no member asked",
        arguments: [
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n", 400),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n", 400),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: \0\r\n\r\n", 400),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: a\rb\r\n\r\n", 400),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX y: z\r\n\r\n", 400),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: a\r\n b\r\n\r\n", 400
            ),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nnothing\r\n\r\n", 400),
            Refusal("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
            Refusal("GET / HTTP/1.1\nHost: a\n\n", 400), Refusal("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
            Refusal("GET / HTTP/1.1\r\n\r\n", 400), Refusal("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            Refusal("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            Refusal("GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            Refusal("GET / HTTP/2.0\r\n\r\n", 505), Refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            Refusal("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417),
            Refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n", 413),
            Refusal(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n"
                    + String(repeating: "x", count: 1025), 413),
            Refusal("GET /" + String(repeating: "a", count: 600), 414),
            Refusal("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 600), 431),
            Refusal("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 10) + "\r\n", 431),
        ])
    func refused(_ refusal: Refusal) async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) {
            $0.listeners[0].http2 = false
            $0.proxy.limits.headBytes = 512
            $0.proxy.limits.headFields = 8
            $0.proxy.limits.bodyBytes = 1024
        }
        let answer = try await TestClient.exchange(proxy.endpoint, refusal.request)
        #expect(answer.hasPrefix("HTTP/1.1 \(refusal.status) "), "\(answer)")
        #expect(answer.contains("Connection: close"))
        #expect(answer.components(of: "\r\nDate: ").count == 2)
        await proxy.stop()
        await member.close()
    }

    @Test("slow heads and slow bodies are 408, idle connections end in silence")
    func slowClients() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.headTimeout = .milliseconds(100)
            $0.proxy.limits.bodyTimeout = .milliseconds(100)
            $0.proxy.limits.idleTimeout = .milliseconds(100)
        }
        #expect(try await TestClient.exchange(proxy.endpoint, "GET / HT").hasPrefix("HTTP/1.1 408 "))
        let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"
        #expect(try await TestClient.exchange(proxy.endpoint, body).hasPrefix("HTTP/1.1 408 "))
        #expect(try await TestClient.exchange(proxy.endpoint, "") == "")
        await proxy.stop()
        await member.close()
    }

    @Test("limits of rate, routes made here, and hosts without a route")
    func routes() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) { intent in
                var limited = Route(name: "limited", action: .respond(Route.FixedResponse()))
                limited.path = .exact("/limited")
                limited.rateLimit = Route.RateLimit(rate: 0.01, burst: 1)
                var fixed = Route.FixedResponse()
                fixed.status = 418
                fixed.body = "tea"
                var tea = Route(name: "tea", action: .respond(fixed))
                tea.path = .prefix("/tea")
                var moved = Route(name: "moved", action: .redirect(.init(location: "https://{host}{path}{query}")))
                moved.path = .prefix("/moved")
                intent.listeners[0].mode = .http(routes: [limited, tea, moved])
            })
        #expect(try await TestClient.exchange(proxy.endpoint, get("/limited")).hasPrefix("HTTP/1.1 200"))
        let refused = try await TestClient.exchange(proxy.endpoint, get("/limited"))
        #expect(refused.hasPrefix("HTTP/1.1 429") && refused.contains("\r\nRetry-After: "))
        #expect(try await TestClient.exchange(proxy.endpoint, get("/x/../%74ea/1")).hasSuffix("\r\n\r\ntea"))
        let moved = try await TestClient.exchange(proxy.endpoint, get("/moved/x?y=1"))
        #expect(moved.hasPrefix("HTTP/1.1 308") && moved.contains("\r\nLocation: https://a/moved/x?y=1\r\n"))
        #expect(try await TestClient.exchange(proxy.endpoint, get("/none")).hasPrefix("HTTP/1.1 404"))
        await proxy.stop()
    }

    @Test(
        "a request for the server as a whole is sent on to another's root",
        arguments: ["https://{host}{path}", "{path}"])
    func asterisk(_ location: String) async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) {
                $0.listeners[0].mode = .http(routes: [Route(name: "r", action: .redirect(.init(location: location)))])
            })
        let answer = try await TestClient.exchange(
            proxy.endpoint, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.contains("\r\nLocation: \(location == "{path}" ? "/" : "https://a/")\r\n"), "\(answer)")
        await proxy.stop()
    }

    @Test(
        "a response cut anywhere is never passed off as whole, over HTTP/1.1 and HTTP/2",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nX: y\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ])
    func cutAnywhere(_ whole: String) async throws {
        let bytes = Array(whole.utf8)
        let cut = Mutex(0)
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return [.send(String(decoding: bytes[..<cut.withLock { $0 }], as: UTF8.self)), .close]
        }
        let proxy = try await TestProxy([member]) { $0.upstreams[0].ejectionTime = .zero }
        for length in 0..<bytes.count {
            cut.withLock { $0 = length }
            let answer = try await TestClient.exchange(proxy.endpoint, get("/", "TE: trailers\r\n"))
            let isWhole = ["\r\n\r\nhello", "0\r\n\r\n", "X: y\r\n\r\n"].contains { answer.hasSuffix($0) }
            #expect(answer.contains("HTTP/1.1 502 ") || !isWhole, "\(length): \(answer)")
            let client = try await HTTP2TestClient(proxy.endpoint)
            client.request(1)
            let response = try await client.end(of: 1)
            #expect(
                response.status == "502" || (response.resetCode != nil && !response.isEnd), "\(length): \(response)")
            await client.close()
        }
        await proxy.stop()
        await member.close()
    }
}
