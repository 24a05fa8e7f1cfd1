import Balancing
import Synchronization
import Testing
import TrafficModel

@testable import ProxyService

@Suite("What waits in buffers is bounded, and who holds the most goes first", .serialized, .timeLimit(.minutes(3)))
struct HoardTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    /// Less than a window, in frames.
    private static let body = 64_000

    /// Sends a body that is as long as it may be at first, and a short one for `/`.
    private static func member() async throws -> Member {
        try await Member { event in
            let stream = event.frame.stream
            guard event.frame.kind == 1 else { return [] }
            guard event.fields[":path"] == "/large" else { return Member.ok(stream, "small") }
            return Client.frame(.headers, flags: 4, stream: stream, Client.block([(":status", "200")]))
                + (0..<4).flatMap { Client.frame(.data, flags: $0 / 3, stream: stream, bytes(body / 4)) }
        }
    }

    private static func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x62, count: count) }

    private static let large: [(String, String)] = [
        (":method", "GET"), (":scheme", "http"), (":path", "/large"), (":authority", "a"),
    ]

    private static func proxy(_ member: Member, total: Int) async throws -> TestProxy {
        try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.proxy.limits.bufferTotal = total
            })
    }

    @Test("a member gets room on a stream as the client takes, so that one that takes nothing costs one buffer")
    func window() async throws {
        let member = try await Member { event in
            let stream = event.frame.stream
            guard event.frame.kind == 1 else { return [] }
            guard event.fields[":path"] == "/large" else { return Member.ok(stream, "small") }
            return Client.frame(.headers, flags: 4, stream: stream, Client.block([(":status", "200")]))
                + (0..<4).flatMap { _ in Client.frame(.data, stream: stream, Self.bytes(16_384)) }
        }
        let proxy = try await Self.proxy(member, total: 1 << 30)
        let client = try await Client(proxy.endpoint, settings: [(4, 0)])
        client.request(1, Self.large)
        #expect(await proxy.settles { (65_536..<70_000).contains($0.bufferedBytes) })
        // What came behind it on the same connection shows that nothing more is to come.
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("small"))
        #expect(member.connections == 1 && member.room(1) == 0)
        client.open(1, by: 20_000)
        try await client.wait(1) { $0.body.count == 20_000 }
        client.open(1, by: 20_000)
        try await client.wait(1) { $0.body.count == 40_000 }
        #expect(await proxy.settles { _ in member.room(1) == 40_000 })
        #expect(await proxy.settles { (25_536..<30_000).contains($0.bufferedBytes) })
        await client.close()
        #expect(await proxy.settles { $0.bufferedBytes == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("a client whose many streams take nothing is cut off before others are refused, and they are not")
    func manyStreams() async throws {
        let member = try await Self.member()
        let proxy = try await Self.proxy(member, total: 3 << 20)
        let patient = try await Client(proxy.endpoint, settings: [(4, 0)])
        patient.request(1, Self.large)
        #expect(await proxy.settles { $0.bufferedBytes >= Self.body })
        let hoarder = try await Client(proxy.endpoint, settings: [(4, 0)])
        // At once, so that nothing comes that would be answered by a reset and cost it what it is told.
        hoarder.connection.post(
            (0..<100).flatMap {
                Client.frame(.headers, flags: 5, stream: UInt32(2 * $0 + 1), Client.block(Self.large))
            })
        #expect(try await hoarder.goAwayCode() == 11)
        #expect(await proxy.settles { $0.hoards >= 1 && $0.bufferedBytes < 2 * Self.body })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("small"))
        // Who holds little keeps it.
        patient.open(1, by: 100_000)
        #expect(try await patient.end(of: 1).body.count == Self.body)
        #expect(await proxy.settles { $0.bufferedBytes == 0 })
        await patient.close()
        await hoarder.close()
        await proxy.stop()
        await member.close()
    }

    final class Part: CustomStringConvertible {
        let description: String
        init(_ name: String) { description = name }
    }

    struct Choice: Sendable, CustomTestStringConvertible {
        /// Its connection's name, its own, bytes, and whether it is stalled.
        var parts: [(String, String, Int, Bool)]
        var excess: Int
        var sparesMoving = true
        var chosen: [String]
        var testDescription: String { "\(excess) of \(parts.map { "\($0.1) \($0.2)" })" }
    }

    @Test(
        "who goes first",
        arguments: [
            // The one of which the most is stuck, however many parts that has, and no more than are needed.
            Choice(
                parts: [("a", "a", 50, true), ("b", "b1", 40, true), ("b", "b2", 40, true), ("c", "c", 60, true)],
                excess: 80, chosen: ["b"]),
            Choice(
                parts: [("a", "a", 50, true), ("b", "b1", 40, true), ("b", "b2", 40, true), ("c", "c", 60, true)],
                excess: 81, chosen: ["b", "c"]),
            // What moves stays, even if it holds more, and its connection with it.
            Choice(
                parts: [("a", "a", 50, true), ("b", "b1", 400, false), ("b", "b2", 60, true), ("b", "b3", 10, true)],
                excess: 100, chosen: ["b2", "b3", "a"]),
            Choice(parts: [("a", "a", 50, false), ("b", "b", 0, true)], excess: 10, chosen: []),
            // Unless there is no other way.
            Choice(
                parts: [("a", "a", 50, true), ("b", "b1", 400, false), ("b", "b2", 60, true), ("c", "c", 500, false)],
                excess: 600, sparesMoving: false, chosen: ["b2", "a", "c"]),
            Choice(parts: [("a", "a", 50, true)], excess: 0, sparesMoving: false, chosen: []),
        ])
    func order(_ choice: Choice) {
        var known: [String: Part] = [:]
        let part = { (name: String) in
            let made = known[name] ?? Part(name)
            known[name] = made
            return made
        }
        var hoards = Hoards<Part>()
        for (connection, name, bytes, isStalled) in choice.parts {
            hoards.add(part(name), of: part(connection), bytes: bytes, isStalled: isStalled)
        }
        let chosen = hoards.surplus(choice.excess, sparesMoving: choice.sparesMoving).map(\.description)
        #expect(chosen == choice.chosen)
    }

    @Test("once what was held is gone its memory is given back, also where that was no reason for anyone to go")
    func memory() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(ok(String(repeating: "x", count: 32 << 20)))] : []
        }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.bufferBytes = 16 << 20
            $0.proxy.limits.bufferTotal = 128 << 20
        }
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        try await client.send(get())
        let hasHeldMuch = { proxy.server.shared.hasHeldMuch.load(ordering: .relaxed) }
        #expect(await proxy.settles { _ in hasHeldMuch() })
        await client.close()
        #expect(await proxy.settles { $0.bufferedBytes == 0 && !hasHeldMuch() })
        #expect(proxy.server.status.hoards == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("a client of HTTP/1.1 that holds what is wanted for others sees that its response is cut off")
    func oneResponse() async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return [.send(ok(received.contains("/large") ? String(repeating: "x", count: 24 << 20) : "abc"))]
        }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.bufferTotal = 1000 }
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        try await client.send(get("/large"))
        #expect(await proxy.settles { $0.hoards == 1 && $0.bufferedBytes == 0 && $0.openConnections == 0 })
        #expect(proxy.server.status.aborted == 1)
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("when too much is buffered new requests are told 503, and are taken again afterwards")
    func bufferTotal() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) { $0.proxy.limits.bufferTotal = 1000 }
        // By others, of which this loop can end none.
        let shared = proxy.server.shared
        shared.bufferedBytes.wrappingAdd(5000, ordering: .relaxed)
        let refused = try await TestClient.exchange(
            proxy.endpoint, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Connection: close"))
        #expect(proxy.server.status.overloaded == 1 && proxy.server.status.hoards == 0)
        shared.bufferedBytes.wrappingSubtract(5000, ordering: .relaxed)
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasSuffix("abc"))
        await proxy.stop()
        await member.close()
    }
}
