import Addresses
import Glibc
import NIOCore
import NIOPosix
import Testing
import TrafficModel

@testable import Balancing

/// What counts as evidence against a member, who gets the request next, and that nothing stays counted.
@Suite("What members are blamed for", .serialized, .timeLimit(.minutes(5)))
struct MemberBlameTests {
    private func members(_ proxy: TestProxy) -> [MemberState] {
        proxy.published.pin().value.upstreams[0].members.map(\.state)
    }

    private func open(_ proxy: TestProxy) -> Int { members(proxy).reduce(0) { $0 + $1.openCount } }

    @Test("a refused member costs no request, is ejected, and nothing stays counted")
    func refused() async throws {
        let good = try await TestMember.answering(ok("x"))
        let gone = TestMember.closedEndpoint()
        let proxy = try await TestProxy(
            TestProxy.intent([gone, good.endpoint]) { $0.upstreams[0].ejectionTime = .seconds(3600) })
        for _ in 0..<6 {
            let answer = try await TestClient.exchange(proxy.endpoint, get())
            #expect(answer.hasPrefix("HTTP/1.1 200"))
        }
        #expect(members(proxy).map(\.ejectionCount) == [1, 0])
        #expect(members(proxy)[0].latestFailure?.reason == .refused)
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        await proxy.stop()
        await good.close()
    }

    @Test("no response in time is 504, also when every member was tried, and no evidence", arguments: [1, 2])
    func silent(count: Int) async throws {
        var silent: [TestMember] = []
        for _ in 0..<count { silent.append(try await TestMember { _, _ in [] }) }
        let proxy = try await TestProxy(silent) { $0.upstreams[0].responseTimeout = .milliseconds(100) }
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.hasPrefix("HTTP/1.1 504"))
        // A member that the machine does not schedule accepts late.
        #expect(await proxy.settles { _ in silent.map(\.connections) == Array(repeating: 1, count: count) })
        #expect(members(proxy).allSatisfy { $0.failureCount == 0 })
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        await proxy.stop()
        for member in silent { await member.close() }
    }

    @Test("a kept connection that the member closes is no evidence, even when the request cannot be repeated")
    func keptConnection() async throws {
        // Answers the first request of a connection and closes at the first byte of the next.
        let member = try await TestMember { received, connection in
            guard connection == 1 else { return received.contains("END") ? [.send(ok("again"))] : [] }
            if received.hasPrefix("GET") { return received.hasSuffix("\r\n\r\n") ? [.send(ok("x"))] : [] }
            return received.isEmpty ? [] : [.close]
        }
        let other = try await TestMember { received, _ in received.hasSuffix("\r\n\r\n") ? [.send(ok("x"))] : [] }
        let proxy = try await TestProxy([member, other]) {
            $0.proxy.limits.bufferBytes = 4096
            $0.upstreams[0].members[1].backup = true
        }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasPrefix("HTTP/1.1 200"))
        let body = String(repeating: "x", count: 200_000) + "END"
        let client = try await TestClient(proxy.endpoint)
        client.post(
            Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
        // Depending on how far the body had got, it is repeated to the same member or given up.
        try await client.wait { $0.contains("\r\n\r\n") }
        #expect(members(proxy).allSatisfy { $0.failureCount == 0 && $0.ejectionCount == 0 })
        #expect(other.connections == 0)
        await client.close()
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        await proxy.stop()
        await member.close()
        await other.close()
    }

    @Test("a TCP connection goes to another member when one does not accept in time")
    func tunnel() async throws {
        let full = try FullBacklog()
        let good = try await TestMember { received, _ in received.isEmpty ? [] : [.send("echo"), .close] }
        let intent = TestProxy.intent([full.endpoint, good.endpoint]) {
            // Longer than a busy machine keeps the loop from seeing that the other has accepted.
            $0.upstreams[0].connectTimeout = .seconds(3)
            $0.listeners = [Listener(name: "tcp", endpoint: TestProxy.loopback, mode: .tcp(upstream: 0))]
        }
        let proxy = try await TestProxy(intent)
        for _ in 0..<3 {
            let answer = try await TestClient.exchange(proxy.endpoint, "hello")
            #expect(answer == "echo")
        }
        #expect(members(proxy)[0].latestFailure?.reason == .connectTimeout)
        #expect(members(proxy)[1].ejectionCount == 0)
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        await proxy.stop()
        await good.close()
        full.close()
    }

    @Test("a request that runs through a reload that moves its listener ends and is logged as it began")
    func reloadWhileRunning() async throws {
        let member = try await TestMember { received, _ in received.hasSuffix("END") ? [.send(ok("x"))] : [] }
        let log = "/tmp/meridian-test-\(UInt64.random(in: .min ... .max))"
        defer { unsafe unlink(log) }
        let intent = TestProxy.intent([member.endpoint])
        let proxy = try await TestProxy(intent, accessLog: log)
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        #expect(await proxy.settles { _ in open(proxy) == 1 })
        var later = intent
        // In front of it, so that `web` is the second now.
        later.listeners.insert(
            Listener(
                name: "new", endpoint: Endpoint(address: .v4(0x7f00_0002), port: 0), mode: .tcp(upstream: 0)), at: 0)
        try await proxy.reload(later, generation: 2)
        try await client.send("END")
        try await client.wait { $0.hasSuffix("\r\n\r\nx") }
        await client.close()
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        await proxy.stop()
        await member.close()
        let descriptor = unsafe Glibc.open(log, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        _ = Glibc.close(descriptor)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        #expect(text.contains(" listener=web ") && text.contains(" route=all ") && text.contains(" path=/slow "))
    }

    @Test("a body that grows too large lets go of the member at once")
    func tooLarge() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.bodyBytes = 1_000 }
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        #expect(await proxy.settles { _ in open(proxy) == 1 && member.openConnections == 1 })
        client.post(Array(("7d0\r\n" + String(repeating: "x", count: 2_000) + "\r\n").utf8))
        try await client.wait { $0.hasPrefix("HTTP/1.1 413") }
        // The client has not closed yet.
        #expect(await proxy.settles { _ in open(proxy) == 0 && member.openConnections == 0 })
        #expect(members(proxy)[0].failureCount == 0)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a client that resets its connection leaves nothing counted", arguments: [true, false])
    func clientLeaves(whileConnecting: Bool) async throws {
        let full = try FullBacklog()
        let silent = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy(TestProxy.intent([whileConnecting ? full.endpoint : silent.endpoint]))
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: Int(proxy.endpoint.port)).get()
        let options = try #require(client as? any SocketOptionProvider)
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await client.writeAndFlush(ByteBuffer(string: get()))
        #expect(await proxy.settles { _ in open(proxy) == 1 })
        try await client.close()
        #expect(await proxy.settles { _ in open(proxy) == 0 })
        #expect(members(proxy)[0].failureCount == 0)
        await proxy.stop()
        await silent.close()
        full.close()
    }

    @Test("maxConnections holds: what is too much is 503 while the places are taken; a stop frees them")
    func full() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) { $0.upstreams[0].members[0].maxConnections = 2 }
        let first = try await TestClient(proxy.endpoint)
        let second = try await TestClient(proxy.endpoint)
        try await first.send(get())
        try await second.send(get())
        #expect(await proxy.settles { _ in open(proxy) == 2 })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("All servers for this request are busy"))
        await proxy.stop()
        #expect(open(proxy) == 0)
        await first.close()
        await second.close()
        await member.close()
    }
}
