@testable import HTTPWire

/// HTTP/1.1 heads and chunked bodies: how the bytes are cut does not matter, and what is sent on is read by the next
/// hop as it was meant.
///
/// The first byte says which; the second where the bytes are cut.
final class HTTPTarget: FuzzTarget {
    static let name = "http"
    private let head = RequestHead()
    private let again = RequestHead()
    private let response = ResponseHead()
    private let responseAgain = ResponseHead()
    private let limits = HeadLimits(bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields)
    private let trusting = Forwarding(
        client: Array("2001:db8::7".utf8), isSecure: true, isTrusted: true, defaultHost: Array("vip".utf8),
        via: Array("meridian".utf8))
    private let plain = Forwarding(client: Array("192.0.2.7".utf8), isSecure: false, defaultHost: Array("vip".utf8))

    init() {}

    func run(_ input: Span<UInt8>) {
        guard input.count >= 2 else { return }
        let control = input[0]
        let cut = Int(input[1])
        let bytes = input.array(from: 2)
        switch control & 3 {
        case 0: request(bytes, cut: cut, control & 4 == 0 ? plain : trusting)
        case 1: response(bytes, cut: cut, control & 4 == 0 ? .get : .head)
        default: chunks(bytes, cut: cut)
        }
    }

    private func request(_ bytes: [UInt8], cut: Int, _ forwarding: Forwarding) {
        let prefix = Array(bytes.prefix(cut))
        let early = again.parse(prefix.span, limits: limits)
        let result = head.parse(bytes.span, limits: limits)
        switch early {
        case .incomplete: break
        case .complete: require(result == .complete && head.byteCount == again.byteCount, "a head ends where it ends")
        case .failed: require(result == early, "more bytes do not mend a head")
        }
        guard result == .complete else { return }
        require(head.byteCount <= bytes.count, "a head lies in its bytes")
        var path: [UInt8] = []
        guard head.form == .asterisk || PathNormaliser.append(bytes.span.extracting(head.path.range), to: &path) else {
            return
        }
        if !path.isEmpty {
            var twice: [UInt8] = []
            require(PathNormaliser.append(path.span, to: &twice) && twice == path, "a normal path stays as it is")
            require(
                !head.isPathNormal || head.path.isEmpty || path == Array(bytes[head.path.range]),
                "a path that is said to be normal is")
        }
        let sent = write(head.forwardedSize(forwarding) + path.count) { writer in
            head.write(
                bytes.span, path: path.span, forwarding: forwarding, identifier: RequestID(high: 1, low: 2),
                upgrade: head.wantsWebSocket, to: &writer)
        }
        guard head.fields.count < HeadLimits.mostFields - 16, sent.count <= HeadLimits.largestHead else { return }
        let next = again.parse(sent.span, limits: limits)
        require(next == .complete && again.byteCount == sent.count, "the next hop reads one head: \(next)")
        require(again.method == head.method && again.framing == head.framing, "with the same meaning")
        require(again.wantsWebSocket == head.wantsWebSocket && again.keepsAlive, "and the same wishes")
    }

