import Balancing
import ProxyService
import TestSupport
import Testing
import TrafficModel

@Suite("What a reload, or an operator, changed since a request began", .serialized, .timeLimit(.minutes(5)))
struct RepeatAfterReloadTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    /// What becomes of the member that has the request.
    enum Change: Sendable, CaseIterable {
        case removed, withoutShare
    }

    private static func changed(_ intent: Intent, _ change: Change) -> Intent {
        var intent = intent
        switch change {
        case .removed: intent.upstreams[0].members.removeFirst()
        case .withoutShare: intent.upstreams[0].members[0].ratio = 0
        }
        return intent
    }

    @Test("a stream that a member refuses is not sent there again when it was taken out", arguments: Change.allCases)
    func refused(_ change: Change) async throws {
        let member = try await Member { event in
            // The body's end comes behind the reload.
            event.frame.kind == 0 ? Client.frame(.reset, stream: event.frame.stream, Client.bytes(7)) : []
        }
        let other = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "other") : [] }
        let intent = TestProxy.intent([member.endpoint, other.endpoint]) {
            $0.upstreams[0].http2 = true
            $0.upstreams[0].members[1].backup = true
        }
        let proxy = try await TestProxy(intent)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        #expect(await proxy.settles { _ in member.events.count == 1 })
        try await proxy.reload(Self.changed(intent, change), generation: 2)
        try await client.send("xyz")
        #expect(try await client.waitForEnd().contains("other"))
        #expect(member.events.count { $0.frame.kind == 1 } == 1 && proxy.server.status.replays == 0)
        await proxy.stop()
        await member.close()
        await other.close()
    }

    @Test("nor one whose kept connection ends", arguments: Change.allCases)
    func kept(_ change: Change) async throws {
        let member = try await TestMember { received, _ in
            if received.hasSuffix("xyz") { return [.close] }
            return received.hasPrefix("GET") && received.hasSuffix("\r\n\r\n") ? [.send(ok("abc"))] : []
        }
        let other = try await TestMember { received, _ in received.hasSuffix("xyz") ? [.send(ok("other"))] : [] }
        let intent = TestProxy.intent([member.endpoint, other.endpoint]) { $0.upstreams[0].members[1].backup = true }
        let proxy = try await TestProxy(intent)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.hasSuffix("abc") }
        try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        #expect(await proxy.settles { _ in member.received.first?.contains("PUT") ?? false })
        #expect(member.connections == 1)
        try await proxy.reload(Self.changed(intent, change), generation: 2)
        try await client.send("xyz")
        #expect(try await client.waitForEnd().hasSuffix("other"))
        #expect(member.connections == 1 && proxy.server.status.replays == 0)
        await proxy.stop()
        await member.close()
        await other.close()
    }

    @Test("a failure of a request that began before counts for the member as it is now")
    func blame() async throws {
        let member = try await TestMember { received, _ in received.hasSuffix("xyz") ? [.reset] : [] }
        let other = try await TestMember.answering(ok("other"))
        let both = TestProxy.intent([other.endpoint, member.endpoint]) { $0.upstreams[0].tries = 1 }
        var alone = both
        alone.upstreams[0].members.removeFirst()
        let proxy = try await TestProxy(alone)
        let client = try await TestClient(proxy.endpoint)
        try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
        #expect(await proxy.settles { _ in member.connections == 1 })
        // While it was alone it would not have been left out. Now there is another, and it has another place.
        try await proxy.reload(both, generation: 2)
        try await client.send("xyz")
        #expect(try await client.waitForEnd().hasPrefix("HTTP/1.1 502 "))
        let state = proxy.published.pin().value.upstreams[0].members[1].state
        #expect(state.ejectionCount == 1 && state.failureCount == 1)
        for _ in 0..<4 { #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("other")) }
        await proxy.stop()
        await member.close()
        await other.close()
    }
}
