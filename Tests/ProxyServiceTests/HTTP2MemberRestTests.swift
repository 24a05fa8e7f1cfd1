import Balancing
import NIOCore
import ProxyService
import Testing
import TrafficModel

@Suite("HTTP/2 members that take no requests for now", .serialized, .timeLimit(.minutes(5)))
struct HTTP2MemberRestTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    private static func streams(_ count: UInt8) -> [UInt8] { [0, 3, 0, 0, 0, count] }

    private static func refusal(_ stream: UInt32) -> [UInt8] {
        Client.frame(.reset, stream: stream, Client.bytes(7))
    }

    private static func isRequest(_ event: Member.Event) -> Bool { event.frame.kind == 1 }

    @Test("another gets their requests, after one was refused")
    func another() async throws {
        let member = try await Member(settings: Self.streams(0)) {
            Self.isRequest($0) ? Self.refusal($0.frame.stream) : []
        }
        let other = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "other") : [] }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint, other.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].ejectionTime = .seconds(600)
            })
        for _ in 0..<40 {
            let answer = try await TestClient.exchange(
                proxy.endpoint,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz")
            #expect(answer.contains("other"), "\(answer)")
        }
        #expect(member.connections == 1 && member.events.count(where: Self.isRequest) == 1)
        #expect(proxy.server.status.retries == 1)
        let state = proxy.published.pin().value.upstreams[0].members[0].state
        #expect(state.latestFailure?.reason == .refused && state.ejectionCount == 1)
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await proxy.stop()
        await member.close()
        await other.close()
    }

    @Test("where there is no other, requests wait on one connection until it takes some")
    func waiting() async throws {
        // The first is refused, and may come again a while later.
        let member = try await Member(settings: Self.streams(0), pause: .milliseconds(50)) { event in
            guard Self.isRequest(event) else { return [] }
            if event.connection == 1, event.frame.stream == 1 {
                return Self.refusal(1) + Client.frame(.ping, [UInt8](repeating: 1, count: 8))
                    + Client.frame(.settings, Self.streams(2))
            }
            return Member.ok(event.frame.stream, "abc")
        }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].connectTimeout = .seconds(30)
            })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        #expect(member.connections == 1 && proxy.server.status.retries == 0)
        #expect(member.events.filter(Self.isRequest).map(\.frame.stream) == [1, 3])
        await proxy.stop()
        await member.close()
    }

    @Test("more of them than the member then takes at once follow one another, and none is turned away")
    func inTurn() async throws {
        let member = try await Member(settings: Self.streams(0), pause: .milliseconds(200)) { event in
            guard Self.isRequest(event) else { return [] }
            if event.frame.stream == 1 {
                return Self.refusal(1) + Client.frame(.ping, [UInt8](repeating: 1, count: 8))
                    + Client.frame(.settings, Self.streams(2))
            }
            return Member.ok(event.frame.stream, "abc")
        }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].connectTimeout = .seconds(60)
            })
        let client = try await Client(proxy.endpoint)
        client.request(1)
        #expect(await proxy.settles { _ in member.events.count(where: Self.isRequest) == 1 })
        for number: UInt32 in 1..<20 { client.request(2 * number + 1) }
        for number: UInt32 in 0..<20 { #expect(try await client.end(of: 2 * number + 1).text == "abc") }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("those that wait in vain are told 504, and nobody connects for them meanwhile")
    func inVain() async throws {
        let member = try await Member(settings: Self.streams(0)) {
            Self.isRequest($0) ? Self.refusal($0.frame.stream) : []
        }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].connectTimeout = .seconds(2)
            })
        let client = try await Client(proxy.endpoint)
        client.request(1)
        #expect(await proxy.settles { _ in member.events.count(where: Self.isRequest) == 1 })
        for number: UInt32 in 1..<20 { client.request(2 * number + 1) }
        for number: UInt32 in 0..<20 { #expect(try await client.end(of: 2 * number + 1).status == "504") }
        // Those that came before the refusal was read went along with the first.
        #expect(member.connections <= 3, "\(member.connections)")
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a member that leaves instead gets the request on a new connection")
    func goAway() async throws {
        let member = try await Member(settings: Self.streams(0), pause: .milliseconds(50)) { event in
            guard Self.isRequest(event) else { return [] }
            guard event.connection == 1 else { return Member.ok(event.frame.stream, "abc") }
            return Self.refusal(1) + Client.frame(.ping, [UInt8](repeating: 1, count: 8))
                + Client.frame(.goAway, Client.bytes(0) + Client.bytes(0))
        }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].connectTimeout = .seconds(600)
            })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        #expect(member.connections == 2 && member.events.count(where: Self.isRequest) == 2)
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("a client that leaves while it waits leaves nothing behind")
    func leaving() async throws {
        let member = try await Member(settings: Self.streams(0)) { event in
            guard Self.isRequest(event) else { return [] }
            guard event.connection == 2 else { return Self.refusal(event.frame.stream) }
            return Member.ok(event.frame.stream, "abc")
        }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].connectTimeout = .seconds(600)
            })
        let client = try await Client(proxy.endpoint)
        client.request(1)
        #expect(await proxy.settles { _ in member.events.count(where: Self.isRequest) == 1 })
        client.send(.reset, stream: 1, Client.bytes(8))
        #expect(await proxy.settles { $0.aborted == 1 && member.openConnections == 0 })
        // The next finds out anew.
        client.request(3)
        #expect(try await client.end(of: 3).text == "abc")
        await client.close()
        await proxy.stop()
        await member.close()
    }
}
