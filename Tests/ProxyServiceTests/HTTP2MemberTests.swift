import Balancing
import HTTPWire
import ProxyService
import Testing
import TrafficModel

@Suite("HTTP/2 towards members", .serialized, .timeLimit(.minutes(5)))
struct HTTP2MemberTests {
    typealias Client = HTTP2TestClient
    typealias Member = HTTP2TestMember

    private static func proxy(
        _ members: [HTTP2TestMember], _ change: (inout Intent) -> Void = { _ in }
    ) async throws -> TestProxy {
        try await TestProxy(
            TestProxy.intent(members.map(\.endpoint)) {
                $0.upstreams[0].http2 = true
                change(&$0)
            })
    }

    private static func headers(_ stream: UInt32, _ fields: [(String, String)], isEnd: Bool = false) -> [UInt8] {
        Client.frame(.headers, flags: isEnd ? 5 : 4, stream: stream, Client.block(fields))
    }

    @Test("a request of HTTP/1.1 becomes HTTP/2, and so does its body")
    func fromHTTP1() async throws {
        let member = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "abc", [("x-a", "b")]) : [] }
        let proxy = try await Self.proxy([member])
        let answer = try await TestClient.exchange(
            proxy.endpoint,
            "POST /p?q HTTP/1.1\r\nHost: h:8\r\nX-B: c\r\nTransfer-Encoding: chunked\r\nConnection: close, x-gone\r\n"
                + "X-Gone: 1\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nx-a: b\r\n") && answer.contains("\r\n3\r\nabc\r\n0\r\n\r\n"))
        let events = member.events
        let head = events[0].fields
        #expect(head[":method"] == "POST" && head[":path"] == "/p?q" && head[":authority"] == "h:8")
        #expect(head[":scheme"] == "http" && head["x-b"] == "c" && head["x-forwarded-for"] == "127.0.0.1")
        for name in ["x-gone", "connection", "host", "transfer-encoding"] { #expect(head[name] == nil) }
        #expect(events.dropFirst().flatMap(\.frame.payload) == Array("abcde".utf8))
        await proxy.stop()
        await member.close()
    }

    @Test("many clients' requests share one connection, up to what the member allows, at n and at n + 1")
    func shared() async throws {
        // Three at once.
        let member = try await Member(settings: [0, 3, 0, 0, 0, 3]) { event in
            event.fields[":path"] == "/last" || event.fields[":path"] == "/first"
                ? Member.ok(event.frame.stream, "abc") : []
        }
        let proxy = try await Self.proxy([member])
        // Its settings have come when the first is answered.
        #expect(try await TestClient.exchange(proxy.endpoint, get("/first")).contains("abc"))
        let client = try await Client(proxy.endpoint)
        for stream: UInt32 in [1, 3, 5] { client.request(stream) }
        #expect(await proxy.settles { _ in member.events.count == 4 })
        #expect(member.connections == 1)
        #expect(try await TestClient.exchange(proxy.endpoint, get("/last")).contains("abc"))
        #expect(member.connections == 2)
        // What nobody waits for any more is cancelled.
        await client.close()
        #expect(await proxy.settles { _ in member.events.count(where: { $0.frame.kind == 3 }) == 3 })
        await proxy.stop()
        await member.close()
    }

    @Test("trailers pass in both directions, and a response of one head stays one")
    func trailers() async throws {
        let member = try await Member { event in
            guard event.frame.isEnd else { return [] }
            let stream = event.frame.stream
            if stream == 1 {
                return Self.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
                    + Client.frame(.data, stream: stream, Array("abc".utf8))
                    + Self.headers(stream, [("grpc-status", "0")], isEnd: true)
            }
            return Self.headers(stream, [(":status", "200"), ("grpc-status", "5")], isEnd: true)
        }
        let proxy = try await Self.proxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post([("te", "trailers"), ("content-type", "application/grpc")]), isEnd: false)
        client.data(1, Array("xyz".utf8))
        client.send(.headers, flags: 5, stream: 1, Client.block([("x-t", "1")]))
        let call = try await client.end(of: 1)
        #expect(call.text == "abc" && call.heads.last == ["grpc-status: 0"])
        #expect(member.events.first?.fields["te"] == "trailers")
        #expect(member.events.last?.fields == ["x-t": "1"])
        client.request(3, Client.get)
        let failed = try await client.end(of: 3)
        #expect(failed.has("grpc-status: 5") && failed.heads.count == 1)
        #expect(client.frames.last { $0.stream == 3 }?.kind == 1)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a member that never says that a response has ended keeps neither streams nor connections")
    func endless() async throws {
        // Eight at once.
        let member = try await Member(settings: [0, 3, 0, 0, 0, 8]) { event in
            guard event.frame.kind == 1 else { return [] }
            return Self.headers(event.frame.stream, [(":status", "200"), ("content-length", "3")])
                + Client.frame(.data, stream: event.frame.stream, Array("abc".utf8))
        }
        let proxy = try await Self.proxy([member]) { $0.upstreams[0].idleTimeout = .milliseconds(100) }
        for _ in 0..<20 { #expect(try await TestClient.exchange(proxy.endpoint, get("/")).contains("abc")) }
        let resets = { member.events.count { $0.frame.kind == 3 } }
        #expect(await proxy.settles { _ in resets() == 20 && member.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test(
        "trailers and hosts that are too long are no member's fault, and end nothing",
        arguments: [8192, 30_000, 70_000])
    func tooLong(_ length: Int) async throws {
        let member = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "abc") : [] }
        let proxy = try await Self.proxy([member]) { $0.proxy.limits.headBytes = 48 << 10 }
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post(), isEnd: false)
        let block = Client.block([("x-t", String(repeating: "a", count: length))])
        let first = min(block.count, 16_000)
        client.send(.headers, flags: first == block.count ? 5 : 1, stream: 1, Array(block[..<first]))
        for start in stride(from: first, to: block.count, by: 16_000) {
            let end = min(start + 16_000, block.count)
            client.send(.continuation, flags: end == block.count ? 4 : 0, stream: 1, Array(block[start..<end]))
        }
        #expect(try await client.end(of: 1).text == "abc")
        #expect(member.events.last?.fields["x-t"] == nil)
        let host = String(repeating: "a", count: length)
        let refused = try await TestClient.exchange(
            proxy.endpoint, "GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
        #expect(refused.hasPrefix(length > 48 << 10 ? "HTTP/1.1 431 " : "HTTP/1.1 400 "), "\(refused.prefix(40))")
        client.request(3, [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "h"), ("x", "y")])
        #expect(try await client.end(of: 3).text == "abc")
        #expect(member.connections == 1, "it is not held to have failed")
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a refused stream is sent again, of whatever method, on another connection")
    func refused() async throws {
        let member = try await Member { event in
            guard event.frame.isEnd else { return [] }
            return event.connection == 1
                ? Client.frame(.reset, stream: event.frame.stream, Client.bytes(7))
                    + Client.frame(.goAway, Client.bytes(0) + Client.bytes(0)) : Member.ok(event.frame.stream, "abc")
        }
        let proxy = try await Self.proxy([member])
        let answer = try await TestClient.exchange(
            proxy.endpoint, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz")
        #expect(answer.contains("abc"))
        #expect(
            member.events.filter { $0.frame.kind == 0 }.map(\.frame.payload) == [Array("xyz".utf8), Array("xyz".utf8)])
        #expect(await proxy.settles { $0.replays > 0 && $0.successes == 1 })
        await proxy.stop()
        await member.close()
    }

    @Test("GOAWAY: what the member has accepted is waited for, what lies beyond goes elsewhere")
    func goAway() async throws {
        let member = try await Member { event in
            guard event.frame.isEnd else { return [] }
            switch (event.connection, event.fields[":path"]) {
            case (1, "/two"):
                return Client.frame(.goAway, Client.bytes(1) + Client.bytes(0)) + Member.ok(1, "first")
            case (1, _): return []
            default: return Member.ok(event.frame.stream, "second")
            }
        }
        let proxy = try await Self.proxy([member])
        let one = try await TestClient(proxy.endpoint)
        try await one.send(get("/one"))
        #expect(await proxy.settles { _ in member.events.count == 1 })
        #expect(
            try await TestClient.exchange(
                proxy.endpoint, "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ).contains("second"))
        #expect(try await one.waitForEnd().contains("first"))
        #expect(await proxy.settles { _ in member.openConnections == 1 })
        await one.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a connection that breaks costs no idempotent request, and no other is sent twice")
    func broken() async throws {
        let bad = try await Member { $0.frame.isEnd ? Member.close : [] }
        let good = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "abc") : [] }
        let proxy = try await Self.proxy([bad, good])
        for _ in 0..<4 { #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc")) }
        await proxy.stop()
        let alone = try await Self.proxy([bad])
        let answer = try await TestClient.exchange(
            alone.endpoint, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 502 "))
        #expect(bad.events.count(where: { $0.fields[":method"] == "POST" }) == 1)
        await alone.stop()
        await bad.close()
        await good.close()
    }

    @Test(
        "a kept connection that ends without a word costs no idempotent request, and no other is sent twice",
        arguments: ["PUT", "POST"])
    func keptConnection(_ method: String) async throws {
        let member = try await Member { event in
            guard event.frame.isEnd else { return [] }
            return event.connection == 1 && event.frame.stream > 1 ? Member.close : Member.ok(event.frame.stream, "abc")
        }
        let proxy = try await Self.proxy([member])
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        let answer = try await TestClient.exchange(
            proxy.endpoint, "\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz")
        let count: UInt64 = method == "PUT" ? 1 : 0
        #expect(count == 1 ? answer.contains("abc") : answer.hasPrefix("HTTP/1.1 502 "))
        #expect(await proxy.settles { $0.replays == count && $0.retries == 0 && $0.successes == 1 + count })
        #expect(member.events.count { $0.fields[":method"] == method } == 1 + Int(count))
        await proxy.stop()
        await member.close()
    }

    @Test("a client that does not read holds the member's stream up, and no other")
    func slowReader() async throws {
        let member = try await Member { event in
            guard event.frame.kind == 1 else { return [] }
            let stream = event.frame.stream
            guard event.fields[":path"] == "/large" else { return Member.ok(stream, "abc") }
            // As much as the stream's window allows.
            return Self.headers(stream, [(":status", "200")])
                + (0..<16).flatMap { _ in Client.frame(.data, stream: stream, [UInt8](repeating: 120, count: 16_384)) }
        }
        let proxy = try await Self.proxy([member]) { $0.proxy.limits.bufferBytes = 262_144 }
        let client = try await Client(proxy.endpoint, settings: [(4, 100)])
        client.request(1, [(":method", "GET"), (":scheme", "http"), (":path", "/large"), (":authority", "a")])
        try await client.wait(1) { $0.body.count == 100 }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        #expect(await proxy.settles { $0.bufferedBytes > 0 && $0.bufferedBytes < 400_000 })
        client.open(0, by: 1_000_000)
        client.open(1, by: 1_000_000)
        try await client.wait(1) { $0.body.count == 262_144 }
        client.send(.reset, stream: 1, Client.bytes(8))
        #expect(await proxy.settles { _ in member.events.contains { $0.frame.kind == 3 } })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a member's window is kept to, and opens the way for more of a body")
    func memberWindow() async throws {
        let member = try await Member(settings: [0, 4, 0, 0, 0, 100]) { event in
            if event.frame.isEnd { return Member.ok(event.frame.stream, "abc") }
            // 100 bytes at a time.
            return event.frame.kind == 0
                ? Client.frame(.windowUpdate, stream: event.frame.stream, Client.bytes(100)) : []
        }
        let proxy = try await Self.proxy([member])
        // Its settings must have come.
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        let body = String(repeating: "x", count: 2000)
        let answer = try await TestClient.exchange(
            proxy.endpoint, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n\(body)")
        #expect(answer.contains("abc"))
        let pieces = member.events.filter { $0.frame.kind == 0 && $0.frame.stream == 3 }.map(\.frame.payload.count)
        #expect(pieces.reduce(0, +) == 2000 && pieces.allSatisfy { $0 <= 100 })
        await proxy.stop()
        await member.close()
    }

    @Test("a member without an answer is given up, and its connection with it")
    func silent() async throws {
        let member = try await Member { $0.connection > 1 && $0.frame.isEnd ? Member.ok($0.frame.stream, "abc") : [] }
        let patient = TestProxy.intent([member.endpoint]) {
            $0.upstreams[0].http2 = true
            $0.upstreams[0].responseTimeout = .seconds(300)
        }
        var intent = patient
        intent.upstreams[0].responseTimeout = .milliseconds(200)
        let proxy = try await TestProxy(intent)
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasPrefix("HTTP/1.1 504 "))
        try await proxy.reload(patient, generation: 2)
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        #expect(await proxy.settles { _ in member.openConnections == 1 })
        await proxy.stop()
        await member.close()
    }

    @Test("members that refuse, or speak something else, are failures")
    func unusable() async throws {
        let closed = TestMember.closedEndpoint()
        var proxy = try await TestProxy(TestProxy.intent([closed]) { $0.upstreams[0].http2 = true })
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasPrefix("HTTP/1.1 502 "))
        await proxy.stop()
        let old = try await TestMember { received, _ in
            received.contains("SM") ? [.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")] : []
        }
        proxy = try await TestProxy([old]) { $0.upstreams[0].http2 = true }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).hasPrefix("HTTP/1.1 502 "))
        #expect(await proxy.settles { _ in old.openConnections == 0 })
        await proxy.stop()
        await old.close()
    }

    @Test(
        "responses that break the rules reach nobody",
        arguments: [
            [(":status", "200"), ("connection", "close")], [(":status", "200"), ("X-A", "b")], [("x-a", "b")],
            [(":status", "2000")], [(":status", "200"), ("x-a", "b\r\nset-cookie: c")],
            [(":status", "200"), (":path", "/")], [(":status", "101")],
        ])
    func malformed(_ fields: [(String, String)]) async throws {
        let member = try await Member { event in
            event.frame.isEnd ? Self.headers(event.frame.stream, fields, isEnd: true) : []
        }
        let proxy = try await Self.proxy([member])
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.hasPrefix("HTTP/1.1 502 ") && !answer.contains("set-cookie"))
        await proxy.stop()
        await member.close()
    }

    /// Takes extended CONNECT, and sends back what it gets in capital letters.
    private static func webSocketMember(allows: Bool = true) async throws -> HTTP2TestMember {
        try await Member(settings: [0, 8, 0, 0, 0, allows ? 1 : 0]) { event in
            let stream = event.frame.stream
            switch event.frame.kind {
            case 1 where event.fields[":protocol"] == "websocket":
                return Self.headers(stream, [(":status", "200"), ("sec-websocket-protocol", "x")])
            case 1: return Member.ok(stream, "no")
            case 0:
                let text = String(decoding: event.frame.payload, as: UTF8.self).uppercased()
                return Client.frame(.data, flags: event.frame.isEnd ? 1 : 0, stream: stream, Array(text.utf8))
            default: return []
            }
        }
    }

    @Test("WebSocket over HTTP/1.1 becomes extended CONNECT, and ends when both sides have")
    func webSocket() async throws {
        let member = try await Self.webSocketMember()
        let proxy = try await Self.proxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(
            "GET /ws?a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let answer = try await client.wait { $0.contains("\r\n\r\n") }
        #expect(answer.hasPrefix("HTTP/1.1 101 ") && answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        #expect(answer.contains("sec-websocket-protocol: x"))
        let asked = try #require(member.events.first).fields
        #expect(asked[":method"] == "CONNECT" && asked[":path"] == "/ws?a" && asked["sec-websocket-version"] == "13")
        #expect(asked["sec-websocket-key"] == nil && asked["upgrade"] == nil && asked["connection"] == nil)
        try await client.send("abc")
        _ = try await client.wait { $0.hasSuffix("ABC") }
        try await client.send("def")
        _ = try await client.wait { $0.hasSuffix("ABCDEF") }
        try await client.closeOutput()
        _ = try await client.waitForEnd()
        #expect(await proxy.settles { $0.openConnections == 0 && $0.aborted == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "where the answer to a handshake is made here, the handshake is judged here, too",
        arguments: handshakes)
    func webSocketRules(_ fields: String, _ status: Int) async throws {
        let member = try await Self.webSocketMember()
        let proxy = try await Self.proxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(fields)\r\n")
        let answer = try await client.wait { $0.contains("\r\n\r\n") }
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        #expect(answer.contains("\r\nSec-WebSocket-Version: 13\r\n") == (status == 426))
        #expect(answer.contains("\r\nUpgrade: websocket\r\n") == (status != 400))
        // The member has nothing of what is refused.
        #expect(member.events.contains { $0.frame.kind == 1 } == (status == 101))
        #expect(await proxy.settles { $0.malformed == (status == 101 ? 0 : 1) })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    /// Fields of a request for WebSocket, and what it gets.
    private static let handshakes: [(String, Int)] = [
        ("\(version)", 400), ("\(version)Sec-WebSocket-Key: abc\r\n", 400), ("\(version)\(key)\(key)", 400),
        ("\(key)", 400), ("\(key)\(version)\(version)", 400), ("\(key)Sec-WebSocket-Version: 8\r\n", 426),
        ("\(key)Sec-WebSocket-Version: 13, 8\r\n", 426), ("\(key)Sec-WebSocket-Version: \r\n", 426),
        ("\(key)\(version)", 101),
    ]
    private static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    private static let version = "Sec-WebSocket-Version: 13\r\n"

    @Test(
        "a member of HTTP/1.1 agrees to a WebSocket over HTTP/2 with the right answer to the key, or not at all",
        arguments: [
            (true, "", "200"), (false, "", "502"), (true, "Sec-WebSocket-Accept: x\r\n", "502"),
            (false, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "502"),
        ])
    func webSocketAnswer(_ isRight: Bool, _ more: String, _ status: String) async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            let name = "sec-websocket-key: "
            let key = received.split(separator: "\r\n").first { $0.hasPrefix(name) }?.dropFirst(name.count) ?? ""
            let bytes = Array(key.utf8)
            let accept = String(decoding: WebSocketAccept.value(for: bytes.span), as: UTF8.self)
            return [
                .send(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + (isRight ? "Sec-WebSocket-Accept: \(accept)\r\n" : "") + more + "\r\n")
            ]
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(
            1,
            [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
                (":authority", "a"), ("sec-websocket-version", "13"),
            ], isEnd: false)
        try await client.wait(1) { $0.status == status }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a client's CONNECT passes on, and is declined where the member does not take it")
    func webSocketOverHTTP2() async throws {
        let fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
            (":authority", "a"),
        ]
        var member = try await Self.webSocketMember()
        var proxy = try await Self.proxy([member])
        var client = try await Client(proxy.endpoint)
        client.request(1, fields, isEnd: false)
        try await client.wait(1) { $0.status == "200" }
        client.data(1, Array("abc".utf8))
        try await client.wait(1) { $0.text == "ABC" }
        client.data(1, Array("d".utf8), isEnd: true)
        let all = try await client.end(of: 1)
        #expect(all.text == "ABCD" && all.resetCode == nil && !all.heads.joined().contains { $0.contains("accept") })
        #expect(await proxy.settles { $0.aborted == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
        member = try await Self.webSocketMember(allows: false)
        proxy = try await Self.proxy([member])
        client = try await Client(proxy.endpoint)
        client.request(1, fields, isEnd: false)
        #expect(try await client.end(of: 1).status == "502")
        #expect(member.events.allSatisfy { $0.frame.kind != 1 })
        await client.close()
        // HTTP/1.1 lets a server go on without the switch.
        let answer = try await TestClient.exchange(
            proxy.endpoint,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("no"))
        await proxy.stop()
        await member.close()
    }

    @Test("bytes that are no text pass as they came, both ways")
    func noText() async throws {
        let odd: [UInt8] = [0xff, 0x80, 0xc3, 0x28, 0xe2, 0x82]
        let line: [UInt8] = [0, 3] + Array("x-o".utf8) + [UInt8(odd.count)] + odd
        let member = try await Member { event in
            event.frame.isEnd
                ? Client.frame(
                    .headers, flags: 5, stream: event.frame.stream, Client.block([(":status", "200")]) + line)
                : []
        }
        let proxy = try await Self.proxy([member])
        let client = try await Client(proxy.endpoint)
        client.send(.headers, flags: 5, stream: 1, Client.block(Client.get) + line)
        try await client.end(of: 1)
        let asked = try #require(member.events.first).frame.payload
        #expect(asked.firstRange(of: odd) != nil)
        let answer = try #require(client.frames.first { $0.kind == 1 && $0.stream == 1 }).payload
        #expect(answer.firstRange(of: odd) != nil)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a connection without requests ends after its time, with GOAWAY")
    func idle() async throws {
        let member = try await Member { $0.frame.isEnd ? Member.ok($0.frame.stream, "abc") : [] }
        let proxy = try await Self.proxy([member]) { $0.upstreams[0].idleTimeout = .milliseconds(100) }
        #expect(try await TestClient.exchange(proxy.endpoint, get()).contains("abc"))
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        #expect(member.events.last?.frame.kind == 7)
        await proxy.stop()
        await member.close()
    }

    @Test("gRPC: our own errors are in grpc-status, and a call ends with its deadline")
    func grpc() async throws {
        let member = try await Member { _ in [] }
        let proxy = try await Self.proxy([member]) {
            var route = Route(name: "none", action: .upstream(1))
            route.path = .prefix("/none")
            $0.upstreams.append(Upstream(name: "none", members: []))
            $0.listeners[0].mode = .http(routes: [route, Route(name: "all", action: .upstream(0))])
        }
        let client = try await Client(proxy.endpoint)
        let call = [
            (":method", "POST"), (":scheme", "http"), (":path", "/none"), (":authority", "a"),
            ("content-type", "application/grpc+proto"),
        ]
        client.request(1, call)
        let refused = try await client.end(of: 1)
        #expect(refused.status == "200" && refused.has("grpc-status: 14") && refused.heads.count == 1)
        client.request(3, Client.post([("content-type", "application/grpc"), ("grpc-timeout", "100m")]), isEnd: false)
        #expect(try await client.end(of: 3).has("grpc-status: 4"))
        #expect(await proxy.settles { _ in member.events.contains { $0.frame.kind == 3 } })
        await client.close()
        await proxy.stop()
        await member.close()
    }
}
