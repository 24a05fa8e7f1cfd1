import Balancing
import NIOCore
import Testing
import TrafficModel

/// That a wait lasts at least as long as it should holds however busy the machine is.
@Suite("Waits end late rather than early", .serialized, .timeLimit(.minutes(5)))
struct DeadlineTests {
    typealias Client = HTTP2TestClient

    /// Just below a multiple of the interval at which deadlines are looked at: counted from the look before, nearly each
    /// would end too early.
    private static let limit = Duration.milliseconds(95)
    private static let rounds = 5

    enum Wait: String, CaseIterable, Sendable {
        case head = "the rest of a head"
        case body = "the rest of a body"
        case response = "a member's response"
        case rest = "the rest of a response"
        case place = "a place on a member"
        case tunnel = "bytes on a tunnel"
        case idle = "the next request"
        case call = "a call, as its client says"
        case streamResponse = "a member's response to a stream"
        case streamHead = "the rest of a head over HTTP/2"
        case memberStream = "a response over HTTP/2"
    }

    private static func configure(_ intent: inout Intent, _ wait: Wait) {
        switch wait {
        case .head, .streamHead: intent.proxy.limits.headTimeout = limit
        case .body: intent.proxy.limits.bodyTimeout = limit
        case .response, .rest, .streamResponse: intent.upstreams[0].responseTimeout = limit
        case .memberStream:
            intent.upstreams[0].responseTimeout = limit
            intent.upstreams[0].http2 = true
        case .place:
            intent.upstreams[0].queueTimeout = limit
            intent.upstreams[0].members[0].maxConnections = 1
        case .tunnel:
            intent.proxy.limits.tunnelTimeout = limit
            intent.listeners[0].mode = .tcp(upstream: 0)
        case .idle: intent.proxy.limits.idleTimeout = limit
        case .call: break
        }
    }

    /// What a client of HTTP/1.1 says, and what it gets in the end.
    private static func exchange(_ wait: Wait) -> (said: String, answer: String) {
        switch wait {
        case .head: ("GET / HTTP/1.1\r\n", "HTTP/1.1 408 ")
        case .body: ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 408 ")
        case .rest: (get("/part"), "HTTP/1.1 200 ")
        case .place: (get("/second"), "HTTP/1.1 503 ")
        case .tunnel: ("x", "")
        case .idle: ("", "")
        default: (get(), "HTTP/1.1 504 ")
        }
    }

    @Test("no wait ends before its time", arguments: Wait.allCases)
    func waits(_ wait: Wait) async throws {
        let member = try await TestMember { received, _ in
            received.hasPrefix("GET /part ") && received.hasSuffix("\r\n\r\n")
                ? [.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")] : []
        }
        let silent = try await HTTP2TestMember { _ in [] }
        let endpoint = wait == .memberStream ? silent.endpoint : member.endpoint
        let proxy = try await TestProxy(TestProxy.intent([endpoint]) { Self.configure(&$0, wait) })
        var holder: TestClient?
        if wait == .place {
            holder = try await TestClient(proxy.endpoint)
            try await holder?.send(get("/first"))
            #expect(await proxy.settles { _ in member.received.count == 1 })
        }
        for _ in 0..<Self.rounds {
            let began = ContinuousClock.now
            switch wait {
            case .streamHead, .call, .streamResponse: try await Self.askWithStream(proxy, wait)
            default:
                let (said, answer) = Self.exchange(wait)
                // A busy machine may see that it is connected to a tunnel no sooner than the tunnel's reset.
                let got =
                    wait == .tunnel
                    ? (try? await TestClient.exchange(proxy.endpoint, said)) ?? ""
                    : try await TestClient.exchange(proxy.endpoint, said)
                // Of a loaded machine the head of a response may be late, too.
                #expect(got.hasPrefix(answer) || wait == .rest && got.hasPrefix("HTTP/1.1 504 "), "\(got)")
            }
            let lasted = ContinuousClock.now - began
            #expect(lasted >= Self.limit, "\(wait.rawValue)")
        }
        await holder?.close()
        await proxy.stop()
        await member.close()
        await silent.close()
    }

    private static func askWithStream(_ proxy: TestProxy, _ wait: Wait) async throws {
        let client = try await Client(proxy.endpoint)
        switch wait {
        case .streamHead:
            client.connection.post(
                Array(Client.frame(.headers, flags: 5, stream: 1, Client.block(Client.get)).dropLast()))
            #expect(try await client.goAwayCode() == 11)
        case .call:
            client.request(
                1, Client.post([("content-type", "application/grpc"), ("grpc-timeout", "95m")]), isEnd: false)
            #expect(try await client.end(of: 1).has("grpc-status: 4"))
        default:
            client.request(1)
            #expect(try await client.end(of: 1).status == "504")
        }
        await client.close()
    }
}
