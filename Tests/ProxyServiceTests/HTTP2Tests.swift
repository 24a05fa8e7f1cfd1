import Addresses
import Balancing
import ProxyService
import Testing
import TrafficModel

@Suite("HTTP/2 from clients", .serialized, .timeLimit(.minutes(5)))
struct HTTP2Tests {
    typealias Client = HTTP2TestClient

    private static let refused: UInt32 = 7

    @Test("a request becomes HTTP/1.1, its response HTTP/2")
    func exchange() async throws {
        let member = try await TestMember.answering(
            ok("abc", "Server: x\r\nConnection: x-gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=9\r\n"))
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(
            1, Client.get + [("x-a", "b"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), ("x_y", "z")])
        let response = try await client.end(of: 1)
        #expect(response.status == "200" && response.text == "abc")
        #expect(response.has("server: x") && response.has("content-length: 3"))
        #expect(!response.heads.joined().contains { $0.hasPrefix("x-gone") || $0.hasPrefix("keep-alive") })
        let seen = member.received[0]
        #expect(seen.hasPrefix("GET / HTTP/1.1\r\nHost: a\r\n"))
        for line in ["x-a: b", "cookie: a=1; b=2", "TE: trailers", "X-Forwarded-Proto: http"] {
            #expect(seen.contains("\r\n\(line)\r\n"), "\(line)")
        }
        #expect(seen.contains("\r\nVia: 2 "))
        #expect(!seen.contains("x_y") && !seen.contains("hunked"))
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("many requests at once each get their own response, on as many connections as it takes")
    func concurrent() async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            let path = received.split(separator: " ")[1]
            return [.send(ok("for \(path)"))]
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        let streams = (0..<100).map { UInt32(2 * $0 + 1) }
        for stream in streams {
            client.request(
                stream, [(":method", "GET"), (":scheme", "http"), (":path", "/\(stream)"), (":authority", "a")])
        }
        for stream in streams { #expect(try await client.end(of: stream).text == "for /\(stream)") }
        await client.close()
        #expect(await proxy.settles { $0.openConnections == 0 && $0.successes == 100 && $0.aborted == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("bodies pass, with a length and in chunks, and trailers come back")
    func bodies() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("end") || received.hasSuffix("\r\n0\r\n\r\n")
                ? [
                    .send(
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n"
                    )
                ] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post([("content-length", "6")]), isEnd: false)
        client.data(1, Array("the".utf8))
        client.data(1, Array("end".utf8), isEnd: true)
        var response = try await client.end(of: 1)
        #expect(response.text == "abc" && response.heads.last == ["x-sum: 1"])
        #expect(member.received.joined().hasSuffix("\r\n\r\ntheend"))
        client.request(3, Client.post(), isEnd: false)
        client.data(3, Array("12345".utf8))
        // Padded, and the end by itself.
        client.send(.data, flags: 8, stream: 3, [2] + Array("67".utf8) + [0, 0])
        client.data(3, [], isEnd: true)
        response = try await client.end(of: 3)
        #expect(response.text == "abc")
        #expect(member.received.joined().hasSuffix("\r\n\r\n5\r\n12345\r\n2\r\n67\r\n0\r\n\r\n"))
        // Trailers of the request end it, and go no further to a member that speaks HTTP/1.1.
        client.request(5, Client.post(), isEnd: false)
        client.data(5, Array("1".utf8))
        client.send(.headers, flags: 5, stream: 5, Client.block([("x-t", "1")]))
        #expect(try await client.end(of: 5).text == "abc")
        #expect(member.received.joined().hasSuffix("\r\n\r\n1\r\n1\r\n0\r\n\r\n"))
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "responses without a body end with their head",
        arguments: [("HEAD", "200 OK"), ("GET", "204 X"), ("GET", "304 X")])
    func noBody(_ method: String, _ status: String) async throws {
        let member = try await TestMember.answering("HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\n")
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, [(":method", method)] + Client.get.dropFirst())
        let response = try await client.end(of: 1)
        #expect(response.status == String(status.prefix(3)) && response.body.isEmpty && response.resetCode == nil)
        #expect(client.frames.contains { $0.kind == 1 && $0.isEnd })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("early hints and 100 pass")
    func interim() async throws {
        let member = try await TestMember { received, _ in
            if received.hasSuffix("\r\n\r\n") {
                return [.send("HTTP/1.1 103 X\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")]
            }
            return received.hasSuffix("end") ? [.send(ok("abc"))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post([("expect", "100-continue"), ("content-length", "3")]), isEnd: false)
        try await client.wait(1) { $0.heads.contains { $0.first == ":status: 100" } }
        client.data(1, Array("end".utf8), isEnd: true)
        let response = try await client.end(of: 1)
        #expect(response.heads.map(\.first) == [":status: 103", ":status: 100", ":status: 200"])
        #expect(response.has("link: </x>"))
        await client.close()
        await proxy.stop()
        await member.close()
    }

    // MARK: Windows

    @Test("a client that opens no window holds up its own stream only, and the member, not the memory")
    func slowReader() async throws {
        let large = String(repeating: "x", count: 4_000_000)
        let member = try await TestMember { received, _ in
            !received.hasSuffix("\r\n\r\n") ? [] : [.send(ok(received.hasPrefix("GET /large") ? large : "abc"))]
        }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.bufferBytes = 65_536 }
        let client = try await Client(proxy.endpoint, settings: [(4, 1000)])
        client.request(1, [(":method", "GET"), (":scheme", "http"), (":path", "/large"), (":authority", "a")])
        try await client.wait(1) { $0.body.count == 1000 }
        client.request(3)
        #expect(try await client.end(of: 3).text == "abc")
        #expect(client.response(1).body.count == 1000)
        #expect(await proxy.settles { $0.bufferedBytes > 0 && $0.bufferedBytes < 1_000_000 })
        client.open(0, by: 4_000_000)
        client.open(1, by: 4_000_000)
        let response = try await client.end(of: 1)
        #expect(response.body.count == 4_000_000 && response.isEnd)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a member that does not read holds up its client's stream only")
    func slowMember() async throws {
        let member = try await TestMember { received, _ in
            received.hasPrefix("GET") && received.hasSuffix("\r\n\r\n") ? [.send(ok("abc"))] : []
        }
        let stuck = try FullBacklog()
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) {
                $0.proxy.limits.bufferBytes = 65_536
                $0.upstreams.append(Upstream(name: "stuck", members: [Upstream.Member(endpoint: stuck.endpoint)]))
                $0.upstreams[1].connectTimeout = .seconds(30)
                var route = Route(name: "stuck", action: .upstream(1))
                route.path = .prefix("/stuck")
                $0.listeners[0].mode = .http(routes: [route, Route(name: "all", action: .upstream(0))])
            })
        let client = try await Client(proxy.endpoint)
        client.request(
            1, [(":method", "POST"), (":scheme", "http"), (":path", "/stuck"), (":authority", "a")], isEnd: false)
        // All of its window, and half of it comes back when it was taken to be sent again if need be.
        for _ in 0..<4 { client.data(1, [UInt8](repeating: 1, count: 16_384)) }
        client.request(3)
        #expect(try await client.end(of: 3).text == "abc")
        let granted = client.frames.filter { $0.kind == 8 && $0.stream == 1 }.reduce(0) { $0 + Int($1.number(0)) }
        #expect(granted <= 65_536)
        stuck.close()
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a client that ends its side right behind its requests gets the answers that are made here")
    func earlyEnd() async throws {
        let proxy = try await TestProxy(TestProxy.intent([]))
        for _ in 0..<20 {
            let client = try await Client(proxy.endpoint)
            for stream: UInt32 in [1, 3, 5] { client.request(stream) }
            try await client.connection.closeOutput()
            for stream: UInt32 in [1, 3, 5] { #expect(try await client.end(of: stream).status == "503") }
            await client.close()
        }
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
    }

    @Test("a client that takes too little for too long is cut off")
    func zeroWindow() async throws {
        let member = try await TestMember.answering(ok(String(repeating: "x", count: 200_000)))
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.bodyTimeout = .milliseconds(200)
            $0.proxy.limits.readRate = 1000
        }
        let client = try await Client(proxy.endpoint, settings: [(4, 0)])
        client.request(1)
        #expect(try await client.end(of: 1).resetCode != nil)
        // One that was handed over whole waits no longer.
        client.request(3, [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])
        #expect(try await client.end(of: 3).resetCode != nil)
        #expect(await proxy.settles { $0.bufferedBytes == 0 && member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a body that trickles or grows too large is answered, and no more of it is taken")
    func badBodies() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.bodyTimeout = .milliseconds(200)
            $0.proxy.limits.bodyBytes = 1000
        }
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post(), isEnd: false)
        client.data(1, Array("abc".utf8))
        let slow = try await client.wait(1) { $0.resetCode != nil }
        #expect(slow.status == "408" && slow.isEnd && slow.resetCode == 0)
        // At once: between them would be time.
        client.connection.post(
            Client.frame(.headers, flags: 4, stream: 3, Client.block(Client.post()))
                + Client.frame(.data, stream: 3, [UInt8](repeating: 1, count: 1000))
                + Client.frame(.data, stream: 3, [1]))
        let large = try await client.wait(3) { $0.resetCode != nil }
        #expect(large.status == "413" && large.isEnd && large.resetCode == 0)
        client.request(5, Client.post([("content-length", "1001")]), isEnd: false)
        #expect(try await client.wait(5) { $0.resetCode != nil }.status == "413")
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("what is made here is the same as over HTTP/1.1: redirects, fixed responses, limits of rate, loops")
    func ownResponses() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) {
                $0.proxy.via = .name("me")
                var redirect = Route(name: "r", action: .redirect(Route.Redirect(location: "https://{host}{path}")))
                redirect.path = .prefix("/r")
                var fixed = Route(name: "f", action: .respond(Route.FixedResponse()))
                fixed.path = .prefix("/f")
                $0.listeners[0].mode = .http(routes: [redirect, fixed])
            })
        let client = try await Client(proxy.endpoint)
        let get = { (path: String, more: [(String, String)]) in
            [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")] + more
        }
        client.request(1, get("/r/x", []))
        #expect(try await client.end(of: 1).has("location: https://a/r/x"))
        client.request(3, get("/f", []))
        #expect(try await client.end(of: 3).status == "200")
        client.request(5, get("/else", []))
        let none = try await client.end(of: 5)
        #expect(none.status == "404" && none.text.hasPrefix("404 Not Found\n"))
        client.request(7, get("/f", [("via", "2 me:\(proxy.endpoint.port)")]))
        #expect(try await client.end(of: 7).status == "508")
        await client.close()
        await proxy.stop()
    }

    @Test("a connection too many is told so and ends; an idle one makes room")
    func overload() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.connections = 1 }
        let first = try await Client(proxy.endpoint)
        first.request(1)
        #expect(await proxy.settles { $0.requests == 1 })
        let second = try await Client(proxy.endpoint)
        second.request(1)
        #expect(try await second.end(of: 1).status == "503")
        #expect(try await second.goAwayCode() == 0)
        await second.close()
        first.send(.reset, stream: 1, Client.bytes(8))
        #expect(await proxy.settles { $0.openConnections == 1 && $0.aborted == 1 })
        let third = try await Client(proxy.endpoint)
        #expect(try await first.goAwayCode() == 0)
        #expect(await proxy.settles { $0.evicted == 1 })
        await first.close()
        await third.close()
        await proxy.stop()
        await member.close()
    }

    // MARK: Ends

    @Test("a client that resets its stream lets the member go")
    func cancelled() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1)
        #expect(await proxy.settles { _ in !member.received.joined().isEmpty })
        client.send(.reset, stream: 1, Client.bytes(8))
        #expect(await proxy.settles { $0.aborted == 1 && member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a response that breaks off is reset, one that the client sees early is complete")
    func broken() async throws {
        let member = try await TestMember { received, _ in
            if received.hasPrefix("GET"), received.hasSuffix("\r\n\r\n") {
                return [.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), .close]
            }
            return received.contains("part") ? [.send("HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\nno")] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1)
        let cut = try await client.wait(1) { $0.resetCode != nil }
        #expect(cut.resetCode == 2 && !cut.isEnd)
        client.request(3, Client.post(), isEnd: false)
        client.data(3, Array("part".utf8))
        // RFC 9113 section 8.1: NO_ERROR asks for no more of the request.
        let early = try await client.wait(3) { $0.resetCode != nil }
        #expect(early.status == "403" && early.text == "no" && early.isEnd && early.resetCode == 0)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a listener that goes away says so twice, and ends when the streams have")
    func goAway() async throws {
        let member = try await TestMember { received, _ in
            received.hasPrefix("GET ") || received.hasSuffix("\r\n0\r\n\r\n") ? [.send(ok("abc"))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post(), isEnd: false)
        #expect(await proxy.settles { _ in !member.received.joined().isEmpty })
        try await proxy.reload(TestProxy.intent([member.endpoint]) { $0.listeners = [] }, generation: 2)
        var frames = try await client.waitForFrames { $0.contains { $0.kind == 7 } }
        #expect(frames.first { $0.kind == 7 }?.number(0) == 0x7fff_ffff)
        // A request that was on its way is still served.
        client.request(3)
        let ping = try #require(frames.first { $0.kind == 6 && $0.flags == 0 })
        client.send(.ping, flags: 1, ping.payload)
        frames = try await client.waitForFrames { $0.count(where: { $0.kind == 7 }) == 2 }
        #expect(frames.last { $0.kind == 7 }?.number(0) == 3)
        #expect(frames.last { $0.kind == 7 }?.number(4) == 0)
        #expect(try await client.end(of: 3).text == "abc")
        client.data(1, [1], isEnd: true)
        #expect(try await client.end(of: 1).text == "abc")
        #expect(try await client.goAwayCode() == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("an idle connection ends with GOAWAY, whether or not the client answers")
    func idle() async throws {
        let proxy = try await TestProxy(
            TestProxy.intent([]) { $0.proxy.limits.idleTimeout = .milliseconds(100) })
        let client = try await Client(proxy.endpoint)
        #expect(try await client.goAwayCode() == 0)
        #expect(await proxy.settles { $0.openConnections == 0 })
        await client.close()
        await proxy.stop()
    }

    @Test("requests for each connection are limited, at n and at n + 1")
    func requestsPerConnection() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) { $0.proxy.limits.requestsPerConnection = 3 }
        let client = try await Client(proxy.endpoint)
        for stream: UInt32 in [1, 3] { client.request(stream) }
        for stream: UInt32 in [1, 3] { #expect(try await client.end(of: stream).text == "abc") }
        #expect(!client.frames.contains { $0.kind == 7 })
        client.request(5)
        #expect(try await client.end(of: 5).text == "abc")
        #expect(try await client.goAwayCode() == 0)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("streams at once are limited, at n and at n + 1")
    func streams() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member]) { $0.proxy.limits.streams = 4 }
        let client = try await Client(proxy.endpoint)
        let settings = try await client.waitForFrames { $0.contains { $0.kind == 4 && $0.flags == 0 } }
        #expect(settings.first { $0.kind == 4 }.map { $0.payload.starts(with: [0, 3, 0, 0, 0, 4]) } ?? false)
        for stream: UInt32 in [1, 3, 5, 7, 9] { client.request(stream) }
        #expect(try await client.end(of: 9).resetCode == Self.refused)
        // It did not know better: it is neither a request nor malformed.
        #expect(await proxy.settles { $0.requests == 4 && $0.refusedStreams == 1 })
        #expect(proxy.server.status.malformed == 0)
        #expect([1, 3, 5, 7].allSatisfy { client.response($0).resetCode == nil })
        await client.close()
        await proxy.stop()
        await member.close()
    }
}
