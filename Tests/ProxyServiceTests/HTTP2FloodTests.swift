import Addresses
import Balancing
import ProxyService
import Testing
import TrafficModel

@Suite("HTTP/2 from clients: floods", .serialized, .timeLimit(.minutes(5)))
struct HTTP2FloodTests {
    typealias Client = HTTP2TestClient

    struct Flood: Sendable, CustomTestStringConvertible {
        var name: String
        /// What is sent for each number.
        var frames: @Sendable (UInt32) -> [UInt8]
        /// More than the limits: 1000 resets, 1000 control frames.
        var count: UInt32 = 1500
        var code: UInt32 = 11
        var testDescription: String { name }
    }

    private static func headers(
        _ stream: UInt32, _ fields: [(String, String)] = Client.get, flags: UInt8 = 5
    ) -> [UInt8] {
        Client.frame(.headers, flags: flags, stream: stream, Client.block(fields))
    }

    static let floods: [Flood] = [
        .init(name: "rapid reset") { headers(2 * $0 + 1) + Client.frame(.reset, stream: 2 * $0 + 1, Client.bytes(8)) },
        .init(name: "CONTINUATION") {
            $0 == 0
                ? headers(1, flags: 0) : Client.frame(.continuation, stream: 1, Client.block([("x-\($0)", "y")]))
        },
        .init(name: "empty CONTINUATION") {
            $0 == 0 ? headers(1, flags: 0) : Client.frame(.continuation, stream: 1, [])
        },
        .init(name: "PING") { _ in Client.frame(.ping, [UInt8](repeating: 0, count: 8)) },
        .init(name: "PONG") { _ in Client.frame(.ping, flags: 1, [UInt8](repeating: 0, count: 8)) },
        .init(name: "windows that nobody waits for") { _ in Client.frame(.windowUpdate, Client.bytes(1)) },
        .init(name: "SETTINGS") { _ in Client.frame(.settings, []) },
        .init(name: "PRIORITY") { _ in Client.frame(.priority, stream: 1, Client.bytes(0) + [1]) },
        .init(name: "empty DATA") {
            $0 == 0 ? headers(1, Client.post(), flags: 4) : Client.frame(.data, stream: 1, [])
        },
        // MadeYouReset: the server is made to reset what the client asked for.
        .init(name: "window updates of zero") {
            headers(2 * $0 + 1) + Client.frame(.windowUpdate, stream: 2 * $0 + 1, Client.bytes(0))
        },
        .init(name: "windows beyond measure") {
            headers(2 * $0 + 1) + Client.frame(.windowUpdate, stream: 2 * $0 + 1, Client.bytes(0x7fff_ffff))
        },
        .init(name: "malformed requests") { headers(2 * $0 + 1, Client.get + [("connection", "x")]) },
        .init(name: "requests that only we find malformed") { headers(2 * $0 + 1, Client.get + [("host", "b")]) },
    ]

    @Test("floods end the connection and are counted, and the server goes on", arguments: floods)
    func flood(_ item: Flood) async throws {
        let member = try await TestMember { received, _ in received.contains("X-End") ? [.send(ok("abc"))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        for number in 0..<item.count { client.connection.post(item.frames(number)) }
        let code = try await client.goAwayCode()
        // The last words may be lost in a reset, as the flood goes on behind the end.
        #expect(code == item.code || code == nil)
        #expect(await proxy.settles { $0.floods == 1 })
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        #expect(proxy.server.status.bufferedBytes < 1_000_000)
        await client.close()
        #expect(try await TestClient.exchange(proxy.endpoint, get("/", "X-End: close\r\n")).hasPrefix("HTTP/1.1 "))
        await proxy.stop()
        await member.close()
    }

    @Test("who asks for answers that are made here, and takes none, is not read from for ever")
    func unread() async throws {
        // Without a member each request is answered at once, whatever the windows are.
        let proxy = try await TestProxy(TestProxy.intent([]))
        let client = try await Client(proxy.endpoint, settings: [(4, 0x7fff_ffff)], isPaused: true)
        client.open(0, by: 0x7fff_0000)
        let most: UInt32 = 400_000
        for number in stride(from: 0, to: most, by: 1000) {
            client.connection.post((number..<number + 1000).flatMap { Self.headers(2 * $0 + 1) })
        }
        // Until nothing more is read.
        var seen: UInt64 = 0
        while proxy.server.status.requests > seen || seen <= 1000 {
            seen = proxy.server.status.requests
            try await Task.sleep(for: .milliseconds(500))
        }
        #expect(seen < UInt64(most) - 100_000, "\(seen) requests were read")
        await client.close()
        #expect(await proxy.settles { $0.openConnections == 0 && $0.bufferedBytes == 0 })
        await proxy.stop()
    }

    @Test("a field section is limited: a little too large is answered, an HPACK bomb ends the connection")
    func largeFields() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) { $0.proxy.limits.headBytes = 4096 })
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.get + [("x-a", String(repeating: "y", count: 5000))])
        #expect(try await client.end(of: 1).status == "431")
        // A large entry of the dynamic table, named over and over in one byte each.
        let entry: [UInt8] =
            [0x40] + Client.block([("x-bomb", String(repeating: "z", count: 3500))]).dropFirst()
        client.send(
            .headers, flags: 5, stream: 3,
            Client.block(Client.get) + entry + [UInt8](repeating: 0xbe, count: 10_000))
        #expect(try await client.goAwayCode() != 0)
        // The one was a request too large, the other an attack.
        #expect(await proxy.settles { $0.malformed == 1 && $0.floods == 1 && $0.openConnections == 0 })
        await client.close()
        await proxy.stop()
    }

    @Test("random frames end in order: no stream, member or byte stays behind", arguments: 0..<20)
    func mixed(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(ok(String(repeating: "x", count: 30_000)))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint, settings: [(4, UInt32.random(in: 0...70_000, using: &random))])
        var next: UInt32 = 1
        for _ in 0..<60 {
            let stream = UInt32.random(in: 0...next, using: &random) | 1
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2:
                client.request(
                    next, Bool.random(using: &random) ? Client.get : Client.post(), isEnd: .random(using: &random))
                next += 2
            case 3:
                client.data(
                    stream, [UInt8](repeating: 7, count: .random(in: 0...300, using: &random)),
                    isEnd: .random(using: &random))
            case 4: client.send(.reset, stream: stream, Client.bytes(8))
            case 5: client.open(Bool.random(using: &random) ? 0 : stream, by: .random(in: 1...70_000, using: &random))
            case 6: client.send(.headers, flags: 5, stream: stream, Client.block([("x-t", "1")]))
            default: client.send(.ping, [UInt8](repeating: 1, count: 8))
            }
        }
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...30, using: &random)))
        await client.close()
        #expect(await proxy.settles { $0.openConnections == 0 && $0.bufferedBytes == 0 })
        let counted = await proxy.settles {
            $0.requests == $0.successes + $0.clientErrors + $0.serverErrors + $0.redirections + $0.aborted
        }
        #expect(counted)
        await proxy.stop()
        await member.close()
    }
}
