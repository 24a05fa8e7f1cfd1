import Balancing
import ProxyService
import Testing
import TrafficModel

/// What is easy to get wrong between two HTTP parsers, on the wire: what a member sees of bytes that a client chose, and
/// a client of bytes that a member chose. The heads' own rules are tested with the parser.
@Suite("HTTP/1.1 on the wire", .serialized, .timeLimit(.minutes(5)))
struct ChecklistTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var send: String
        /// The status that the client gets.
        var status: Int
        /// What the member must get, and must not.
        var passes: [String] = []
        var stops: [String] = []
        var testDescription: String { name }
    }

    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func post(_ fields: String, _ body: String) -> String {
        "POST /first HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)"
    }

    static let cases: [Case] = [
        // CL.TE, TE.CL, TE.TE, CL.0, 0.CL: the second request hides in the body of the first.
        Case(
            name: "CL.TE", send: post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled),
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "TE.CL", send: post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5c\r\n" + smuggled),
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "TE.TE, an unknown one behind",
            send: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", "0\r\n\r\n" + smuggled), status: 400,
            stops: ["first", "smuggled"]),
        Case(
            name: "TE with a tab before the colon",
            send: post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n" + smuggled), status: 400,
            stops: ["first", "smuggled"]),
        Case(
            name: "TE with a vertical tab", send: post("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n" + smuggled),
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "TE on a folded line", send: post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + smuggled),
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "TE behind a lone carriage return", send: post("X: y\rTransfer-Encoding: chunked\r\n", smuggled),
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "two lengths", send: post("Content-Length: 0\r\nContent-Length: 37\r\n", smuggled), status: 400,
            stops: ["first", "smuggled"]),
        Case(
            name: "a list of lengths", send: post("Content-Length: 37, 37\r\n", smuggled), status: 400,
            stops: ["first", "smuggled"]),
        Case(
            name: "a length with a plus", send: post("Content-Length: +37\r\n", smuggled), status: 400,
            stops: ["first", "smuggled"]),
        Case(
            name: "TE in HTTP/1.0",
            send: "POST /first HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
            status: 400, stops: ["first", "smuggled"]),
        Case(
            name: "a body of GET is a body", send: "GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend",
            status: 200, passes: ["GET /first", "Content-Length: 3", "\r\n\r\nend"]),
        Case(
            name: "a body of HEAD is a body", send: "HEAD /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend",
            status: 200, passes: ["HEAD /first", "Content-Length: 3", "\r\n\r\nend"]),
        Case(
            name: "an upgrade with a body is no upgrade",
            send: "GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Content-Length: 3\r\n\r\nend", status: 200, passes: ["\r\n\r\nend"], stops: ["websocket"]),
        // Chunks.
        Case(
            name: "a chunk size with an underscore", send: post("Transfer-Encoding: chunked\r\n", "1_0\r\n"),
            status: 400),
        Case(
            name: "a chunk size of 17 digits", send: post("Transfer-Encoding: chunked\r\n", "00000000000000001\r\n"),
            status: 400),
        Case(
            name: "a chunk's line with a bare line feed", send: post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n"),
            status: 400),
        Case(
            name: "a chunk that is longer than its size",
            send: post("Transfer-Encoding: chunked\r\n", "5\r\nhellooo\r\n"),
            status: 400),
        Case(
            name: "an extension with a carriage return",
            send: post("Transfer-Encoding: chunked\r\n", "5;a\rb\r\nhello\r\n"),
            status: 400),
        Case(
            name: "extensions and trailers go no further",
            send: post(
                "Transfer-Encoding: chunked\r\n", "3;ext=\"1\"\r\nend\r\n0\r\nX-Trailer: 1\r\nHost: evil\r\n\r\n"),
            status: 200, passes: ["3\r\nend\r\n0\r\n\r\n"], stops: ["ext", "X-Trailer", "evil"]),
        // Fields.
        Case(
            name: "Connection cannot take away what counts",
            send: "POST /first HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nContent-Length: 3\r\nX-Gone: 1\r\n"
                + "Connection: Host, Authorization, Content-Length, X-Forwarded-For, X-Gone\r\n\r\nend", status: 200,
            passes: ["Host: a", "Authorization: x", "Content-Length: 3", "X-Forwarded-For: 127.0.0.1"],
            stops: ["X-Gone"]),
        Case(
            name: "hop-by-hop fields stop here",
            send: "GET /first HTTP/1.1\r\nHost: a\r\nKeep-Alive: 1\r\nProxy-Connection: close\r\nTE: gzip, trailers\r\n"
                + "Trailer: X\r\nProxy-Authorization: p\r\nUpgrade: h2c\r\nHTTP2-Settings: s\r\nX-End: end\r\n\r\n",
            status: 200, passes: ["\r\nTE: trailers\r\n"],
            stops: ["Keep-Alive", "Proxy-", "gzip", "Trailer:", "Upgrade", "h2c", "HTTP2"]),
        Case(
            name: "an absolute target says the host",
            send: "GET http://right:8/first?q HTTP/1.1\r\nHost: wrong\r\nX-End: end\r\n\r\n", status: 200,
            passes: ["GET /first?q HTTP/1.1\r\nHost: right:8\r\n"], stops: ["wrong"]),
        Case(name: "a host with user information", send: "GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n", status: 400),
        Case(name: "two hosts", send: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", status: 400),
        Case(
            name: "underscores are dropped",
            send: "GET /first HTTP/1.1\r\nHost: a\r\nX_Real_IP: 1\r\nX-End: end\r\n\r\n",
            status: 200, stops: ["X_Real"]),
        // The request line.
        Case(name: "HTTP/0.9", send: "GET /\r\n", status: 400),
        Case(name: "two spaces", send: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400),
        Case(name: "a fragment", send: "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", status: 400),
        Case(name: "HTTP/1.2", send: "GET / HTTP/1.2\r\nHost: a\r\n\r\n", status: 505),
        Case(name: "the preface of HTTP/2 where that is off", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 505),
        Case(name: "CONNECT", send: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", status: 501),
        Case(name: "TRACE", send: "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", status: 501),
        // Paths.
        Case(name: "a path above the root", send: "GET /a/../../b HTTP/1.1\r\nHost: a\r\n\r\n", status: 400),
        Case(
            name: "encoded slashes are data", send: "GET /x%2f..%5Cy;z=1 HTTP/1.1\r\nHost: a\r\nX-End: end\r\n\r\n",
            status: 200, passes: ["GET /x%2f..%5Cy;z=1 HTTP/1.1"]),
        Case(
            name: "the path goes on as it came", send: "GET //a/./b/../%7Ec HTTP/1.1\r\nHost: a\r\nX-End: end\r\n\r\n",
            status: 200, passes: ["GET //a/./b/../%7Ec HTTP/1.1"]),
    ]

    @Test("requests", arguments: cases)
    func request(_ item: Case) async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("end") || received.hasSuffix("\r\n0\r\n\r\n")
                || received.hasSuffix("\r\n\r\n") && received.contains("X-End") ? [.send(ok(""))] : []
        }
        let proxy = try await TestProxy([member]) { $0.listeners[0].http2 = false }
        let client = try await TestClient(proxy.endpoint)
        client.post(Array(item.send.utf8))
        let answer = try await client.wait { $0.contains("\r\n\r\n") }
        #expect(answer.hasPrefix("HTTP/1.1 \(item.status) "), "\(answer)")
        if item.status >= 400 {
            // After what was not understood, nothing can be: the connection ends.
            #expect(try await client.waitForEnd().components(of: "\r\nDate: ").count == 2)
        }
        let seen = member.received.joined()
        for part in item.passes { #expect(seen.contains(part), "\(part.debugDescription) in \(seen)") }
        for part in item.stops { #expect(!seen.contains(part), "\(part.debugDescription) in \(seen)") }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "responses that a client could read in another way reach none",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 +200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        ])
    func response(_ text: String) async throws {
        let member = try await TestMember.answering(text)
        let proxy = try await TestProxy([member])
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.hasPrefix("HTTP/1.1 502 ") && !answer.contains("x=y"))
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a response without a body has none, whatever its fields say",
        arguments: [("HEAD", 200), ("GET", 204), ("GET", 304)])
    func noBody(_ method: String, _ status: Int) async throws {
        // The bytes behind the head are not a body: they end the connection, and reach nobody.
        let member = try await TestMember { received, connection in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return connection == 1
                ? [.send("HTTP/1.1 \(status) X\r\nContent-Length: 4\r\n\r\nevil")] : [.send(ok("good"))]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.wait { $0.hasSuffix("\r\n\r\n") }
        try await client.send(get())
        let text = try await client.waitForEnd()
        #expect(text.hasSuffix("good") && !text.contains("evil"))
        await proxy.stop()
        await member.close()
    }

    @Test("100 is never made up when the member has declined the body, and its connection is not used again")
    func declinedExpectation() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send("HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n")] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        let text = try await client.waitForEnd()
        #expect(text.hasPrefix("HTTP/1.1 403 ") && !text.contains("100 Continue"))
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a request behind one that ends the connection is not read")
    func pipelinedAfterClose() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member])
        let text = try await TestClient.exchange(proxy.endpoint, get("/one") + get("/two"))
        #expect(text.components(of: "HTTP/1.1 200").count == 2)
        #expect(!member.received.joined().contains("/two"))
        await proxy.stop()
        await member.close()
    }

    @Test("interim responses are limited, at n and at n + 1", arguments: [32, 33])
    func interim(_ count: Int) async throws {
        let hints = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", count: count)
        let member = try await TestMember.answering(hints + ok("abc"))
        let proxy = try await TestProxy([member])
        let text = try await TestClient.exchange(proxy.endpoint, get())
        #expect(text.contains("HTTP/1.1 \(count <= 32 ? 200 : 502) "))
        await proxy.stop()
        await member.close()
    }

    @Test("routes are matched with the normalised path, and members get the one that is configured")
    func forwardedPath() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member]) {
            $0.proxy.forwardedPath = .normalised
            $0.proxy.underscores = .reject
            var route = Route(name: "all", action: .upstream(0))
            route.path = .prefix("/a/b")
            $0.listeners[0].mode = .http(routes: [route])
        }
        #expect(try await TestClient.exchange(proxy.endpoint, get("//a/x/../%62/?q=/../")).hasSuffix("abc"))
        #expect(member.received[0].hasPrefix("GET /a/b/?q=/../ HTTP/1.1\r\n"))
        #expect(try await TestClient.exchange(proxy.endpoint, get("/a/../b")).hasPrefix("HTTP/1.1 404 "))
        #expect(try await TestClient.exchange(proxy.endpoint, get("/a/b", "X_Y: 1\r\n")).hasPrefix("HTTP/1.1 400 "))
        await proxy.stop()
        await member.close()
    }
}
