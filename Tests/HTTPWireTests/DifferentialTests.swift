import HTTPWire
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

/// What NIOHTTP1's decoder makes of the same bytes: a parser that nobody here wrote.
private struct Oracle {
    struct Message: Equatable {
        var method: String
        var target: String
        var fields: [String]
        var body: [UInt8]
    }

    var messages: [Message] = []
    var failed = false

    init(_ bytes: [UInt8]) {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            var current: Message?
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head):
                    current = Message(
                        method: head.method.rawValue, target: head.uri,
                        // It keeps the blanks behind a value (RFC 9112 section 5.1: they are no part of it).
                        fields: head.headers.map {
                            "\($0.name.lowercased()): "
                                + String($0.value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
                        }, body: [])
                case .body(let piece): current?.body += piece.readableBytesView
                case .end:
                    if let current { messages.append(current) }
                    current = nil
                }
            }
        } catch {
            failed = true
        }
    }
}

/// What this proxy makes of them: the head and the body, or why not.
private struct Ours {
    var message: Oracle.Message?
    /// What the member would get.
    var forwarded: [UInt8] = []

    init(_ bytes: [UInt8]) {
        let head = RequestHead()
        guard head.parse(bytes.span, limits: HeadLimits(underscores: .keep)) == .complete else { return }
        var body: [UInt8] = []
        switch head.framing {
        case .none, .untilClose: break
        case .length(let length):
            guard bytes.count - head.byteCount >= length else { return }
            body = Array(bytes[head.byteCount..<head.byteCount + length])
        case .chunked:
            var decoder = ChunkedDecoder()
            var offset = head.byteCount
            decoding: while true {
                switch decoder.next(bytes.span, offset: &offset) {
                case .data(let range): body += bytes[range]
                case .end: break decoding
                case .incomplete, .failed: return
                }
            }
        }
        let text = { (range: ByteRange) in String(decoding: bytes[range.range], as: UTF8.self) }
        message = Oracle.Message(
            method: text(head.methodRange), target: text(head.target),
            fields: (0..<head.fields.count).map {
                "\(text(head.fields[$0].nameRange).lowercased()): \(text(head.fields[$0].value))"
            }, body: body)
        var buffer = ByteBuffer()
        let fits = buffer.appendHead(capacity: head.forwardedSize(plainForwarding)) { writer in
            head.write(
                bytes.span, path: Span(), forwarding: plainForwarding, identifier: RequestID(high: 1, low: 2),
                upgrade: false, to: &writer)
        }
        guard fits else { return }
        if head.framing == .chunked {
            buffer.writeString((body.isEmpty ? "" : "\(String(body.count, radix: 16))\r\n"))
            if !body.isEmpty {
                buffer.writeBytes(body)
                buffer.writeString("\r\n")
            }
            buffer.writeString("0\r\n\r\n")
        } else {
            buffer.writeBytes(body)
        }
        forwarded = Array(buffer.readableBytesView)
    }
}

@Suite("Requests as NIOHTTP1 reads them")
struct DifferentialTests {
    private static let seeds = [
        "GET /a?b HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n",
        "POST /%7Ex/../y HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n",
        "PUT http://h:8/p?q HTTP/1.1\r\nHost: a\r\nConnection: x-b, close\r\nX-B: 1\r\nContent-Length: 0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\nTE: trailers\r\n\r\n",
        "DELETE /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    ].map { Array($0.utf8) }

    /// Changes that have fooled parsers before: what ends lines, separates and counts.
    private static let pieces = [
        "\r", "\n", "\r\n", "\0", " ", "\t", "\u{b}", "\u{c}", "\u{85}", ":", ",", ";", "+", "-", "0", "0x", "_",
        "chunked",
        "Content-Length: 5\r\n", "Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\n",
        "Host: b\r\n", "X: a\r\n b\r\n", "GET / HTTP/1.1\r\n", "0\r\n\r\n", "HTTP/1.0", "#", "%", "\\", "\"",
    ].map { Array($0.utf8) }

    private static func mutated(_ random: inout SplitMix64) -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
            case 1: bytes.remove(at: place)
            default: bytes[place] = (pieces.randomElement(using: &random) ?? [0])[0]
            }
        }
        return bytes
    }

    @Test("what is accepted here is the same message there: method, target, fields and body")
    func accepted() {
        var random = SplitMix64(seed: 0xd1ff)
        var compared = 0
        for _ in 0..<20_000 {
            let bytes = Self.mutated(&random)
            guard let ours = Ours(bytes).message else { continue }
            let oracle = Oracle(bytes)
            // It refuses some that are good: methods it does not know, and fields with bytes above 127.
            guard let theirs = oracle.messages.first else { continue }
            compared += 1
            #expect(ours == theirs, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(compared > 2000)
    }

    @Test("what a member gets is one message, never two, with the same body, and never what was refused")
    func forwarded() {
        var random = SplitMix64(seed: 0xf0)
        var compared = 0
        for _ in 0..<20_000 {
            let bytes = Self.mutated(&random)
            let ours = Ours(bytes)
            guard let message = ours.message else { continue }
            let oracle = Oracle(ours.forwarded)
            guard !oracle.failed else { continue }
            compared += 1
            #expect(oracle.messages.count == 1, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            #expect(oracle.messages.first?.body == message.body)
            #expect(oracle.messages.first?.method == message.method)
        }
        #expect(compared > 2000)
    }

    @Test("the body that NIOHTTP1 sends is the body that is read here, however it is cut into chunks")
    func encoded() throws {
        var random = SplitMix64(seed: 0xc0de)
        for _ in 0..<200 {
            let channel = EmbeddedChannel()
            try channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder())
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/x")
            head.headers.add(name: "Host", value: "a")
            try channel.writeOutbound(HTTPClientRequestPart.head(head))
            var body: [UInt8] = []
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let piece = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                body += piece
                try channel.writeOutbound(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: piece))))
            }
            try channel.writeOutbound(HTTPClientRequestPart.end(nil))
            var bytes: [UInt8] = []
            while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes += part.readableBytesView }
            #expect(Ours(bytes).message?.body == body)
            _ = try channel.finish()
        }
    }
}
