import HTTP2Wire
import HTTPWire
import NIOCore
import TestSupport
import Testing
import TrafficModel

@testable import HealthMonitoring

/// The other side of a probe: reads its request and answers it.
private final class Peer {
    let session = HTTP2Session(role: .server, limits: Peer.limits, fields: FieldSection())
    var fields: [String: String] = [:]
    var body: [UInt8] = []
    private var pending: [UInt8] = []

    private static var limits: HTTP2Session.Limits {
        var limits = HTTP2Session.Limits()
        limits.streams = 1
        return limits
    }

    init() { session.start() }

    /// - Returns: the place of a request that is whole.
    func receive(_ bytes: ByteBuffer) -> Int? {
        pending += bytes.readableBytesView
        var offset = 0
        var whole: Int?
        loop: while true {
            switch session.next(pending.span, offset: &offset) {
            case .incomplete, .failed: break loop
            case .request(let stream):
                let section = session.fields
                for index in 0..<section.count {
                    fields[Self.text(section.name(index))] = Self.text(section.value(index))
                }
                if session.isInputEnded(stream) { whole = stream }
            case .data(let stream, let range, _, let isEnd):
                body += pending[range]
                if isEnd { whole = stream }
            default: break
            }
        }
        pending.removeFirst(offset)
        return whole
    }

