import Addresses
import Balancing
import Dispatch
import Glibc
import ProxyService
import TestSupport
import Testing
import TrafficModel

@Suite("What clients may ask, and what is asked of them", .serialized, .timeLimit(.minutes(5)))
struct LimitTests {
    /// Answers at once, but for paths that begin with `/hold`, which it never answers.
    private static func member() async throws -> TestMember {
        try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") && !received.contains(" /hold") ? [.send(ok("abc"))] : []
        }
    }

    /// A request that waits for the rest of its body, so that its connection's end ends it.
    private static func held(_ proxy: TestProxy) async throws -> TestClient {
        let before = proxy.server.status.requests
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(await proxy.settles { $0.requests == before + 1 })
        return client
    }

    @Test("at the limit of connections an idle one makes room for a new one")
    func eviction() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member]) { $0.proxy.limits.connections = 3 }
        let busy = try await Self.held(proxy)
        let older = try await TestClient(proxy.endpoint)
        try await older.send(get(close: false))
        try await older.wait { $0.hasSuffix("abc") }
        let newer = try await TestClient(proxy.endpoint)
        try await newer.send(get(close: false))
        try await newer.wait { $0.hasSuffix("abc") }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        try await newer.waitForEnd()
        #expect(!older.isClosed && !busy.isClosed)
        #expect(proxy.server.status.evicted == 1 && proxy.server.status.overloaded == 0)
        for client in [busy, older, newer] { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test(
        "many that say nothing keep nobody out: their places are free at once, over TLS and HTTP/2 too",
        arguments: ["", "tls", "h2"])
    func silentCrowd(_ kind: String) async throws {
        let member = try await Self.member()
        let files = try TestCertificates()
        defer { files.remove() }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.connections = 8
            guard kind == "tls" else { return }
            $0.certificates = files.certificates
            $0.listeners[0].tls = Listener.TLS(certificates: [0])
        }
        let (name, authority) = kind == "tls" ? ("a.example", files.certificates[0].chainPath) : (nil, nil)
        var crowd: [TestClient] = []
        for index in 0..<40 {
            let client = try await TestClient(proxy.endpoint, tls: name, authority: authority)
            // It is idle when TLS or HTTP/2 has been agreed on.
            if kind == "tls" { #expect(await proxy.settles { $0.tls12 + $0.tls13 == UInt64(index + 1) }) }
            if kind == "h2" {
                client.post(HTTP2TestClient.preface + HTTP2TestClient.frame(.settings, []))
                try await client.wait { !$0.isEmpty }
            }
            crowd.append(client)
        }
        #expect(await proxy.settles { $0.connections == 40 && $0.openConnections == 8 })
        #expect(proxy.server.status.evicted == 32 && proxy.server.status.overloaded == 0)
        let asking = try await TestClient(proxy.endpoint, tls: name, authority: authority)
        try await asking.send(get())
        #expect(try await asking.waitForEnd().hasSuffix("abc"))
        #expect(crowd.count(where: \.isClosed) == 33)
        for client in crowd + [asking] { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test(
        "as many clients are taken as there are descriptors for, them and their members and all else",
        arguments: [
            (nil, Int.max), (UInt64(1_048_576), 524_288), (20_000, 10_000), (1_024, 512), (128, 64), (126, 62), (64, 1),
            (0, 1), (.max, .max),
        ])
    func descriptorShare(_ descriptors: UInt64?, _ connections: Int) {
        #expect(DescriptorShare(descriptors: descriptors).connections == connections)
    }

    @Test("with few descriptors fewer connections are taken than configured, and the idle make room")
    func fewDescriptors() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy(TestProxy.intent([member.endpoint]), descriptors: 72)
        var crowd: [TestClient] = []
        for _ in 0..<20 { crowd.append(try await TestClient(proxy.endpoint)) }
        #expect(await proxy.settles { $0.evicted == 12 && $0.openConnections == 8 })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        for client in crowd { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test("those that come at once do not close one another before they could ask")
    func newcomers() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member]) { $0.proxy.limits.connections = 8 }
        let pause = proxy.pause()
        var clients: [TestClient] = []
        for _ in 0..<12 { clients.append(try await TestClient(proxy.endpoint)) }
        pause.signal()
        #expect(await proxy.settles { $0.evicted == 4 })
        // Who has had the most time has gone.
        for client in clients.prefix(4) { try await client.waitForEnd() }
        for client in clients.suffix(8) {
            try await client.send(get())
            #expect(try await client.waitForEnd().hasSuffix("abc"))
        }
        for client in clients { await client.close() }
        await proxy.stop()
        await member.close()
    }

    @Test("an upload keeps the limits that it began with when a reload lowers them", arguments: [false, true])
    func reloadWhileUploading(http2: Bool) async throws {
        let member = try await TestMember { received, _ in received.contains("END") ? [.send(ok("abc"))] : [] }
        let intent = TestProxy.intent([member.endpoint]) { $0.proxy.limits.bodyBytes = 1_000 }
        let proxy = try await TestProxy(intent)
        var lower = intent
        lower.proxy.limits.bodyBytes = 10
        let chunk = "64\r\n" + String(repeating: "x", count: 100) + "\r\n"
        let head = "POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        if http2 {
            let client = try await HTTP2TestClient(proxy.endpoint)
            client.request(1, HTTP2TestClient.post(), isEnd: false)
            #expect(await proxy.settles { $0.requests == 1 })
            try await proxy.reload(lower, generation: 2)
            client.data(1, [UInt8](repeating: 120, count: 100))
            client.data(1, Array("END".utf8), isEnd: true)
            #expect(try await client.end(of: 1).text == "abc")
            await client.close()
        } else {
            let client = try await TestClient(proxy.endpoint)
            try await client.send(head)
            #expect(await proxy.settles { $0.requests == 1 })
            try await proxy.reload(lower, generation: 2)
            try await client.send(chunk + "3\r\nEND\r\n0\r\n\r\n")
            #expect(try await client.waitForEnd().hasSuffix("abc"))
            await client.close()
        }
        // The next has the new one.
        #expect(try await TestClient.exchange(proxy.endpoint, head + chunk).hasPrefix("HTTP/1.1 413 "))
        #expect(proxy.server.status.bodyLimited == 1)
        await proxy.stop()
        await member.close()
    }

    @Test("with no idle connection a few more are told 503, then accepting pauses until one ends")
    func overload() async throws {
        let member = try await Self.member()
        // One more than the limit is accepted.
        let proxy = try await TestProxy([member]) { $0.proxy.limits.connections = 2 }
        let first = try await Self.held(proxy)
        let second = try await Self.held(proxy)
        let surplus = try await TestClient(proxy.endpoint)
        #expect(await proxy.settles { $0.openConnections == 3 })
        let waiting = try await TestClient(proxy.endpoint)
        try await waiting.send(get())
        try await surplus.send(get(close: false))
        let answer = try await surplus.waitForEnd()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 1\r\n"))
        #expect(waiting.received == "" && proxy.server.status.connections == 3)
        #expect(proxy.server.status.overloaded == 1)
        for client in [first, second, surplus] { await client.close() }
        // Accepted as soon as there is room, whether or not that is room to be served.
        #expect(try await waiting.waitForEnd().hasPrefix("HTTP/1.1 "))
        #expect(await proxy.settles { $0.openConnections == 0 })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }

    @Test("a forwarded connection too many is closed at once")
    func overloadedTunnel() async throws {
        let member = try await TestMember { received, _ in received.isEmpty ? [] : [.send("echo")] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.connections = 1
            $0.listeners[0].mode = .tcp(upstream: 0)
        }
        let first = try await TestClient(proxy.endpoint)
        try await first.send("x")
        try await first.wait { $0 == "echo" }
        #expect(try await TestClient.exchange(proxy.endpoint, "x") == "")
        #expect(proxy.server.status.overloaded == 1)
        await first.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a source has its limit of connections at n and not at n + 1, and gets its places back")
    func connectionsPerSource() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member], { $0.proxy.limits.connectionsPerSource = 2 })
        let first = try await Self.held(proxy)
        let second = try await Self.held(proxy)
        #expect(try await TestClient.exchange(proxy.endpoint, get()) == "")
        #expect(proxy.server.status.sourceLimited == 1)
        await first.close()
        #expect(await proxy.settles { $0.openConnections == 1 })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        await second.close()
        await proxy.stop()

        let trusting = try await TestProxy([member]) {
            $0.proxy.limits.connectionsPerSource = 1
            $0.listeners[0].trustedProxies = [IPPrefix("127.0.0.0/8")].compactMap { $0 }
        }
        let kept = try await Self.held(trusting)
        #expect(try await TestClient.exchange(trusting.endpoint, get()).hasSuffix("abc"))
        await kept.close()
        await trusting.stop()
        await member.close()
    }

    @Test("a connection ends with its last request")
    func requestsPerConnection() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member]) { $0.proxy.limits.requestsPerConnection = 2 }
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get("/1", close: false))
        let first = try await client.wait { $0.hasSuffix("abc") }
        #expect(!first.contains("Connection: close"))
        try await client.send(get("/2", close: false))
        #expect(try await client.waitForEnd().components(of: "Connection: close\r\n").count == 2)
        await proxy.stop()
        await member.close()
    }

    @Test("a body that trickles is 408 although bytes keep coming; one that is fast enough is not")
    func bodyRate() async throws {
        let member = try await TestMember { received, _ in received.hasSuffix("END") ? [.send(ok("done"))] : [] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.bodyTimeout = .milliseconds(300)
            $0.proxy.limits.bodyRate = 100_000
        }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n"
        let slow = try await TestClient(proxy.endpoint)
        try await slow.send(head)
        // Each byte comes long before the wait for the next one is over, and buys 10 µs.
        while !slow.received.contains("408"), !slow.isClosed {
            slow.post([0x78])
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(slow.received.hasPrefix("HTTP/1.1 408 "))
        await slow.close()
        let fast = try await TestClient(proxy.endpoint)
        // At once: between them would be time.
        fast.post(Array(head.utf8) + Array(String(repeating: "x", count: 999_997).utf8) + Array("END".utf8))
        #expect(try await fast.waitForEnd().hasSuffix("done"))
        await proxy.stop()
        await member.close()
    }

    @Test("who sends requests that are answered here, and takes no answer, is not read from for ever")
    func unreadAnswers() async throws {
        var fixed = Route.FixedResponse()
        fixed.body = String(repeating: "x", count: 8000)
        let route = Route(name: "fixed", action: .respond(fixed))
        let proxy = try await TestProxy(TestProxy.intent([]) { $0.listeners[0].mode = .http(routes: [route]) })
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        let most: UInt64 = 10_000
        client.post(Array(String(repeating: get(close: false), count: Int(most)).utf8))
        // Until nothing more is read.
        var seen: UInt64 = 0
        while proxy.server.status.requests > seen || seen <= 10 {
            seen = proxy.server.status.requests
            try await Task.sleep(for: .milliseconds(500))
        }
        #expect(seen < most - 2000, "\(seen) requests were read")
        #expect(await proxy.settles { $0.bufferedBytes > 0 && $0.bufferedBytes < 1 << 20 })
        // Taken again, all are answered.
        try await client.resume()
        let answered = await proxy.settles { $0.requests == most && $0.bufferedBytes == 0 }
        #expect(answered, "\(proxy.server.status.requests)")
        await client.close()
        await proxy.stop()
    }

    @Test("a client that has ended its side gets what waited for it")
    func endBehindRequests() async throws {
        var fixed = Route.FixedResponse()
        fixed.body = String(repeating: "x", count: 8000)
        let route = Route(name: "fixed", action: .respond(fixed))
        let proxy = try await TestProxy(TestProxy.intent([]) { $0.listeners[0].mode = .http(routes: [route]) })
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        let count = 2000
        client.post(Array(String(repeating: get(close: false), count: count).utf8))
        // Until some of the answers are held back.
        #expect(await proxy.settles { $0.bufferedBytes > 0 })
        try await client.closeOutput()
        try await client.resume()
        let text = try await client.waitForEnd()
        #expect(text.components(of: "HTTP/1.1 200 OK").count == count + 1)
        #expect(text.hasSuffix("xxx"))
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
    }

    @Test("a client that takes nothing of its response is cut off, and its member freed")
    func readRate() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(ok(String(repeating: "x", count: 24 << 20)))] : []
        }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.bodyTimeout = .milliseconds(100) }
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        try await client.send(get())
        #expect(await proxy.settles { $0.timeouts == 1 && $0.aborted == 1 && $0.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a tunnel without a byte either way ends in a way that does not look like its end")
    func tunnelTimeout() async throws {
        let member = try await TestMember { received, _ in received.isEmpty ? [] : [.send("echo")] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.tunnelTimeout = .milliseconds(500)
            $0.listeners[0].mode = .tcp(upstream: 0)
        }
        var tries: UInt64 = 0
        var text = ""
        // Again where the machine was so busy that the member's answer came too late.
        while text != "echo", tries < 20 {
            tries += 1
            let client = try await TestClient(proxy.endpoint)
            client.post([0x78])
            text = try await client.waitForEnd()
            let count = tries
            #expect(await proxy.settles { $0.timeouts == count && $0.aborted == count && $0.openConnections == 0 })
            #expect(await Patience.lasts { client.wasReset && member.wasReset && member.openConnections == 0 })
        }
        #expect(text == "echo")
        await proxy.stop()
        await member.close()
    }

    @Test("what a removed listener still serves at the drain's deadline is closed")
    func drainDeadline() async throws {
        let member = try await Self.member()
        let limit = Duration.seconds(1)
        let intent = TestProxy.intent([member.endpoint]) { $0.proxy.drainTimeout = limit }
        let proxy = try await TestProxy(intent)
        let held = try await Self.held(proxy)
        var none = intent
        none.listeners = []
        let began = ContinuousClock.now
        try await proxy.reload(none, generation: 2)
        let isHeld = proxy.server.status.drainingConnections == 1 && !held.isClosed
        // Unless the machine was so busy that the time is over by now.
        #expect(isHeld || ContinuousClock.now - began >= limit)
        #expect(try await held.waitForEnd() == "")
        #expect(await proxy.settles { $0.drainingConnections == 0 && $0.openConnections == 0 && $0.aborted == 1 })
        await proxy.stop()
        await member.close()
    }

    @Test("a slow reader gets all of a response that ends its connection")
    func slowEnd() async throws {
        let size = 8 << 20
        let member = try await TestMember.answering(ok(String(repeating: "x", count: size)))
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        try await client.send(get())
        #expect(await proxy.settles { $0.bufferedBytes > 0 })
        try await client.resume()
        let all = try await client.waitForEnd()
        #expect(all.utf8.count > size)
        await proxy.stop()
        await member.close()
    }

    @Test("a request that comes back is 508, and one that passes two listeners is not")
    func loop() async throws {
        let intent = TestProxy.intent([TestProxy.loopback])
        let proxy = try await TestProxy(intent)
        // The listener's port is known only now: the upstream is the listener itself.
        var circle = intent
        circle.upstreams[0].members = [Upstream.Member(endpoint: proxy.endpoint)]
        try await proxy.reload(circle, generation: 2)
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasPrefix("HTTP/1.1 508 "))
        #expect(proxy.server.status.loops == 1)

        let member = try await Self.member()
        let last = try await TestProxy([member]) { $0.proxy.via = .name("edge") }
        let first = try await TestProxy(TestProxy.intent([last.endpoint]) { $0.proxy.via = .name("edge") })
        #expect(try await TestClient.exchange(first.endpoint, get()).hasSuffix("abc"))
        let seen = member.received.joined()
        #expect(seen.contains("\r\nVia: 1.1 edge:\(first.endpoint.port), 1.1 edge:\(last.endpoint.port)\r\n"))
        let silent = try await TestProxy([member]) { $0.proxy.via = .off }
        _ = try await TestClient.exchange(silent.endpoint, get("/silent"))
        #expect(!(member.received.last ?? "").contains("Via:"))
        for proxy in [proxy, last, first, silent] { await proxy.stop() }
        await member.close()
    }

    @Test("OPTIONS goes as far as Max-Forwards lets it")
    func maxForwards() async throws {
        let member = try await Self.member()
        let proxy = try await TestProxy([member])
        func ask(_ method: String, _ value: String) async throws -> String {
            try await TestClient.exchange(
                proxy.endpoint,
                "\(method) / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMax-Forwards: \(value)\r\n\r\n")
        }
        #expect(try await ask("OPTIONS", "0").hasPrefix("HTTP/1.1 200 "))
        #expect(member.connections == 0)
        #expect(try await ask("OPTIONS", "5").hasSuffix("abc"))
        #expect(member.received.joined().contains("\r\nMax-Forwards: 4\r\n"))
        #expect(try await ask("OPTIONS", "x").hasPrefix("HTTP/1.1 400 "))
        // Other methods carry it without a meaning.
        #expect(try await ask("GET", "0").hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }

    @Test("routes and members have figures of their own, which outlive a reload")
    func figures() async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return [.send(received.contains("/bad") ? "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n" : ok("abc"))]
        }
        let intent = TestProxy.intent([member.endpoint]) { intent in
            var fixed = Route(name: "fixed", action: .respond(Route.FixedResponse()))
            fixed.path = .exact("/fixed")
            intent.listeners[0].mode = .http(routes: [fixed, Route(name: "all", action: .upstream(0))])
        }
        let proxy = try await TestProxy(intent)
        for path in ["/fixed", "/", "/bad", "/"] { _ = try await TestClient.exchange(proxy.endpoint, get(path)) }
        #expect(await proxy.settles { _ in proxy.server.routes.map(\.traffic.requests) == [1, 3] })
        try await proxy.reload(intent, generation: 2)
        _ = try await TestClient.exchange(proxy.endpoint, get("/none"))
        #expect(await proxy.settles { _ in proxy.server.routes.map(\.traffic.requests) == [1, 4] })
        let all = proxy.server.routes[1]
        #expect((all.listener, all.name) == ("web", "all"))
        #expect((all.traffic.successes, all.traffic.serverErrors) == (3, 1))
        #expect(all.traffic.bytes > 9 && all.traffic.nanoseconds > 0)
        let traffic = proxy.published.pin().value.upstreams[0].members[0].state.traffic.totals
        #expect((traffic.requests, traffic.successes, traffic.serverErrors) == (4, 3, 1))
        await proxy.stop()
        await member.close()
    }
}
