import HTTPWire
import ProxyService
import TestSupport
import Testing
import TrafficModel

/// A tunnel's bytes do not say where they end. Who gets an orderly end takes what has come for all.
@Suite("A WebSocket that breaks on one side ends in no order on the other, in any version", .timeLimit(.minutes(5)))
struct BrokenTunnelTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    enum Version: CaseIterable { case http1, http2 }

    enum Break: CaseIterable {
        /// RST of TCP, or RST_STREAM.
        case reset
        /// The connection ends, and with it a stream that has not.
        case lost
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var client: Version
        var member: Version
        var isMembers: Bool
        var how: Break
        var testDescription: String { "\(client) to \(member), \(isMembers ? "the member's" : "the client's") \(how)" }
    }

    private static let cases = Version.allCases.flatMap { client in
        Version.allCases.flatMap { member in
            [true, false].flatMap { isMembers in
                Break.allCases.map { Case(client: client, member: member, isMembers: isMembers, how: $0) }
            }
        }
        // TCP that ends without a reset has ended in order.
    }.filter { $0.how == .reset || ($0.isMembers ? $0.member : $0.client) == .http2 }

    /// What the proxy's other side sees and does, whatever it speaks.
    private struct Peer {
        /// Says what makes the member break the tunnel.
        var provoke: () -> Void
        /// Breaks the tunnel.
        var breakOff: () async throws -> Void
        /// Whether the tunnel ended as one that broke.
        var isBroken: () -> Bool
        var close: () async -> Void
    }

    private static func answer(_ received: String) -> String {
        let name = "sec-websocket-key: "
        let line = received.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name) }
        let bytes = Array((line?.dropFirst(name.count) ?? "").utf8)
        return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Accept: \(String(decoding: WebSocketAccept.value(for: bytes.span), as: UTF8.self))\r\n\r\n"
    }

    /// A client whose tunnel is there and has brought some bytes each way.
    private static func client(_ version: Version, _ proxy: TestProxy, _ how: Break) async throws -> Peer {
        switch version {
        case .http1:
            let client = try await TestClient(proxy.endpoint)
            try await client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            try await client.wait { $0.hasSuffix("\r\n\r\n") }
            try await client.send("x")
            try await client.wait { $0.hasSuffix("part") }
            return Peer(
                provoke: { client.post(Array("y".utf8)) }, breakOff: { try await client.reset() },
                isBroken: { client.wasReset }, close: { await client.close() })
        case .http2:
            let client = try await Client(proxy.endpoint)
            client.request(
                1,
                [
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
                    (":authority", "a"), ("sec-websocket-version", "13"),
                ], isEnd: false)
            client.data(1, Array("x".utf8))
            try await client.wait(1) { $0.text == "part" }
            return Peer(
                provoke: { client.data(1, Array("y".utf8)) },
                breakOff: {
                    if how == .lost { return await client.close() }
                    client.send(.reset, stream: 1, Client.bytes(8))
                },
                isBroken: {
                    // The proxy's own end may come before it has said so of each stream.
                    let isClosed = client.connection.isClosed
                    let response = client.response(1)
                    return !response.isEnd && (response.resetCode == 8 || isClosed)
                },
                close: { await client.close() })
        }
    }

    /// A member that answers `x`, and breaks the tunnel on `y`.
    private static func member(_ version: Version, _ how: Break) async throws -> (peer: Peer, intent: Intent) {
        switch version {
        case .http1:
            let member = try await TestMember { received, _ in
                if received.hasSuffix("\r\n\r\n") { return [.send(answer(received))] }
                return received == "x" ? [.send("part")] : received == "y" ? [.reset] : []
            }
            let peer = Peer(
                provoke: {}, breakOff: {}, isBroken: { member.wasReset }, close: { await member.close() })
            return (peer, TestProxy.intent([member.endpoint]))
        case .http2:
            let member = try await Member(settings: [0, 8, 0, 0, 0, 1]) { event in
                let stream = event.frame.stream
                switch (event.frame.kind, String(decoding: event.frame.payload, as: UTF8.self)) {
                case (1, _):
                    return Client.frame(.headers, flags: 4, stream: stream, Client.block([(":status", "200")]))
                case (0, "x"): return Client.frame(.data, stream: stream, Array("part".utf8))
                case (0, "y"):
                    return how == .lost ? Member.close : Client.frame(.reset, stream: stream, Client.bytes(8))
                default: return []
                }
            }
            let peer = Peer(
                provoke: {}, breakOff: {},
                isBroken: {
                    member.events.contains { $0.frame.kind == 3 && $0.frame.code == 8 }
                        && !member.events.contains { $0.frame.isEnd }
                },
                close: { await member.close() })
            return (peer, TestProxy.intent([member.endpoint]) { $0.upstreams[0].http2 = true })
        }
    }

    @Test("one side breaks it", arguments: cases)
    func breaks(_ given: Case) async throws {
        let (member, intent) = try await Self.member(given.member, given.how)
        let proxy = try await TestProxy(intent)
        let client = try await Self.client(given.client, proxy, given.how)
        if given.isMembers { client.provoke() } else { try await client.breakOff() }
        #expect(await Patience.lasts { given.isMembers ? client.isBroken() : member.isBroken() })
        #expect(await proxy.settles { $0.aborted == 1 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("the proxy stops", arguments: Version.allCases, Version.allCases)
    func stops(_ clientVersion: Version, _ memberVersion: Version) async throws {
        let (member, intent) = try await Self.member(memberVersion, .reset)
        let proxy = try await TestProxy(intent)
        let client = try await Self.client(clientVersion, proxy, .reset)
        await proxy.stop()
        #expect(await Patience.lasts { client.isBroken() && member.isBroken() })
        await client.close()
        await member.close()
    }
}