    private static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    func respond(_ stream: Int, _ answer: HTTP2ProbeTests.Answer) {
        session.beginFields()
        session.add(status: answer.status)
        for (name, value) in answer.fields {
            session.add(0, name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        let hasBody = !answer.body.isEmpty
        session.endFields(stream, isEnd: !hasBody && answer.trailers.isEmpty)
        if hasBody {
            let sent = session.send(answer.body.span, on: stream, isEnd: answer.trailers.isEmpty)
            #expect(sent == answer.body.count)
        }
        guard !answer.trailers.isEmpty else { return }
        session.beginFields()
        for (name, value) in answer.trailers {
            session.add(0, name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        session.endFields(stream, isEnd: true)
    }

    func takeOutput() -> [UInt8] {
        let output = session.output
        let bytes = (0..<output.count).map { output.bytes[$0] }
        output.removeAll(keeping: 0)
        return bytes
    }
}

@Suite("Probes over HTTP/2")
struct HTTP2ProbeTests {
    struct Answer: Sendable {
        var status = 200
        var fields: [(String, String)] = []
        var body: [UInt8] = []
        var trailers: [(String, String)] = []
    }

    /// The verdict on an answer that comes in pieces of `size` bytes, behind which the connection closes.
    private static func verdict(
        _ exchange: HTTP2ProbeExchange, _ answer: Answer, pieces size: Int = .max, peer: Peer = Peer()
    ) throws -> ProbeOutcome {
        let stream = try #require(peer.receive(exchange.takeOutput()))
        peer.respond(stream, answer)
        var bytes = peer.takeOutput()[...]
        while !bytes.isEmpty {
            if let outcome = exchange.receive(ByteBuffer(bytes: bytes.prefix(size))) { return outcome }
            bytes = bytes.dropFirst(size)
        }
        return exchange.end()
    }

    private static func http(_ change: (inout Monitor.HTTPCheck) -> Void = { _ in }) -> HTTP2ProbeExchange {
        var check = Monitor.HTTPCheck()
        change(&check)
        return HTTP2ProbeExchange(check, authority: "a.test:8")
    }

    private static func grpc(_ service: String = "") -> HTTP2ProbeExchange {
        var check = Monitor.GRPCCheck()
        check.service = service
        return HTTP2ProbeExchange(check, authority: "a.test")
    }

    @Test("the request is as configured")
    func request() throws {
        let peer = Peer()
        let exchange = Self.http {
            $0.method = "OPTIONS"
            $0.path = "/health?deep=1"
            $0.tls = true
        }
        #expect(try Self.verdict(exchange, Answer(status: 204), peer: peer) == .success)
        #expect(
            peer.fields == [
                ":method": "OPTIONS", ":scheme": "https", ":path": "/health?deep=1", ":authority": "a.test:8",
                "user-agent": "meridian-health", "accept": "*/*",
            ])
        let call = Peer()
        #expect(try Self.verdict(Self.grpc("shop.v1.Orders"), Self.serving(1), peer: call) == .success)
        #expect(call.fields[":path"] == "/grpc.health.v1.Health/Check" && call.fields[":method"] == "POST")
        #expect(call.fields["content-type"] == "application/grpc" && call.fields["te"] == "trailers")
        #expect(call.body == [0, 0, 0, 0, 16, 0x0a, 14] + Array("shop.v1.Orders".utf8))
        // A length of two bytes in base 128.
        let long = Peer()
        #expect(
            try Self.verdict(Self.grpc(String(repeating: "s", count: 256)), Self.serving(1), peer: long) == .success)
        #expect(long.body.prefix(8) == [0, 0, 0, 1, 3, 0x0a, 0x80, 2])
    }

    static let table: [(answer: Answer, body: String?, outcome: ProbeOutcome)] = [
        (Answer(), nil, .success),
        (Answer(status: 503), nil, .failure(.status(503))),
        (Answer(body: Array("fine, OK.".utf8)), "OK", .success),
        (Answer(body: Array("fine".utf8)), "OK", .failure(.body)),
        (Answer(), "OK", .failure(.body)),
        (Answer(body: Array("OK".utf8), trailers: [("x", "y")]), "OK", .success),
        (Answer(fields: [("content-length", "3")], body: Array("OK".utf8)), "x", .failure(.http2(broken))),
        (Answer(fields: [("connection", "close")]), nil, .failure(.http2(broken))),
        (Answer(body: Array(repeating: 0x20, count: 60_000)), "OK", .failure(.body)),
    ]

    private static let broken = "the response breaks a rule of HTTP/2"

    @Test("the verdict is the same whole and in pieces", arguments: table.indices, [1, 7, Int.max])
    func verdicts(row: Int, pieces: Int) throws {
        let (answer, body, outcome) = Self.table[row]
        #expect(try Self.verdict(Self.http { $0.expectedBody = body }, answer, pieces: pieces) == outcome)
    }

    private static func serving(_ state: UInt8, status: String = "0") -> Answer {
        let message: [UInt8] = state == 0 ? [] : [8, state]
        return Answer(body: [0, 0, 0, 0, UInt8(message.count)] + message, trailers: [("grpc-status", status)])
    }

    static let calls: [(answer: Answer, outcome: ProbeOutcome)] = [
        (serving(1), .success),
        (serving(2), .failure(.service("the service is NOT_SERVING"))),
        (serving(0), .failure(.service("the service does not know whether it serves"))),
        (serving(3), .failure(.service("the service is unknown"))),
        (serving(1, status: "13"), .failure(.service("gRPC status INTERNAL"))),
        (serving(1, status: "99"), .failure(.service("gRPC status 99"))),
        (serving(1, status: "x"), .failure(.service("no gRPC status came"))),
        // An error without a message: one head.
        (Answer(fields: [("grpc-status", "12")]), .failure(.service("gRPC status UNIMPLEMENTED"))),
        (Answer(fields: [("grpc-status", "5")]), .failure(.service("gRPC status NOT_FOUND"))),
        (Answer(status: 404), .failure(.status(404))),
        (Answer(body: [1, 0, 0, 0, 2, 8, 1], trailers: [("grpc-status", "0")]), unreadable),
        (Answer(body: [0, 0, 0, 0, 3, 8, 1], trailers: [("grpc-status", "0")]), unreadable),
        (Answer(body: [0, 0, 0, 0, 1, 8], trailers: [("grpc-status", "0")]), unreadable),
        (Answer(body: [0, 0, 0, 0, 2, 0x0a, 9], trailers: [("grpc-status", "0")]), unreadable),
        (
            Answer(body: [0, 0, 0, 0, 11] + Array(repeating: 0xff, count: 11), trailers: [("grpc-status", "0")]),
            unreadable
        ),
        // Fields that a later version may add are passed over.
        (
            Answer(
                body: [0, 0, 0, 0, 21, 0x12, 2, 7, 7, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1, 0x28]
                    .dropLast(), trailers: [("grpc-status", "0")]), unreadable
        ),
        (
            Answer(
                body: [0, 0, 0, 0, 20, 0x12, 2, 7, 7, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1],
                trailers: [("grpc-status", "0")]), .success
        ),
    ]

    private static let unreadable = ProbeOutcome.failure(.service("the health service's answer cannot be read"))

    @Test("what gRPC's health service says is what counts", arguments: calls.indices, [1, Int.max])
    func health(row: Int, pieces: Int) throws {
        #expect(try Self.verdict(Self.grpc(), Self.calls[row].answer, pieces: pieces) == Self.calls[row].outcome)
    }

    @Test("an answer cut at any byte is no success")
    func truncation() throws {
        let peer = Peer()
        let first = Self.grpc()
        let stream = try #require(peer.receive(first.takeOutput()))
        peer.respond(stream, Self.serving(1))
        let bytes = peer.takeOutput()
        for count in bytes.indices {
            let exchange = Self.grpc()
            _ = exchange.takeOutput()
            #expect(exchange.receive(ByteBuffer(bytes: bytes[..<count])) == nil, "\(count)")
            let outcome = exchange.end()
            #expect(outcome == .failure(.closed(.response)) || outcome == .failure(.cutOff), "\(count)")
        }
        #expect(first.receive(ByteBuffer(bytes: bytes)) == .success)
    }

    @Test("interim responses say nothing, and are limited, at n and at n + 1", arguments: [32, 33])
    func interim(count: Int) throws {
        let exchange = Self.grpc()
        let peer = Peer()
        let stream = try #require(peer.receive(exchange.takeOutput()))
        for _ in 0..<count {
            peer.session.beginFields()
            peer.session.add(status: 103)
            peer.session.add("grpc-status", "0")
            peer.session.endFields(stream, isEnd: false)
        }
        peer.respond(stream, Answer(body: [0, 0, 0, 0, 2, 8, 1], trailers: [("x", "y")]))
        #expect(
            exchange.receive(ByteBuffer(bytes: peer.takeOutput()))
                == .failure(count > 32 ? .http2("too many interim responses") : .service("no gRPC status came")))
    }

    @Test("a target whose window is closed at first gets the call when it opens")
    func window() throws {
        let exchange = Self.grpc("x")
        let peer = Peer()
        // SETTINGS_INITIAL_WINDOW_SIZE = 0 comes too late to hold this body back, but not the next connection's rules.
        let stream = try #require(peer.receive(exchange.takeOutput()))
        let settings: [UInt8] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]
        #expect(exchange.receive(ByteBuffer(bytes: settings)) == nil)
        #expect(exchange.takeOutput().readableBytes == 9, "the settings are acknowledged")
        peer.respond(stream, Self.serving(1))
        #expect(exchange.receive(ByteBuffer(bytes: peer.takeOutput())) == .success)
        #expect(exchange.takeOutput().readableBytes > 0, "and says goodbye")
    }

