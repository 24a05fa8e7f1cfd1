import Balancing
import ProxyService
import Testing
import TrafficModel

@Suite("HTTP/2 towards members that behave oddly", .serialized, .timeLimit(.minutes(5)))
struct HTTP2MemberMisbehaviourTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    private static func proxy(_ member: Member, _ change: (inout Intent) -> Void = { _ in }) async throws -> TestProxy {
        try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.upstreams[0].http2 = true
                change(&$0)
            })
    }

    private static func head(_ stream: UInt32, _ fields: [(String, String)] = [(":status", "200")]) -> [UInt8] {
        Client.frame(.headers, flags: 4, stream: stream, Client.block(fields))
    }

    @Test("DATA byte by byte counts for what it is, and arrives whole when the client takes it")
    func smallFrames() async throws {
        let count = 60_000
        let member = try await Member { event in
            guard event.frame.kind == 1 else { return [] }
            let stream = event.frame.stream
            let bytes = (0..<count).flatMap {
                Client.frame(.data, stream: stream, [UInt8(ascii: "a") + UInt8($0 % 26)])
            }
            return Self.head(stream) + bytes + Client.frame(.data, flags: 1, stream: stream, [])
        }
        let proxy = try await Self.proxy(member) { $0.proxy.limits.bufferBytes = 64 << 10 }
        let client = try await Client(proxy.endpoint, settings: [(4, 0)])
        client.request(1)
        // What waits is the body, and neither frames nor chunks around each of its bytes.
        #expect(await proxy.settles { $0.bufferedBytes >= count })
        #expect(proxy.server.status.bufferedBytes < count + 1000, "\(proxy.server.status.bufferedBytes)")
        client.open(1, by: 1_000_000)
        let response = try await client.end(of: 1)
        #expect(response.body == (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a stream that is reset within its response is broken off, whatever the reason; the connection goes on",
        arguments: [UInt32(0), 7, 8])
    func resetWithin(code: UInt32) async throws {
        // A part of the response for the head, the reset for the body.
        let member = try await Member { event in
            let stream = event.frame.stream
            if event.frame.kind == 0 { return Client.frame(.reset, stream: stream, Client.bytes(code)) }
            guard event.frame.kind == 1 else { return [] }
            guard event.fields[":method"] == "POST" else { return Member.ok(stream, "whole") }
            return Self.head(stream) + Client.frame(.data, stream: stream, Array("part".utf8))
        }
        let proxy = try await Self.proxy(member)
        let old = try await TestClient(proxy.endpoint)
        try await old.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        _ = try await old.wait { $0.contains("part\r\n") }
        try await old.send("abc")
        #expect(try await !old.waitForEnd().contains("\r\n0\r\n"))
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post(), isEnd: false)
        try await client.wait(1) { $0.text == "part" }
        client.data(1, [1])
        #expect(try await client.end(of: 1).resetCode != nil)
        client.request(3)
        #expect(try await client.end(of: 3).text == "whole")
        // Once each: what has been answered in part was acted on.
        #expect(member.events.count { $0.fields[":method"] == "POST" } == 2 && member.connections == 1)
        #expect(await proxy.settles { $0.aborted == 2 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a response that is whole by its length stays so when its stream is reset", arguments: [UInt32(0), 7, 8])
    func resetBehind(code: UInt32) async throws {
        let member = try await Member { event in
            guard event.frame.kind == 1 else { return [] }
            let stream = event.frame.stream
            return Self.head(stream, [(":status", "200"), ("content-length", "60000")])
                + (0..<6).flatMap { _ in Client.frame(.data, stream: stream, [UInt8](repeating: 120, count: 10_000)) }
                + Client.frame(.reset, stream: stream, Client.bytes(code))
        }
        let proxy = try await Self.proxy(member) { $0.proxy.limits.bufferBytes = 64 << 10 }
        // A part of it is held here when the reset comes.
        let client = try await Client(proxy.endpoint, settings: [(4, 0)])
        client.request(1)
        #expect(await proxy.settles { $0.bufferedBytes >= 60_000 })
        client.open(1, by: 100_000)
        let response = try await client.end(of: 1)
        #expect(response.body.count == 60_000 && response.resetCode == nil)
        #expect(member.events.count { $0.frame.kind == 1 } == 1)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a member that takes no requests at all keeps no connection open")
    func takesNothing() async throws {
        let member = try await Member(settings: [0, 3, 0, 0, 0, 0]) {
            $0.frame.kind == 1 ? Member.ok($0.frame.stream, "abc") : []
        }
        let proxy = try await Self.proxy(member) { $0.upstreams[0].connectTimeout = .seconds(5) }
        for _ in 0..<20 { #expect(try await TestClient.exchange(proxy.endpoint, get("/")).contains("abc")) }
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        // WebSocket waits for the settings, and for better ones, rather than being sent in spite of them.
        let requests = member.events.count { $0.frame.kind == 1 }
        let answer = try await TestClient.exchange(
            proxy.endpoint,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
                + "Sec-WebSocket-Version: 13\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 504 "), "\(answer)")
        #expect(member.events.count { $0.frame.kind == 1 } == requests)
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("idle connections are kept up to their number, the others close", arguments: [0, 2, 4])
    func idleConnections(limit: Int) async throws {
        // One request at a time on each connection, answered when its body has ended.
        let member = try await Member(settings: [0, 3, 0, 0, 0, 1]) {
            $0.frame.isEnd ? Member.ok($0.frame.stream, "abc") : []
        }
        let proxy = try await Self.proxy(member) { $0.upstreams[0].idleConnections = limit }
        let client = try await Client(proxy.endpoint)
        for number in 1...4 {
            client.request(UInt32(2 * number - 1), Client.post(), isEnd: false)
            // Its settings have been read when it gets what was sent behind them.
            client.data(UInt32(2 * number - 1), [1])
            #expect(await proxy.settles { _ in member.events.count { $0.frame.kind == 0 } == number })
        }
        #expect(member.openConnections == 4)
        for number: UInt32 in 1...4 { client.data(2 * number - 1, [], isEnd: true) }
        for number: UInt32 in 1...4 { #expect(try await client.end(of: 2 * number - 1).text == "abc") }
        #expect(await proxy.settles { _ in member.openConnections == limit }, "\(member.openConnections)")
        await client.close()
        await proxy.stop()
        await member.close()
    }

    /// What a member may do to one stream of a connection that goes on.
    enum StrayAnswer: Sendable, CustomTestStringConvertible {
        case reset(UInt32)
        case interimEnd
        case fields([[String]])

        static let all: [StrayAnswer] =
            [0, 1, 2, 5, 8, 11, 13].map { .reset($0) } + [
                .interimEnd, .fields([["content-length", "5, 5"]]), .fields([["connection", "close"]]),
                .fields([["X", "a"]]),
            ]

        func frame(on stream: UInt32) -> [UInt8] {
            switch self {
            case .reset(let code): Client.frame(.reset, stream: stream, Client.bytes(code))
            case .interimEnd: Client.frame(.headers, flags: 5, stream: stream, Client.block([(":status", "103")]))
            case .fields(let fields): head(stream, [(":status", "200")] + fields.map { ($0[0], $0[1]) })
            }
        }

        var testDescription: String {
            switch self {
            case .reset(let code): "RST_STREAM \(code)"
            case .interimEnd: "103 that ends the stream"
            case .fields(let fields): fields[0].joined(separator: ": ")
            }
        }
    }

    @Test(
        "a request whose stream is broken by the member is not sent there again, though its connection was kept",
        arguments: StrayAnswer.all, ["GET", "POST"])
    func strayAnswer(_ answer: StrayAnswer, _ method: String) async throws {
        let member = try await Member { event in
            guard event.frame.isEnd else { return [] }
            return event.frame.stream == 1 ? Member.ok(1, "abc") : answer.frame(on: event.frame.stream)
        }
        let other = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "other") : [] }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint, other.endpoint]) {
                $0.upstreams[0].http2 = true
                $0.upstreams[0].members[1].backup = true
            })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        let text = try await TestClient.exchange(
            proxy.endpoint, "\(method) /odd HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz")
        #expect(method == "GET" ? text.contains("other") : text.hasPrefix("HTTP/1.1 502 "), "\(text)")
        #expect(member.events.count { $0.fields[":path"] == "/odd" } == 1)
        #expect(other.events.count { $0.fields[":path"] == "/odd" } == (method == "GET" ? 1 : 0))
        #expect(proxy.server.status.replays == 0)
        await proxy.stop()
        await member.close()
        await other.close()
    }

    @Test("interim responses are limited, at n and at n + 1", arguments: [32, 33])
    func interim(count: Int) async throws {
        let member = try await Member { event in
            guard event.frame.kind == 1 else { return [] }
            let stream = event.frame.stream
            return (0..<count).flatMap { _ in Self.head(stream, [(":status", "103"), ("link", "</a>")]) }
                + Member.ok(stream, "abc")
        }
        let proxy = try await Self.proxy(member)
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.contains("HTTP/1.1 \(count > 32 ? 502 : 200) "))
        #expect(answer.contains("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n"))
        await proxy.stop()
        await member.close()
    }
}
