import Balancing
import NIOCore
import TestSupport
import Testing
import TrafficModel

@Suite("The time that members have to answer", .timeLimit(.minutes(2)))
struct ResponseTimeTests {
    private static let head = ok("", "X-A: aaaaaaaaaaaaaaaaaaaa\r\n")

    @Test(
        "what comes before the end of the head buys a member no time",
        arguments: [
            head.map { String($0) },
            Array(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 30) + [ok("abc")],
        ])
    func slowHead(pieces: [String]) async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.sendSlowly(pieces, 60)] : []
        }
        let proxy = try await TestProxy([member]) { $0.upstreams[0].responseTimeout = .milliseconds(600) }
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.contains("HTTP/1.1 504 ") && !answer.contains("200 OK"), "\(answer)")
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        #expect(proxy.published.pin().value.upstreams[0].members[0].state.openCount == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("the same of a member of HTTP/2", arguments: [true, false])
    func slowHeadOfHTTP2(isInterim: Bool) async throws {
        let member = try await HTTP2TestMember(pause: .milliseconds(60)) { event in
            guard event.frame.kind == 1 else { return [] }
            let stream = event.frame.stream
            guard isInterim else { return Self.inPieces(stream) }
            let interim = HTTP2TestClient.frame(
                .headers, flags: 4, stream: stream, HTTP2TestClient.block([(":status", "103"), ("link", "</a>")]))
            return Array(repeatElement(interim, count: 30).joined()) + HTTP2TestMember.ok(stream, "abc")
        }
        let intent = TestProxy.intent([member.endpoint]) {
            $0.upstreams[0].http2 = true
            $0.upstreams[0].responseTimeout = .milliseconds(600)
            $0.upstreams[0].tries = 1
        }
        let proxy = try await TestProxy(intent)
        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(answer.contains("HTTP/1.1 504 ") && !answer.contains("200 OK"), "\(answer)")
        #expect(proxy.published.pin().value.upstreams[0].members[0].state.openCount == 0)
        await proxy.stop()
        await member.close()
    }

    /// A head in as many frames as it may have, without its end.
    private static func inPieces(_ stream: UInt32) -> [UInt8] {
        let block = HTTP2TestClient.block([(":status", "200"), ("x-a", String(repeating: "a", count: 20))])
        return HTTP2TestClient.frame(.headers, stream: stream, [block[0]])
            + block[1..<6].flatMap { HTTP2TestClient.frame(.continuation, stream: stream, [$0]) }
    }

    @Test("behind the head the time is that between two reads")
    func slowBody() async throws {
        let limit = Duration.seconds(1)
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")] : []
        }
        let proxy = try await TestProxy([member]) {
            $0.upstreams[0].responseTimeout = limit
            $0.upstreams[0].tries = 1
        }
        var longest = limit
        // Again where the machine was so busy that it passed between two.
        while longest >= limit {
            longest = .zero
            // When the one before the last piece was said, and the last.
            var (began, said) = (ContinuousClock.now, ContinuousClock.now)
            let client = try await TestClient(proxy.endpoint)
            client.post(Array(get().utf8))
            var whole = "\r\n\r\n"
            for count in 0...15 {
                let came = await Patience.lasts { client.received.hasSuffix(whole) || client.isClosed }
                longest = max(longest, ContinuousClock.now - began)
                guard longest < limit else { break }
                #expect(came && client.received.hasPrefix("HTTP/1.1 200 ") && client.received.hasSuffix(whole))
                guard count < 15 else { break }
                began = said
                try await Task.sleep(for: .milliseconds(100))
                said = ContinuousClock.now
                member.say("x")
                whole += "x"
            }
            await client.close()
        }
        await proxy.stop()
        await member.close()
    }

    @Test("it begins with the end of the request")
    func slowRequest() async throws {
        let limit = Duration.milliseconds(500)
        let member = try await TestMember { received, _ in received.hasSuffix("END") ? [.send(ok("abc"))] : [] }
        let proxy = try await TestProxy([member]) {
            $0.upstreams[0].responseTimeout = limit
            $0.upstreams[0].tries = 1
        }
        var answer = ""
        var lasted = limit
        // Again where the machine was so busy that the time passed after that.
        while !answer.hasSuffix("abc"), lasted >= limit {
            let client = try await TestClient(proxy.endpoint)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 15\r\n\r\n")
            for _ in 0..<12 {
                try await Task.sleep(for: .milliseconds(100))
                client.post([0x78])
            }
            let began = ContinuousClock.now
            client.post(Array("END".utf8))
            answer = try await client.waitForEnd()
            lasted = ContinuousClock.now - began
            await client.close()
        }
        #expect(answer.hasSuffix("abc"), "\(answer)")
        await proxy.stop()
        await member.close()
    }
}