    @Test("who speaks something else, resets or goes away is not up")
    func refusals() {
        func outcome(_ bytes: [UInt8]) -> ProbeOutcome? {
            let exchange = Self.http()
            _ = exchange.takeOutput()
            return exchange.receive(ByteBuffer(bytes: bytes))
        }
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        #expect(
            outcome(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
                == .failure(.http2("not HTTP/2, or against its rules, error 6")))
        #expect(
            outcome(settings + [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7])
                == .failure(.http2("the stream was reset, error 7")))
        #expect(
            outcome(settings + [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11])
                == .failure(.http2("the target went away, error 11")))
        #expect(
            outcome(settings + [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]) == nil, "the answer may still come")
    }

    @Test("random bytes never crash, and never are a success")
    func random() {
        var generator = SplitMix64(seed: 9)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        for _ in 0..<2000 {
            let exchange = generator.next() % 2 == 0 ? Self.http { $0.expectedBody = "never" } : Self.grpc()
            _ = exchange.takeOutput()
            var bytes = settings
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let payload = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                bytes += [0, 0, UInt8(payload.count), UInt8.random(in: 0...10, using: &generator)]
                bytes += [
                    UInt8.random(in: 0...255, using: &generator), 0, 0, 0, UInt8.random(in: 0...2, using: &generator),
                ]
                bytes += payload
            }
            let outcome = exchange.receive(ByteBuffer(bytes: bytes)) ?? exchange.end()
            #expect(outcome != .success)
        }
    }

    @Test("the load comes with a field or in the body")
    func load() throws {
        let answer = Answer(
            fields: [(LoadMetrics.fieldName, "TEXT cpu_utilization=0.5")],
            body: Array(#"{"cpu_utilization": 0.25}"#.utf8))
        for (source, value) in [(Monitor.LoadSource.header, 0.5), (.body, 0.25), (.none, nil)] as [(_, Double?)] {
            let exchange = Self.http { $0.load = source }
            #expect(try Self.verdict(exchange, answer, pieces: 5) == .success)
            #expect(exchange.load?.values["cpu_utilization"] == value)
        }
    }
}
