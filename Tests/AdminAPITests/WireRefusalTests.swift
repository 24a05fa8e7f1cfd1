import Testing
import TrafficModel

@testable import AdminAPI
@testable import ControlPlane

@Suite("What is no request, and what asks before it sends", .timeLimit(.minutes(5)))
struct WireRefusalTests {
    private static let big = String(repeating: "a", count: 33 * 1024)

    @Test("what the parser refuses has the form of all refusals, and is counted")
    func refused() async throws {
        let live = try await LiveNode()
        for (index, (text, status)) in [
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(Self.big)\r\n\r\n", 431),
            ("GET /\(Self.big) HTTP/1.1\r\nHost: a\r\n\r\n", 431),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX\u{1}: b\r\n\r\n", 400),
            ("PURGE! / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            // TLS: the parser looks for a method too.
            ("\u{16}\u{3}\u{1}", 501),
        ].enumerated() {
            let answer = try #require(LiveNode.Answer(try await live.exchange(text)))
            #expect(answer.status == status, "\(index): \(answer)")
            #expect(
                answer.fields["content-type"] == "application/problem+json" && answer.fields["connection"] == "close")
            #expect(answer.body.contains(#""status":\#(status)"#), "\(answer)")
        }
        #expect(live.count(.tooLarge) == 2 && live.count(.badRequests) == 5)
        try await live.end()
    }

    @Test("behind a request that is answered, what is none ends the connection")
    func behind() async throws {
        let live = try await LiveNode()
        let text = try await live.exchange("GET /livez HTTP/1.1\r\nHost: \(live.address)\r\n\r\n\u{1}\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 ") && text.contains("HTTP/1.1 400 "), "\(text)")
        #expect(live.count(.badRequests) == 1)
        try await live.end()
    }

    @Test("a request has one host")
    func hosts() async throws {
        let live = try await LiveNode()
        #expect(try await live.ask("GET", "/v1/node", as: "ann", [("Host", "evil.example")]).status == 400)
        #expect(try await live.ask("GET", "/v1/node", as: "ann").status == 200)
        try await live.end()
    }

    @Test("a condition that is not looked at is refused", arguments: ["If-None-Match", "If-Unmodified-Since"])
    func conditions(_ name: String) async throws {
        let live = try await LiveNode()
        let answer = try await live.drain("eu", as: "ann", [(name, "*")])
        #expect(answer.status == 400 && answer.body.contains(name), "\(answer)")
        #expect(await live.node.operators.overrides.entries.isEmpty)
        try await live.end()
    }

    @Test("who asks whether to go on is told to, unless the body is too large")
    func expectation() async throws {
        let live = try await LiveNode()
        let text = try await live.exchange(
            live.text("PUT", "/v1/overrides/region", as: "ann", [("Expect", "100-continue")], length: 31),
            then: #"{"name":"eu","verdict":"drain"}"#, after: "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 "), "\(text)")
        let large = try await live.exchange(
            live.text("PUT", "/v1/overrides/region", as: "ann", [("Expect", "100-continue")], length: 1 << 20))
        #expect(large.hasPrefix("HTTP/1.1 413 "), "\(large)")
        try await live.end()
    }
}