    private func response(_ bytes: [UInt8], cut: Int, _ method: Method) {
        let prefix = Array(bytes.prefix(cut))
        let early = responseAgain.parse(prefix.span, limits: limits, method: method)
        let result = response.parse(bytes.span, limits: limits, method: method)
        switch early {
        case .incomplete: break
        case .complete:
            require(result == .complete && response.byteCount == responseAgain.byteCount, "a head ends where it ends")
        case .failed: require(result == early, "more bytes do not mend a head")
        }
        guard result == .complete, !response.isInterim, response.status != 101 else { return }
        require(response.byteCount <= bytes.count, "a head lies in its bytes")
        let date = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)
        let via = Array("meridian".utf8)
        let delivery = ResponseHead.Delivery(framing: response.framing, connection: .keep)
        let sent = write(response.forwardedSize(date: date.span, via: via.span)) { writer in
            response.write(bytes.span, delivery: delivery, date: date.span, via: via.span, to: &writer)
        }
        guard response.fields.count < HeadLimits.mostFields - 16, sent.count <= HeadLimits.largestHead else { return }
        let next = responseAgain.parse(sent.span, limits: limits, method: method)
        require(next == .complete && responseAgain.byteCount == sent.count, "the client reads one head: \(next)")
        require(responseAgain.status == response.status, "with the same status")
        require(responseAgain.framing == response.framing, "and the same body")
    }

    private func write(_ capacity: Int, _ body: (inout HeadWriter) -> Void) -> [UInt8] {
        // Of its exact size and on the heap, so that AddressSanitizer sees what goes past its end.
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
        defer { unsafe room.deallocate() }
        var writer = unsafe HeadWriter(room)
        body(&writer)
        require(!writer.isOverfull, "the room that was asked for is enough")
        return unsafe Array(room[..<writer.count])
    }

    private struct Body: Equatable {
        var data: [UInt8] = []
        var end: ChunkedDecoder.Event?
        /// Of the bytes together.
        var consumed = 0
        var trailers: [UInt8] = []
    }

    private func chunks(_ bytes: [UInt8], cut: Int) {
        let whole = decode(bytes, cuts: [])
        let parts = decode(bytes, cuts: [cut, cut * 2 + 1])
        require(whole.data == parts.data && whole.trailers == parts.trailers, "a cut does not change a body")
        require(whole.consumed <= bytes.count, "a body lies in its bytes")
        switch (whole.end, parts.end) {
        case (.end, .end): require(whole.consumed == parts.consumed, "nor its end")
        case (.failed(let one), .failed(let other)): require(one == other, "nor its mistake")
        case (nil, nil): break
        default: require(false, "nor its outcome: \(String(describing: whole.end)), \(String(describing: parts.end))")
        }
        if case .end = whole.end { _ = TrailerFields().parse(whole.trailers.span) }
    }

    /// Feeds the bytes up to each cut in turn, what was not consumed again.
    private func decode(_ bytes: [UInt8], cuts: [Int]) -> Body {
        var decoder = ChunkedDecoder()
        var result = Body()
        for end in cuts.filter({ $0 < bytes.count }).sorted() + [bytes.count] {
            let piece = Array(bytes[result.consumed..<end])
            var offset = 0
            loop: while true {
                let event = decoder.next(piece.span, offset: &offset)
                switch event {
                case .data(let range):
                    result.data += piece[range]
                case .incomplete:
                    break loop
                case .end(let trailers):
                    result.trailers = Array(piece[trailers])
                    result.end = event
                    result.consumed += offset
                    return result
                case .failed:
                    result.end = event
                    return result
                }
            }
            result.consumed += offset
        }
        return result
    }

    static var seeds: [[UInt8]] {
        let requests = [
            "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
            "POST /a/../b%2f%41//c?q=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nConnection: close, X-Y\r\nX-Y: z\r\n\r\nhello",
            "GET http://example.com/x HTTP/1.0\r\nConnection: keep-alive\r\nX-Forwarded-For: 192.0.2.1\r\nVia: 1.1 x\r\n\r\n",
            "PUT /x HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nExpect: 100-continue\r\n\r\n",
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nX_U: 1\r\nForwarded: for=1\r\nX-Request-Id: abc\r\n\r\n",
        ]
        let responses = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 404\r\nConnection: keep-alive\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nDate: x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ]
        let bodies = [
            "5\r\nhello\r\n0\r\n\r\n", "A;x=\"y\"\r\n0123456789\r\n0\r\nX-T: v\r\nHost: no\r\n\r\n", "0\r\n\r\n",
            "ffffffffffffffff\r\n", "1 \r\na\r\n00\r\n\r\n", "5\nhello",
        ]
        return requests.map { [0, 20] + Array($0.utf8) } + requests.map { [4, 200] + Array($0.utf8) }
            + responses.map { [1, 9] + Array($0.utf8) } + responses.map { [5, 30] + Array($0.utf8) }
            + bodies.map { [2, 4] + Array($0.utf8) }
    }

    static let words: [[UInt8]] = [
        "\r\n", "\r\n\r\n", "Host: ", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: ", "close",
        "keep-alive", "Upgrade", "websocket", "HTTP/1.1", "HTTP/1.0", "GET ", "POST ", "%2e", "%2F", "/../", "/./",
        "//",
        "http://", "*", "TE: trailers", "Expect: 100-continue", "Via: ", "Forwarded: ", "X-Forwarded-For: ", " 200 ",
        ";",
        ", ", "0\r\n",
    ].map { Array($0.utf8) }
}
