import Testing

@testable import HTTP2Wire

@Suite("HTTP/2 connections: what RFC 9113 forbids")
struct SessionRulesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Behind the preface and SETTINGS.
        var bytes: [UInt8]
        /// Of the connection; `nil`: it goes on.
        var code: UInt32?
        /// Of a stream that is reset, by number.
        var resets: [UInt32: UInt32] = [:]
        var testDescription: String { name }
    }

    private static let zero: [UInt8] = [0, 0, 0, 0]

    static let cases: [Case] = [
        .init(name: "a frame that is too large", bytes: [0, 0x40, 1, 0, 0, 0, 0, 0, 1], code: 6),
        .init(name: "DATA of no stream", bytes: Frames.data(0, "a"), code: 1),
        .init(name: "DATA of a stream that is idle", bytes: Frames.data(1, "a"), code: 1),
        .init(name: "HEADERS of no stream", bytes: Frames.request(0), code: 1),
        .init(name: "HEADERS of a server's stream", bytes: Frames.request(2), code: 1),
        .init(name: "RST_STREAM of a stream that is idle", bytes: Frames.frame(3, stream: 1, zero), code: 1),
        .init(name: "RST_STREAM of no stream", bytes: Frames.frame(3, zero), code: 1),
        .init(name: "RST_STREAM of another size", bytes: Frames.request(1) + Frames.frame(3, stream: 1, [0]), code: 6),
        .init(
            name: "WINDOW_UPDATE of a stream that is idle", bytes: Frames.frame(8, stream: 1, [0, 0, 0, 1]), code: 1),
        .init(name: "WINDOW_UPDATE of another size", bytes: Frames.frame(8, [0]), code: 6),
        .init(name: "a window update of zero for all", bytes: Frames.frame(8, zero), code: 1),
        .init(name: "a window beyond measure for all", bytes: Frames.frame(8, [0x7f, 0xff, 0xff, 0xff]), code: 3),
        .init(
            name: "a window update of zero", bytes: Frames.request(1) + Frames.frame(8, stream: 1, zero), resets: [1: 1]
        ),
        .init(
            name: "a window beyond measure",
            bytes: Frames.request(1) + Frames.frame(8, stream: 1, [0x7f, 0xff, 0xff, 0xff]), resets: [1: 3]),
        .init(
            name: "settings that make a window too large",
            bytes: Frames.request(1) + Frames.frame(8, stream: 1, [0, 1, 0, 0])
                + Frames.frame(4, [0, 4, 0x7f, 0xff, 0xff, 0xff]), code: 3),
        .init(name: "SETTINGS of a stream", bytes: Frames.frame(4, stream: 1), code: 1),
        .init(name: "SETTINGS of another size", bytes: Frames.frame(4, [0, 1, 0]), code: 6),
        .init(
            name: "SETTINGS' acknowledgement with content", bytes: Frames.frame(4, flags: 1, [0, 1, 0, 0, 0, 0]),
            code: 6),
        .init(name: "ENABLE_PUSH that is no flag", bytes: Frames.frame(4, [0, 2, 0, 0, 0, 2]), code: 1),
        .init(name: "a window setting beyond measure", bytes: Frames.frame(4, [0, 4, 0x80, 0, 0, 0]), code: 3),
        .init(
            name: "a frame size setting that is too small", bytes: Frames.frame(4, [0, 5, 0, 0, 0x3f, 0xff]), code: 1),
        .init(name: "a frame size setting that is too large", bytes: Frames.frame(4, [0, 5, 1, 0, 0, 0]), code: 1),
        .init(name: "ENABLE_CONNECT_PROTOCOL that is no flag", bytes: Frames.frame(4, [0, 8, 0, 0, 0, 2]), code: 1),
        .init(name: "a setting that nobody knows", bytes: Frames.frame(4, [0x7f, 8, 0, 0, 0, 2])),
        .init(name: "PING of a stream", bytes: Frames.frame(6, stream: 1, zero + zero), code: 1),
        .init(name: "PING of another size", bytes: Frames.frame(6, zero), code: 6),
        .init(name: "GOAWAY of a stream", bytes: Frames.frame(7, stream: 1, zero + zero), code: 1),
        .init(name: "GOAWAY that is too short", bytes: Frames.frame(7, zero), code: 6),
        .init(name: "PUSH_PROMISE from a client", bytes: Frames.frame(5, flags: 4, stream: 1, [0, 0, 0, 2]), code: 1),
        .init(name: "PRIORITY of no stream", bytes: Frames.frame(2, zero + [0]), code: 1),
        .init(name: "PRIORITY of another size", bytes: Frames.frame(2, stream: 1, zero), code: 6),
        .init(name: "a frame that nobody knows", bytes: Frames.frame(0x77, flags: 0xff, stream: 8, zero)),
        .init(name: "CONTINUATION without HEADERS", bytes: Frames.frame(9, flags: 4, stream: 1), code: 1),
        .init(
            name: "another frame within a field block",
            bytes: Frames.frame(1, flags: 1, stream: 1, [0x82]) + Frames.frame(6, zero + zero), code: 1),
        .init(
            name: "another stream's CONTINUATION",
            bytes: Frames.frame(1, flags: 1, stream: 1, [0x82]) + Frames.frame(9, flags: 4, stream: 3), code: 1),
        .init(
            name: "HEADERS padded beyond their end", bytes: Frames.frame(1, flags: 12, stream: 1, [4, 0x82, 0]), code: 1
        ),
        .init(
            name: "HEADERS too short for their priority", bytes: Frames.frame(1, flags: 0x24, stream: 1, [0, 0]),
            code: 6),
        .init(
            name: "DATA padded beyond their end",
            bytes: Frames.request(1, Frames.post(), isEnd: false) + Frames.frame(0, flags: 8, stream: 1, [2, 0]),
            code: 1),
        .init(name: "a block that is no HPACK", bytes: Frames.frame(1, flags: 5, stream: 1, [0x80]), code: 9),
        .init(name: "numbers that run backwards", bytes: Frames.request(5) + Frames.request(3), code: 5),
        .init(name: "DATA behind the end", bytes: Frames.request(1) + Frames.data(1, "a"), resets: [1: 5]),
        .init(
            name: "fields behind the end", bytes: Frames.request(1) + Frames.request(1, [("x-a", "b")]), resets: [1: 5]),
        .init(
            name: "trailers without an end",
            bytes: Frames.request(1, Frames.post(), isEnd: false) + Frames.request(1, [("x-a", "b")], isEnd: false),
            resets: [1: 1]),
        .init(
            name: "trailers with a pseudo-field",
            bytes: Frames.request(1, Frames.post(), isEnd: false) + Frames.request(1, [(":path", "/")]), resets: [1: 1]),
        .init(
            name: "a body longer than its length",
            bytes: Frames.request(1, Frames.post([("content-length", "3")]), isEnd: false) + Frames.data(1, "abcd"),
            resets: [1: 1]),
        .init(
            name: "a body shorter than its length",
            bytes: Frames.request(1, Frames.post([("content-length", "3")]), isEnd: false)
                + Frames.data(1, "ab", isEnd: true), resets: [1: 1]),
        .init(
            name: "trailers before the length is there",
            bytes: Frames.request(1, Frames.post([("content-length", "3")]), isEnd: false)
                + Frames.request(1, [("x-a", "b")]), resets: [1: 1]),
        .init(
            name: "a length and no body", bytes: Frames.request(1, Frames.post([("content-length", "3")])),
            resets: [1: 1]),
        // As HTTP/1.1 reads it, or a member would.
        .init(
            name: "a body longer than a length with zeros before it",
            bytes: Frames.request(1, Frames.post([("content-length", "00000000000000000003")]), isEnd: false)
                + Frames.data(1, "abcd"), resets: [1: 1]),
        .init(
            name: "a length with zeros before it, and no body",
            bytes: Frames.request(1, Frames.post([("content-length", "00000000000000000003")])), resets: [1: 1]),
        .init(name: "an upper-case name", bytes: Frames.request(1, Frames.get + [("X-A", "b")]), resets: [1: 1]),
        .init(name: "an empty name", bytes: Frames.request(1, Frames.get + [("", "b")]), resets: [1: 1]),
        .init(
            name: "a value with a line end", bytes: Frames.request(1, Frames.get + [("x-a", "b\r\nc: d")]),
            resets: [1: 1]),
        .init(name: "a value with a blank", bytes: Frames.request(1, Frames.get + [("x-a", "b ")]), resets: [1: 1]),
        .init(
            name: "a path with NUL",
            bytes: Frames.request(1, [(":method", "GET"), (":scheme", "http"), (":path", "/\0")]), resets: [1: 1]),
        .init(name: "connection", bytes: Frames.request(1, Frames.get + [("connection", "close")]), resets: [1: 1]),
        .init(name: "two paths", bytes: Frames.request(1, Frames.get + [(":path", "/")]), resets: [1: 1]),
        .init(
            name: "a pseudo-field behind a field", bytes: Frames.request(1, [("x-a", "b")] + Frames.get), resets: [1: 1]
        ),
        .init(name: "TE with gzip", bytes: Frames.request(1, Frames.get + [("te", "gzip")]), resets: [1: 1]),
        .init(
            name: "CONNECT with a path",
            bytes: Frames.request(1, [(":method", "CONNECT"), (":path", "/"), (":authority", "a")]), resets: [1: 1]),
        .init(name: "good requests", bytes: Frames.request(1) + Frames.request(3, Frames.get + [("te", "trailers")])),
    ]

    @Test("each mistake has its code, of the stream or of the connection", arguments: cases)
    func mistakes(_ item: Case) {
        let listener = Listener()
        listener.session.start()
        _ = listener.session.output.take()
        listener.feed(Frames.beginning + item.bytes)
        #expect(listener.failure?.rawValue == item.code)
        #expect(!listener.isFlood)
        let frames = Frames.parse(listener.session.output.take())
        var resets: [UInt32: UInt32] = [:]
        for frame in frames where frame.kind == 3 {
            resets[frame.stream] = frame.payload.reduce(0) { $0 << 8 | UInt32($1) }
        }
        #expect(resets == item.resets)
        let goAway = frames.last { $0.kind == 7 }
        #expect((goAway != nil) == (item.code != nil))
        if let code = item.code { #expect(goAway?.payload.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } == code) }
    }

    @Test("a client begins with the preface and SETTINGS, and nothing else")
    func preface() {
        for bytes in [
            Array("GET / HTTP/1.1\r\n".utf8), Frames.preface + Frames.request(1),
            Frames.preface + Frames.frame(4, flags: 1),
        ] {
            let listener = Listener()
            listener.feed(bytes)
            #expect(listener.failure == .protocolError)
        }
    }

    struct Response: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var isBroken: Bool
        var isHead = false
        var testDescription: String { name }
    }

    private static func head(_ fields: [(String, String)], isEnd: Bool = false) -> [UInt8] {
        Frames.frame(1, flags: isEnd ? 5 : 4, stream: 1, Frames.block(fields))
    }

    static let responses: [Response] = [
        .init(name: "no status", bytes: head([("x-a", "b")]), isBroken: true),
        .init(name: "two", bytes: head([(":status", "200"), (":status", "200")]), isBroken: true),
        .init(name: "a status that is none", bytes: head([(":status", "2000")]), isBroken: true),
        .init(name: "101", bytes: head([(":status", "101")]), isBroken: true),
        .init(name: "an interim response that ends", bytes: head([(":status", "103")], isEnd: true), isBroken: true),
        .init(name: "a pseudo-field of requests", bytes: head([(":status", "200"), (":path", "/")]), isBroken: true),
        .init(name: "connection", bytes: head([(":status", "200"), ("connection", "close")]), isBroken: true),
        .init(
            name: "a length that is no number", bytes: head([(":status", "200"), ("content-length", "x")]),
            isBroken: true),
        .init(name: "a body before the head", bytes: Frames.data(1, "a"), isBroken: true),
        .init(
            name: "a body longer than its length",
            bytes: head([(":status", "200"), ("content-length", "1")]) + Frames.data(1, "ab"), isBroken: true),
        .init(
            name: "a length and no body", bytes: head([(":status", "200"), ("content-length", "1")], isEnd: true),
            isBroken: true),
        .init(
            name: "a length of what HEAD does not get",
            bytes: head([(":status", "200"), ("content-length", "1")], isEnd: true), isBroken: false, isHead: true),
        .init(
            name: "304 with a length", bytes: head([(":status", "304"), ("content-length", "1")], isEnd: true),
            isBroken: false),
        .init(
            name: "hints, a head, a body and trailers",
            bytes: head([(":status", "103")]) + head([(":status", "200")]) + Frames.data(1, "ab")
                + head([("x-a", "b")], isEnd: true),
            isBroken: false),
    ]

    @Test("responses have their own rules", arguments: responses)
    func response(_ item: Response) {
        let listener = Listener(.client)
        listener.session.start()
        let place = listener.session.open(isHead: item.isHead)
        listener.number(place, 1)
        listener.session.beginFields()
        listener.session.add(fixed: 2)
        listener.session.endFields(place, isEnd: true)
        listener.feed(Frames.frame(4) + item.bytes)
        #expect(listener.failure == nil)
        #expect(listener.log.contains("broken 1") == item.isBroken, "\(listener.log)")
        if !item.isBroken { #expect(listener.session.closeIfDone(place) && listener.session.streamCount == 0) }
    }

    @Test("what comes for a stream that was reset is passed over, and its window given back")
    func afterReset() {
        let listener = Listener { $0.connectionWindow = 100_000 }
        listener.session.start()
        listener.feed(Frames.beginning + Frames.request(1, Frames.post(), isEnd: false))
        listener.session.reset(0, .cancel)
        _ = listener.session.output.take()
        let piece = Frames.frame(0, stream: 1, [UInt8](repeating: 1, count: 10_000))
        for _ in 0..<30 { listener.feed(piece) }
        listener.feed(Frames.request(1, [("x-t", "1")]) + Frames.request(3))
        #expect(listener.failure == nil && listener.heads.count == 2)
        // All of it, its padding too, before what is behind it.
        listener.feed(Frames.frame(0, flags: 8, stream: 1, [2] + Array("abc".utf8) + [0, 0]) + Frames.request(5))
        #expect(listener.heads.count == 3)
        let given = Frames.parse(listener.session.output.take()).filter { $0.kind == 8 && $0.stream == 0 }
        #expect(given.count >= 5)
    }

    @Test("windows are kept to, of a stream and of all")
    func windows() {
        let listener = Listener {
            $0.streamWindow = 70_000; $0.connectionWindow = 200_000
        }
        listener.session.start()
        listener.feed(Frames.beginning)
        let piece = [UInt8](repeating: 1, count: 14_000)
        listener.feed(Frames.request(1, Frames.post(), isEnd: false))
        for _ in 0..<5 { listener.feed(Frames.frame(0, stream: 1, piece)) }
        #expect(listener.bodies[1]?.count == 70_000 && !listener.log.contains("broken 1"))
        listener.feed(Frames.data(1, "a"))
        #expect(listener.log.last == "broken 1")
        listener.feed(Frames.request(3, Frames.post(), isEnd: false) + Frames.frame(0, stream: 3, piece))
        listener.session.widen(0, by: 14_000)
        for _ in 0..<5 { listener.feed(Frames.frame(0, stream: 3, piece)) }
        #expect(listener.bodies[3]?.count == 84_000 && listener.failure == nil)
        // The connection's window, with nothing given back in between, ends before this.
        let small = Listener {
            $0.streamWindow = 1 << 20; $0.connectionWindow = 1 << 20
        }
        small.session.start()
        small.session.receiveWindow = 20_000
        small.feed(
            Frames.beginning + Frames.request(1, Frames.post(), isEnd: false) + Frames.frame(0, stream: 1, piece))
        #expect(small.failure == nil)
        small.feed(Frames.frame(0, stream: 1, piece))
        #expect(small.failure == .flowControlError)
    }

    @Test("what is sent keeps to the peer's windows and frame size")
    func sending() {
        let listener = Listener()
        listener.feed(Frames.preface + Frames.frame(4, [0, 4, 0, 0, 0x40, 0x10]) + Frames.request(1))
        let session = listener.session
        _ = session.output.take()
        let body = [UInt8](repeating: 7, count: 20_000)
        let rest = Array(body[16_400...])
        #expect(session.sends(body, on: 0) == 16_400)
        #expect(Frames.parse(session.output.take()).map(\.payload.count) == [16_384, 16])
        #expect(session.sends(rest, on: 0) == 0)
        // Smaller settings take back what was promised.
        listener.feed(Frames.frame(4, [0, 4, 0, 0, 0, 0]) + Frames.frame(8, stream: 1, Frames.bytes(16_400)))
        #expect(session.sends(rest, on: 0) == 0)
        listener.feed(Frames.frame(8, stream: 1, Frames.bytes(3600)))
        _ = session.output.take()
        #expect(session.sends(rest, on: 0) == 3600)
        let last = Frames.parse(session.output.take())
        #expect(last.count == 1 && last[0].flags == 1)
        #expect(session.closeIfDone(0))
    }

    @Test("an end without a body needs no window, not even one that settings made less than nothing")
    func endWithoutWindow() {
        let listener = Listener()
        listener.feed(Frames.beginning + Frames.request(1))
        let session = listener.session
        #expect(session.sends([1, 2, 3], on: 0, isEnd: false) == 3)
        listener.feed(Frames.frame(4, [0, 4, 0, 0, 0, 0]))
        _ = session.output.take()
        #expect(session.sends([4], on: 0) == 0)
        #expect(session.sends([], on: 0) == 0)
        let frames = Frames.parse(session.output.take())
        #expect(frames.count == 1 && frames[0].payload.isEmpty && frames[0].flags == 1)
        #expect(session.closeIfDone(0))
    }

    @Test("the connection's window wakes streams only when it was closed")
    func wakes() {
        let listener = Listener()
        listener.feed(
            Frames.preface + Frames.frame(4, [0, 4, 0, 1, 0x86, 0xa0]) + Frames.request(1)
                + Frames.frame(8, Frames.bytes(1)))
        #expect(!listener.log.contains("window 0"))
        #expect(listener.session.sends([UInt8](repeating: 0, count: 70_000), on: 0) == 65_536)
        listener.feed(Frames.frame(8, Frames.bytes(10)))
        #expect(listener.log.last == "window 0")
    }

    @Test("a PING for each piece of a body is measuring, not flooding")
    func measuring() {
        let listener = Listener()
        listener.session.now = 1
        listener.feed(Frames.beginning + Frames.request(1, Frames.post(), isEnd: false))
        for _ in 0..<3000 { listener.feed(Frames.data(1, "a") + Frames.frame(6, Self.zero + Self.zero)) }
        #expect(listener.failure == nil)
        for _ in 0..<1100 { listener.feed(Frames.frame(6, Self.zero + Self.zero)) }
        #expect(listener.failure == .enhanceYourCalm)
    }

    @Test("streams that come before our settings were read are refused, not held against the peer")
    func early() {
        let listener = Listener {
            $0.streams = 3; $0.resets = 10
        }
        listener.session.start()
        listener.session.now = 1
        listener.feed(Frames.beginning)
        for number in UInt32(0)..<500 { listener.feed(Frames.request(2 * number + 1)) }
        #expect(listener.failure == nil && listener.heads.count == 3)
        let refused = Frames.parse(listener.session.output.take()).filter { $0.kind == 3 }
        #expect(refused.count == 497 && refused.allSatisfy { $0.payload == Frames.bytes(7) })
        listener.feed(Frames.frame(4, flags: 1))
        for number in UInt32(500)..<511 { listener.feed(Frames.request(2 * number + 1)) }
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
    }

    @Test("fields for a stream that was reset are counted: each may be large when decoded")
    func fieldsAfterReset() {
        let listener = Listener()
        listener.session.now = 1
        listener.feed(Frames.beginning + Frames.request(1, Frames.post(), isEnd: false))
        listener.session.reset(0, .cancel)
        for _ in 0..<1100 { listener.feed(Frames.request(1, [("x-t", "1")])) }
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
    }

    @Test("a large head is sent in parts that follow one another")
    func largeHead() {
        let listener = Listener()
        listener.feed(Frames.beginning + Frames.request(1))
        let session = listener.session
        _ = session.output.take()
        session.beginFields()
        session.add(status: 200)
        let value = [UInt8](repeating: 0x61, count: 15_000)
        for name in ["x-a", "x-b", "x-c"] { session.add(0, name: Array(name.utf8).span, value: value.span) }
        session.endFields(0, isEnd: true)
        let frames = Frames.parse(session.output.take())
        #expect(frames.map(\.kind) == [1, 9, 9] && frames.map(\.flags) == [1, 0, 4])
        #expect(frames.dropLast().allSatisfy { $0.payload.count == 16_384 })
        var decoder = FieldDecoder()
        let section = FieldSection()
        #expect(decoder.reads(frames.flatMap(\.payload), into: section, limit: 100_000) == .decoded)
        #expect(section.count == 4 && section.value(3).count == 15_000)
    }

    @Test("streams at once are limited, at n and at n + 1, and none come behind the last GOAWAY")
    func streams() {
        let listener = Listener { $0.streams = 3 }
        listener.feed(Frames.beginning + Frames.request(1) + Frames.request(3) + Frames.request(5) + Frames.request(7))
        #expect(listener.heads.count == 3 && listener.log.last == "refused")
        listener.session.reset(0, .cancel)
        listener.feed(Frames.request(9))
        #expect(listener.heads.count == 4)
        listener.session.reset(1, .cancel)
        listener.session.sendLastGoAway()
        listener.feed(Frames.request(11))
        #expect(listener.heads.count == 4 && listener.failure == nil)
    }

    @Test(
        "floods end the connection, those below the limit do not",
        arguments: [
            ("PING", Frames.frame(6, zero + zero), 1000), ("SETTINGS", Frames.frame(4), 999),
            ("unknown frames", Frames.frame(0x55), 1000),
            ("PONG that nobody asked for", Frames.frame(6, flags: 1, zero + zero), 1000),
            // Two for the request.
            ("WINDOW_UPDATE", Frames.frame(8, [0, 0, 0, 1]), 1002),
            ("empty DATA", Frames.frame(0, stream: 1), 10),
            ("padding only", Frames.frame(0, flags: 8, stream: 1, [3, 0, 0, 0]), 10),
        ])
    func floods(_ name: String, _ frame: [UInt8], _ most: Int) {
        let listener = Listener()
        listener.feed(Frames.beginning + Frames.request(1, Frames.post(), isEnd: false))
        listener.session.now = 1
        // One SETTINGS has come.
        for _ in 0..<most - ([6, 8, 0x55].contains(frame[3]) ? 1 : 0) { listener.feed(frame) }
        #expect(listener.failure == nil, "\(name)")
        listener.feed(frame)
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood, "\(name)")
    }

    @Test("a member's DATA without a byte costs its stream, and only a flood of it the connection that others share")
    func emptyFramesOfMembers() {
        let listener = Listener(.client) { $0.controls = 100 }
        listener.feed(Frames.frame(4))
        listener.session.now = 1
        for number: UInt32 in [1, 3, 5] {
            let place = listener.session.open(isHead: false)
            listener.number(place, number)
            listener.session.beginFields()
            listener.session.endFields(place, isEnd: true)
            listener.feed(Frames.frame(1, flags: 4, stream: number, Frames.block([(":status", "200")])))
        }
        let empty = { (stream: UInt32) in Frames.frame(0, stream: stream) }
        for _ in 0..<10 { listener.feed(empty(1) + empty(3)) }
        #expect(listener.failure == nil && !listener.log.contains { $0.hasPrefix("broken") })
        // A byte of the body begins the count anew, and one stream's is not another's.
        listener.feed(Frames.data(3, "a") + empty(3) + empty(1))
        #expect(listener.failure == nil && listener.log.filter { $0.hasPrefix("broken") } == ["broken 1"])
        let reset = Frames.parse(listener.session.output.take()).last { $0.kind == 3 }
        #expect(reset?.stream == 1 && reset?.payload == Frames.bytes(ErrorCode.enhanceYourCalm.rawValue))
        listener.feed(Frames.data(3, "b", isEnd: true) + Frames.data(5, "c", isEnd: true))
        #expect(listener.bodies[3] == Array("ab".utf8) && listener.bodies[5] == Array("c".utf8))
        #expect(listener.failure == nil && listener.session.streamCount == 2)

        let flood = Listener(.client) { $0.controls = 100 }
        flood.feed(Frames.frame(4))
        flood.session.now = 1
        let place = flood.session.open(isHead: false)
        flood.session.beginFields()
        flood.session.endFields(place, isEnd: true)
        flood.feed(Frames.frame(1, flags: 4, stream: 1, Frames.block([(":status", "200")])))
        for _ in 0..<60 { flood.feed(empty(1) + Frames.data(1, "a")) }
        #expect(flood.failure == nil)
        for _ in 0..<60 { flood.feed(empty(1) + Frames.data(1, "a")) }
        #expect(flood.failure == .enhanceYourCalm && flood.isFlood)
    }

    @Test("resets are counted, whoever sends them, and forgotten after their time")
    func resets() {
        for isOwn in [false, true] {
            let listener = Listener { $0.resets = 50 }
            listener.feed(Frames.beginning)
            var stream: UInt32 = 1
            let once = {
                listener.feed(
                    Frames.request(stream) + Frames.frame(isOwn ? 8 : 3, stream: stream, Self.zero))
                stream += 2
            }
            listener.session.now = 1
            for _ in 0..<50 { once() }
            #expect(listener.failure == nil)
            listener.session.now = 31_000_000_000
            for _ in 0..<50 { once() }
            #expect(listener.failure == nil)
            once()
            #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
        }
    }

    @Test("a field block goes on in five frames and no more")
    func continuations() {
        let listener = Listener()
        let fields = Frames.frame(1, flags: 1, stream: 1, Frames.block(Frames.get))
        let more = Frames.frame(9, stream: 1, Frames.block([("x-a", "b")]))
        listener.feed(Frames.beginning + fields + more + more + more + more + Frames.frame(9, flags: 4, stream: 1))
        #expect(listener.heads.first?.count == 8 && listener.failure == nil)
        let next = Frames.frame(1, flags: 1, stream: 3, Frames.block(Frames.get))
        let rest = Frames.frame(9, stream: 3)
        listener.feed(next + rest + rest + rest + rest + rest + rest)
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
    }

    @Test("a list that is too large ends the connection")
    func bomb() {
        let listener = Listener { $0.fieldBytes = 4096 }
        let entry = [0x40, 1, 0x62, 0x7f, 0xf1, 0x16] + [UInt8](repeating: 0x63, count: 3056)
        listener.feed(
            Frames.beginning + Frames.frame(1, flags: 5, stream: 1, Frames.block(Frames.get) + entry + [0xbe]))
        #expect(listener.failure == .enhanceYourCalm && listener.isFlood)
    }
}
