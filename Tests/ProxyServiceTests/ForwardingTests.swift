import Balancing
import Foundation
import Glibc
import ProxyService
import Synchronization
import Testing
import TrafficModel

@Suite("Requests and responses through the proxy", .serialized)
struct ForwardingTests {
    @Test("connections are kept on both sides, and requests come in order, pipelined too")
    func keepAlive() async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            return [.send(ok(String(received.split(separator: " ")[1])))]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get("/1", close: false))
        try await client.wait { $0.hasSuffix("/1") }
        try await client.send(get("/2", close: false) + get("/3", close: false) + get("/4"))
        let text = try await client.waitForEnd()
        let bodies = text.components(of: "\r\n\r\n/").dropFirst().map { String($0.prefix(1)) }
        #expect(bodies == ["1", "2", "3", "4"])
        #expect(member.connections == 1)
        #expect(text.components(of: "Connection: close").count == 2)
        await proxy.stop()
        await member.close()
    }

    @Test("hop-by-hop fields go no further, what a client claims about itself is replaced")
    func fields() async throws {
        let member = try await TestMember.answering(
            "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n"
        )
        let proxy = try await TestProxy([member])
        let answer = try await TestClient.exchange(
            proxy.endpoint,
            "GET /p?q HTTP/1.1\r\nHost: h:1\r\nConnection: close, x-a, host\r\nX-A: 1\r\nA_b: 1\r\nTE: gzip\r\n"
                + "Proxy-Connection: keep-alive\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"
                + "Forwarded: for=6.6.6.6\r\nX-B: 2\r\n\r\n")
        let request = member.received[0]
        #expect(request.hasPrefix("GET /p?q HTTP/1.1\r\nHost: h:1\r\nX-B: 2\r\n"))
        #expect(request.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"))
        #expect(request.contains("\r\nX-Forwarded-Proto: http\r\n"))
        #expect(request.contains("\r\nX-Forwarded-Host: h:1\r\n"))
        #expect(request.contains("\r\nForwarded: for=127.0.0.1;host=\"h:1\";proto=http\r\n"))
        #expect(request.contains("\r\nX-Request-Id: "))
        for gone in ["X-A:", "A_b", "TE:", "Proxy-Connection", "6.6.6.6", "Connection:"] {
            #expect(!request.contains(gone), "\(gone)")
        }
        #expect(answer.contains("X-Kept: 1") && !answer.contains("X-Hop") && !answer.contains("Keep-Alive"))
        await proxy.stop()
        await member.close()
    }

    @Test("a body reaches the member framed as it came, whatever its pieces", arguments: [true, false])
    func body(chunked: Bool) async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("END") || received.hasSuffix("\r\n0\r\n\r\n") ? [.send(ok("done"))] : []
        }
        // On a busy machine a hundred bytes, each on its own, take a while.
        let proxy = try await TestProxy([member]) {
            $0.proxy.limits.headTimeout = .seconds(300)
            $0.proxy.limits.bodyTimeout = .seconds(300)
        }
        let client = try await TestClient(proxy.endpoint)
        let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: 13"
        let body = chunked ? "5;ext=1\r\n01234\r\n3\r\nEND\r\n0\r\nX-Trailer: 1\r\n\r\n" : "0123456789END"
        for byte in "POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n\(body)" { try await client.send(String(byte)) }
        try await client.wait { $0.hasSuffix("done") }
        let request = member.received[0]
        #expect(request.contains(framing))
        if chunked {
            #expect(!request.contains("ext") && !request.contains("X-Trailer") && request.hasSuffix("0\r\n\r\n"))
        } else {
            #expect(request.hasSuffix("0123456789END"))
        }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    struct ResponseCase: Sendable, CustomTestStringConvertible {
        var name: String
        var request: String
        var response: String
        /// What the client gets ends with this.
        var end: String
        var closes = false
        var testDescription: String { name }
    }

    @Test(
        "responses are framed for the client",
        arguments: [
            ResponseCase(
                name: "chunked, trailers dropped", request: get(close: false),
                response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
                end: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            ResponseCase(
                name: "chunked, trailers wanted", request: get("/", "TE: trailers\r\n", close: false),
                response:
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nHost: x\r\n\r\n",
                end: "\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"),
            ResponseCase(
                name: "close-delimited becomes chunked", request: get(close: false),
                response: "HTTP/1.1 200 OK\r\n\r\nabc<CLOSE>", end: "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            ResponseCase(
                name: "chunked for HTTP/1.0", request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                end: "Connection: close\r\n\r\nabc", closes: true),
            ResponseCase(
                name: "HTTP/1.0 keeps alive", request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                response: ok("abc"), end: "Connection: keep-alive\r\n\r\nabc"),
            ResponseCase(
                name: "HEAD", request: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
                response: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", end: "Content-Length: 9\r\n\r\n"),
            ResponseCase(
                name: "304", request: get(close: false), response: "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
                end: "\r\n\r\n"),
            ResponseCase(
                name: "103 then 200", request: get(close: false),
                response: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("abc"), end: "\r\n\r\nabc"),
        ])
    func responses(_ item: ResponseCase) async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            if received.hasPrefix("GET /again") { return [.send(ok("again"))] }
            if item.response.hasSuffix("<CLOSE>") { return [.send(String(item.response.dropLast(7))), .close] }
            return [.send(item.response)]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(item.request)
        let text = try await client.wait("\(item.end)") { $0.hasSuffix(item.end) }
        if item.name.hasPrefix("103") { #expect(text.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) }
        if item.closes {
            try await client.waitForEnd()
        } else {
            try await client.send(get("/again"))
            try await client.waitForEnd()
            #expect(client.received.components(of: "HTTP/1.1 ").count >= 3)
        }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a response that leaves room for two readings is 502 and its connection is not used again",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 99 X\r\n\r\n", "garbage\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        ])
    func badResponse(_ response: String) async throws {
        let member = try await TestMember.answering(response)
        let proxy = try await TestProxy([member])
        for _ in 0..<2 {
            let answer = try await TestClient.exchange(proxy.endpoint, get())
            #expect(answer.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(!answer.contains("127.0.0.1"))
        }
        #expect(member.connections == 2)
        await proxy.stop()
        await member.close()
    }

    @Test("bytes behind a response end the member's connection, and never answer the next request")
    func surplus() async throws {
        let member = try await TestMember.answering(ok("abc") + ok("evil"))
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.hasSuffix("abc") }
        try await client.send(get())
        let text = try await client.waitForEnd()
        #expect(!text.contains("evil"))
        #expect(member.connections == 2)
        await proxy.stop()
        await member.close()
    }

    @Test(
        "a client that has closed, rather than its side only, is not taken for one that has its answer",
        arguments: [3, 300_000])
    func gaveUp(size: Int) async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.sendLater(ok(String(repeating: "x", count: size)))] : []
        }
        let log = "/tmp/meridian-test-\(UInt64.random(in: .min ... .max))"
        defer { unsafe unlink(log) }
        let proxy = try await TestProxy(TestProxy.intent([member.endpoint]), accessLog: log)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        #expect(await proxy.settles { _ in member.received.count == 1 && !member.received[0].isEmpty })
        await client.close()
        #expect(await proxy.settles { $0.aborted == 1 && $0.openConnections == 0 })
        #expect(proxy.server.status.successes == 0 && proxy.server.status.bytesOut == 0)
        #expect(proxy.server.routes[0].traffic.successes == 0)
        await proxy.stop()
        await member.close()
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains(" status=- aborted=yes bytes=0 "), "\(text)")
    }

    @Test("of a response that is given up midway, what the client took is counted")
    func gaveUpMidway() async throws {
        let member = try await TestMember { received, _ in
            guard received.hasSuffix("\r\n\r\n") else { return [] }
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbegun"
            // For as long as the client may take to go.
            return [.send(head), .sendSlowly([String](repeating: "more", count: 1000), 50)]
        }
        let log = "/tmp/meridian-test-\(UInt64.random(in: .min ... .max))"
        defer { unsafe unlink(log) }
        let proxy = try await TestProxy(TestProxy.intent([member.endpoint]), accessLog: log)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.wait { $0.hasSuffix("begun") }
        await client.close()
        #expect(await proxy.settles { $0.aborted == 1 && $0.openConnections == 0 })
        #expect(proxy.server.status.bytesOut > 50)
        await proxy.stop()
        await member.close()
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains(" status=200 aborted=yes ") && !text.contains(" bytes=0 "), "\(text)")
    }

    @Test("where half-closed clients are taken for gone, the member is free at once")
    func halfClosedAborts() async throws {
        let member = try await TestMember { _, _ in [] }
        let log = "/tmp/meridian-test-\(UInt64.random(in: .min ... .max))"
        defer { unsafe unlink(log) }
        let proxy = try await TestProxy(
            TestProxy.intent([member.endpoint]) { $0.proxy.halfClosed = .abort }, accessLog: log)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        #expect(await proxy.settles { _ in member.received.first?.isEmpty == false })
        try await client.closeOutput()
        #expect(await proxy.settles { $0.aborted == 1 && $0.openConnections == 0 && member.openConnections == 0 })
        #expect(proxy.server.routes[0].traffic.serverErrors == 0)
        await proxy.stop()
        await member.close()
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains(" status=- aborted=yes bytes=0 "), "\(text)")
    }

    @Test("a client may close its side after its request; one that vanishes cancels it")
    func halfClose() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") && !received.contains("/hang") ? [.send(ok("abc"))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(get(close: false))
        try await client.closeOutput()
        #expect(try await client.waitForEnd().hasSuffix("abc"))
        let other = try await TestClient(proxy.endpoint)
        try await other.send("POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
        #expect(await proxy.settles { $0.requests == 2 })
        await other.close()
        #expect(await proxy.settles { $0.aborted == 1 && $0.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("Expect is forwarded and so is 100; a silent member gets the body after a second all the same")
    func expectContinue() async throws {
        let member = try await TestMember { received, _ in
            if received.hasSuffix("body") { return [.send(ok("done"))] }
            return received.hasSuffix("\r\n\r\n") && received.contains("/speaks")
                ? [.send("HTTP/1.1 100 Continue\r\n\r\n")] : []
        }
        let proxy = try await TestProxy([member])
        for path in ["/speaks", "/silent"] {
            let client = try await TestClient(proxy.endpoint)
            try await client.send(
                "PUT \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            try await client.wait { $0 == "HTTP/1.1 100 Continue\r\n\r\n" }
            try await client.send("body")
            try await client.wait { $0.hasSuffix("done") }
            await client.close()
        }
        #expect(member.received[0].contains("Expect: 100-continue"))
        await proxy.stop()
        await member.close()
    }

    @Test("an early final response to a request with an unread body ends the connection")
    func earlyResponse() async throws {
        let member = try await TestMember { received, _ in received.contains("\r\n\r\n") ? [.send(ok("no"))] : [] }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        let text = try await client.waitForEnd()
        #expect(text.hasSuffix("no") && text.contains("Connection: close"))
        await client.close()
        await proxy.stop()
        await member.close()
    }
}

extension String {
    /// The parts between occurrences of `separator`.
    func components(of separator: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        let bytes = Array(utf8)
        let wanted = Array(separator.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: wanted) {
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
                index += wanted.count
            } else {
                part.append(bytes[index])
                index += 1
            }
        }
        return parts + [String(decoding: part, as: UTF8.self)]
    }
}
