import Balancing
import Testing
import TrafficModel

@testable import ProxyService

@Suite("Connections to members", .serialized, .timeLimit(.minutes(5)))
struct UpstreamConnectionTests {
    @Test("a kept connection is given up before the member's own limit, when it says so")
    func hint() async throws {
        let member = try await TestMember.answering(ok("abc", "Keep-Alive: max=9, timeout=1\r\n"))
        let proxy = try await TestProxy([member])
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        // The configured limit is a minute.
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        #expect(member.received[0].hasSuffix("<FIN>"))
        await proxy.stop()
        await member.close()
    }

    @Test("how long a member keeps connections is learnt from two that agree, and forgotten")
    func learning() {
        let second: UInt64 = 1_000_000_000
        var limit = IdleLimit()
        #expect(limit.allowance(configured: 60 * second, hint: nil, now: 0) == 60 * second)
        limit.closed(after: 5 * second, now: 10 * second)
        #expect(limit.learnt == nil)
        // A restart closes connections of any age.
        limit.closed(after: 2 * second, now: 20 * second)
        limit.closed(after: 40 * second, now: 20 * second)
        #expect(limit.learnt == nil)
        limit.closed(after: 5_100_000_000, now: 30 * second)
        limit.closed(after: 5 * second, now: 40 * second)
        #expect(limit.learnt == 5 * second)
        #expect(limit.allowance(configured: 60 * second, hint: nil, now: 40 * second) == 4_500_000_000)
        #expect(limit.allowance(configured: 3 * second, hint: nil, now: 40 * second) == 3 * second)
        #expect(limit.allowance(configured: 60 * second, hint: 2, now: 40 * second) == 1_500_000_000)
        #expect(limit.allowance(configured: 60 * second, hint: 0, now: 40 * second) == 0)
        #expect(limit.allowance(configured: 60 * second, hint: nil, now: 641 * second) == 60 * second)
        // One that dies young says nothing about idle time.
        var young = IdleLimit()
        for _ in 0..<3 { young.closed(after: 199_000_000, now: second) }
        #expect(young.learnt == nil)
    }

    @Test("a member that says it keeps nothing is believed")
    func keepsNothing() async throws {
        let member = try await TestMember.answering(ok("abc", "Keep-Alive: timeout=0\r\n"))
        let proxy = try await TestProxy([member])
        for _ in 0..<2 { #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc")) }
        #expect(member.connections == 2)
        await proxy.stop()
        await member.close()
    }

    @Test("bytes on an idle connection end it, and answer nobody")
    func unsolicited() async throws {
        let late = try await TestMember { received, connection in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return connection == 1
                ? [.send(ok("abc")), .sendLater("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
                : [.send(ok("good"))]
        }
        let proxy = try await TestProxy([late])
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        #expect(await proxy.settles { _ in late.openConnections == 0 })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("good"))
        #expect(late.connections == 2)
        await proxy.stop()
        await late.close()
    }

    /// Answers when its own connection number one asks for `/free`; holds all else that begins with `/hold`.
    private static func holding() async throws -> TestMember {
        try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") && !received.contains(" /hold") ? [.send(ok("abc"))] : []
        }
    }

    @Test("a body that was kept back while its request waited follows it on a connection that another had")
    func waitingBody() async throws {
        let member = try await TestMember { received, _ in received.hasSuffix("END") ? [.send(ok("abc"))] : [] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.bufferBytes = 4096
            $0.upstreams[0].members[0].maxConnections = 1
            $0.upstreams[0].queueTimeout = .seconds(60)
        }
        let holder = try await TestClient(proxy.endpoint)
        try await holder.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        #expect(await proxy.settles { _ in member.connections == 1 })
        let client = try await TestClient(proxy.endpoint)
        let body = String(repeating: "x", count: 199_997) + "END"
        // Not awaited: more than is read before the request has a place.
        async let sent: Void = client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n\(body)")
        #expect(await proxy.settles { $0.requests == 2 })
        try await holder.send("END")
        #expect(try await client.waitForEnd().hasSuffix("abc"))
        try await sent
        #expect(member.connections == 1)
        await holder.close()
        await proxy.stop()
        await member.close()
    }

    @Test("requests wait for a place on a member, in order, and get it")
    func waiting() async throws {
        let member = try await Self.holding()
        let proxy = try await TestProxy([member]) {
            $0.upstreams[0].members[0].maxConnections = 1
            $0.upstreams[0].queueTimeout = .seconds(30)
        }
        let holder = try await TestClient(proxy.endpoint)
        try await holder.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(await proxy.settles { _ in member.connections == 1 })
        var waiting: [TestClient] = []
        for index in 0..<3 {
            let client = try await TestClient(proxy.endpoint)
            try await client.send(get("/\(index)"))
            waiting.append(client)
            #expect(await proxy.settles { $0.requests == UInt64(index + 2) })
        }
        // One that goes away meanwhile leaves the queue.
        await waiting[1].close()
        #expect(waiting[0].received == "" && waiting[2].received == "")
        await holder.close()
        for client in [waiting[0], waiting[2]] { #expect(try await client.waitForEnd().hasSuffix("abc")) }
        let paths = member.received.dropFirst().joined().components(of: "GET /").dropFirst().map { $0.first }
        #expect(paths.first == "0" && paths.last == "2")
        #expect(proxy.published.pin().value.upstreams[0].members[0].state.openCount == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("no more wait than may, at n and at n + 1, and none longer than it may")
    func bounds() async throws {
        let member = try await Self.holding()
        var intent = TestProxy.intent([member.endpoint]) {
            $0.upstreams[0].members[0].maxConnections = 1
            $0.upstreams[0].queueSize = 1
            $0.upstreams[0].queueTimeout = .seconds(300)
        }
        let proxy = try await TestProxy(intent)
        let holder = try await TestClient(proxy.endpoint)
        try await holder.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(await proxy.settles { _ in member.connections == 1 })
        let first = try await TestClient(proxy.endpoint)
        try await first.send(get("/first"))
        #expect(await proxy.settles { $0.requests == 2 })
        let refused = try await TestClient.exchange(proxy.endpoint, get("/second"))
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("busy"))
        intent.upstreams[0].queueTimeout = .milliseconds(100)
        try await proxy.reload(intent, generation: 2)
        #expect(try await first.waitForEnd().hasPrefix("HTTP/1.1 503 "))
        #expect(proxy.server.status.timeouts == 1)
        await holder.close()
        await proxy.stop()
        await member.close()
    }
}
