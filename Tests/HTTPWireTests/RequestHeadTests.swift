import HTTPWire
import TestSupport
import Testing

struct BadHead: Sendable, CustomTestStringConvertible {
    var head: String
    var error: HeadError
    init(_ head: String, _ error: HeadError) {
        self.head = head
        self.error = error
    }
    var testDescription: String { head.debugDescription }
}

private func fields(_ lines: String...) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

@Suite("Request heads, RFC 9112")
struct RequestHeadTests {
    @Test("ranges name the parts of the request")
    func parts() {
        let source = "GET /a/b?x=1&y=%zz HTTP/1.1\r\nHost: Example.com:8080\r\nX-A:\t v v \t\r\nEmpty:\r\n\r\nrest"
        let (result, head) = parseRequest(source)
        #expect(result == .complete)
        #expect(head.method == .get)
        #expect(text(source, head.methodRange) == "GET")
        #expect(text(source, head.target) == "/a/b?x=1&y=%zz")
        #expect(text(source, head.path) == "/a/b")
        #expect(text(source, head.query) == "?x=1&y=%zz")
        #expect(text(source, head.authority.text) == "Example.com:8080")
        #expect(text(source, head.authority.host) == "Example.com")
        #expect(head.authority.port == 8080)
        #expect(head.isPathNormal && head.keepsAlive && head.minorVersion == 1 && head.framing == .none)
        #expect(head.fields.count == 3)
        #expect(text(source, head.fields[1].nameRange) == "X-A")
        #expect(text(source, head.fields[1].value) == "v v")
        #expect(head.fields[2].value.isEmpty)
        #expect(head.byteCount == source.utf8.count - 4)
    }

    @Test(
        "what is not a good head is refused with its reason",
        arguments: [
            BadHead("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
            BadHead("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
            BadHead("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
            BadHead("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", .bareCarriageReturn),
            BadHead("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
            BadHead("GET / HTTP/1.1\r\nHost: a\r\n\rX", .bareCarriageReturn),
            BadHead("\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            BadHead("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
            BadHead("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            BadHead(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            BadHead("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            BadHead("\u{16}\u{3}\u{1}", .badMethod),
            BadHead(String(repeating: "A", count: 65), .methodTooLong),
            BadHead("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
            BadHead("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
            BadHead("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET /\r\n", .badRequestLine),
            BadHead("GET /\n", .badRequestLine),
            BadHead("GET \r\n", .badRequestLine),
            BadHead("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .fragmentInTarget),
            BadHead("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
            BadHead("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
            BadHead("GET /a% HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
            BadHead("GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
            BadHead("GET /a%4?x HTTP/1.1\r\nHost: a\r\n\r\n", .badPercentEncoding),
            BadHead("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", .nulInPath),
            BadHead("GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n", .userInfoInTarget),
            BadHead("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .badHost),
            BadHead("GET http://:80/x HTTP/1.1\r\nHost: a\r\n\r\n", .badHost),
            BadHead("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotOffered),
            BadHead("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", .methodNotOffered),
            BadHead("GET / HTTP/2.0\r\n\r\n", .unsupportedVersion),
            BadHead("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
            BadHead("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
            BadHead("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
            BadHead("GET / HTTP/11\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET / http/1.1\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET / ICY/1.1\r\nHost: a\r\n\r\n", .badVersion),
            BadHead("GET / HTTP/1.1\r\n\r\n", .missingHost),
            BadHead("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", .repeatedHost),
            BadHead("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 262))\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::::]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: []\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [:]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8:9]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7::8]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [12345::]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1:]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1:]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [:1::]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1.2.3]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1.2.3.256]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1.2.3.04]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [::1.2.3.4:5]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: ä\r\n\r\n", .badHost),
            BadHead("GET / HTTP/1.1\r\nHost: a%00\r\n\r\n", .badHost),
            BadHead("GET http://a/ HTTP/1.1\r\nHost: b b\r\n\r\n", .badHost),
            BadHead(fields("X: a\r\n b"), .foldedField),
            BadHead(fields("X: a\r\n\tb"), .foldedField),
            BadHead("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .foldedField),
            BadHead(fields("X : a"), .badFieldName),
            BadHead(fields("X\t: a"), .badFieldName),
            BadHead(fields(": a"), .badFieldName),
            BadHead(fields("X"), .badFieldName),
            BadHead(fields("X y: a"), .badFieldName),
            BadHead(fields("X\u{0}: a"), .badFieldName),
            BadHead(fields("Ä: a"), .badFieldName),
            BadHead(fields("X: a\u{0}b"), .badFieldValue),
            BadHead(fields("X: a\u{7f}b"), .badFieldValue),
            BadHead(fields("X: a\u{1}"), .badFieldValue),
            BadHead(fields("X: 12345678901234567\u{b}"), .badFieldValue),
            BadHead(fields("Expect: 200-ok"), .unknownExpectation),
            BadHead(fields("Connection: a b"), .badConnection),
            BadHead(fields("Connection: " + (0..<17).map { "n\($0)" }.joined(separator: ",")), .badConnection),
        ])
    func refused(_ bad: BadHead) {
        let (result, _) = parseRequest(bad.head)
        #expect(result == .failed(bad.error))
    }

    @Test(
        "framing that leaves room for two readings is refused",
        arguments: [
            BadHead(fields("Content-Length: 5", "Transfer-Encoding: chunked"), .lengthAndTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked", "Content-Length: 0"), .lengthAndTransferEncoding),
            BadHead(fields("Content-Length: 5", "Content-Length: 6"), .repeatedContentLength),
            BadHead(fields("Content-Length: 5", "Content-Length: 5"), .repeatedContentLength),
            BadHead(fields("Content-Length: 5, 5"), .badContentLength),
            BadHead(fields("Content-Length:"), .badContentLength),
            BadHead(fields("Content-Length: +5"), .badContentLength),
            BadHead(fields("Content-Length: -5"), .badContentLength),
            BadHead(fields("Content-Length: 0x5"), .badContentLength),
            BadHead(fields("Content-Length: 1_0"), .badContentLength),
            BadHead(fields("Content-Length: 5 a"), .badContentLength),
            BadHead(fields("Content-Length: 5;"), .badContentLength),
            BadHead(fields("Content-Length: ٥"), .badContentLength),
            BadHead(fields("Content-Length: 9223372036854775808"), .contentLengthTooLarge),
            BadHead(fields("Content-Length: 18446744073709551617"), .contentLengthTooLarge),
            BadHead(fields("Content-Length: 99999999999999999999999999"), .contentLengthTooLarge),
            BadHead(fields("Content-Length : 5"), .badFieldName),
            BadHead(fields("Transfer-Encoding : chunked"), .badFieldName),
            BadHead(fields("Transfer-Encoding:\r\n chunked"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), .repeatedTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked", "Transfer-Encoding: x"), .repeatedTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked, chunked"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding:"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: ,"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked,"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: \"chunked\""), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked;q=1"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: \u{a0}chunked"), .badTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked\u{b}"), .badFieldValue),
            BadHead(fields("Transfer-Encoding: chunked\u{c}"), .badFieldValue),
            BadHead(fields("Transfer-Encoding: chunked\u{0}"), .badFieldValue),
            BadHead(fields("Transfer-Encoding: gzip, chunked"), .unknownTransferEncoding),
            BadHead(fields("Transfer-Encoding: chunked, gzip"), .unknownTransferEncoding),
            BadHead(fields("Transfer-Encoding: xchunked"), .unknownTransferEncoding),
            BadHead(fields("Transfer-Encoding: identity"), .unknownTransferEncoding),
            BadHead("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInOldVersion),
        ])
    func ambiguousFraming(_ bad: BadHead) {
        let (result, _) = parseRequest(bad.head)
        #expect(result == .failed(bad.error))
    }

    @Test(
        "bodies are framed by what is said",
        arguments: [
            ("", BodyFraming.none),
            ("Content-Length: 0\r\n", .length(0)),
            ("content-length:5\r\n", .length(5)),
            ("Content-Length: 0005 \t\r\n", .length(5)),
            ("Content-Length: 9223372036854775807\r\n", .length(Int.max)),
            ("TRANSFER-encoding:\tChunked\r\n", .chunked),
        ])
    func framing(_ lines: String, _ framing: BodyFraming) {
        let (result, head) = parseRequest("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
        #expect(result == .complete)
        #expect(head.framing == framing)
    }

    @Test(
        "the connection is kept as the version and the client say",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
            ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false),
        ])
    func persistence(_ source: String, _ keeps: Bool) {
        let (result, head) = parseRequest(source)
        #expect(result == .complete)
        #expect(head.keepsAlive == keeps)
    }

    @Test(
        "the host is read from the target before the field",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a.b-c_d\r\n\r\n", "a.b-c_d", nil),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "", nil),
            ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "a", nil),
            ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", "[2001:db8::1]", UInt16(443)),
            ("GET / HTTP/1.1\r\nHost: [::]:1\r\n\r\n", "[::]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [1::]:1\r\n\r\n", "[1::]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8]:1\r\n\r\n", "[1:2:3:4:5:6:7:8]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7::]:1\r\n\r\n", "[1:2:3:4:5:6:7::]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [::2:3:4:5:6:7:8]:1\r\n\r\n", "[::2:3:4:5:6:7:8]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:1\r\n\r\n", "[::ffff:1.2.3.4]", UInt16(1)),
            ("GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:0.0.0.255]:1\r\n\r\n", "[1:2:3:4:5:6:0.0.0.255]", UInt16(1)),
            ("GET / HTTP/1.0\r\n\r\n", "", nil),
            ("GET http://x:1/p?q HTTP/1.1\r\nHost: y\r\n\r\n", "x", UInt16(1)),
            ("GET HTTPS://x HTTP/1.1\r\nHost: y\r\n\r\n", "x", nil),
            ("GET http://x?q HTTP/1.1\r\nHost: y\r\n\r\n", "x", nil),
        ] as [(String, String, UInt16?)])
    func host(_ source: String, _ host: String, _ port: UInt16?) {
        let (result, head) = parseRequest(source)
        #expect(result == .complete)
        #expect(text(source, head.authority.host) == host)
        #expect(head.authority.port == port)
    }

    @Test("one empty line before the request is passed over, and OPTIONS may ask of the server")
    func tolerated() {
        let source = "\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
        let (result, head) = parseRequest(source)
        #expect(result == .complete)
        #expect(head.form == .asterisk)
        #expect(head.byteCount == source.utf8.count)
    }

    @Test("every prefix of a good head is incomplete and none is wrong; more bytes do not change the head")
    func truncation() {
        let source =
            "\r\nPOST http://h:8/%7Ea/../b?c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: x-y\r\n"
            + "X-Y: 1\r\nX-Long: \t0123456789\t0123456789 \r\nTE: trailers\r\nUpgrade: websocket\r\n\r\n"
        let bytes = Array(source.utf8)
        for count in 0..<bytes.count {
            let result = RequestHead().parse(Array(bytes[..<count]).span, limits: HeadLimits())
            #expect(result == .incomplete, "\(count)")
        }
        let head = RequestHead()
        let twice = bytes + bytes
        let result = head.parse(twice.span, limits: HeadLimits())
        #expect(result == .complete)
        #expect(head.byteCount == bytes.count)
    }

    @Test("limits hold at n and not at n + 1")
    func limits() {
        let source = "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"
        let count = source.utf8.count
        #expect(parseRequest(source, HeadLimits(bytes: count)).0 == .complete)
        #expect(parseRequest(source, HeadLimits(bytes: count - 1)).0 == .failed(.headTooLarge))
        #expect(parseRequest(source, HeadLimits(fields: 2)).0 == .complete)
        #expect(parseRequest(source, HeadLimits(fields: 1)).0 == .failed(.tooManyFields))
        let long = "GET /" + String(repeating: "a", count: 70)
        #expect(parseRequest(long, HeadLimits(bytes: 64)).0 == .failed(.targetTooLong))
        #expect(parseRequest(long, HeadLimits(bytes: 128)).0 == .incomplete)
        #expect(HeadLimits(bytes: 1 << 30, fields: 1 << 30) == HeadLimits(bytes: 60_000, fields: 256))
    }

    @Test("the largest head with the most fields is parsed")
    func largest() {
        let lines = (0..<255).map { "X-\($0): \(String(repeating: "v", count: 200))\r\n" }.joined()
        let source = "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n"
        let (result, head) = parseRequest(source, HeadLimits(bytes: 60_000, fields: 256))
        #expect(result == .complete)
        #expect(head.fields.count == 256)
        #expect(text(source, head.fields[255].nameRange) == "X-254")
    }

    @Test("random damage never traps, and what is accepted is a head with its end in the bytes")
    func mutation() {
        let source = Array(
            ("POST /a%20b/../c?d=e HTTP/1.1\r\nHost: example.com:80\r\nContent-Length: 12\r\nX-Test: a, b;c=\"d\"\r\n"
                + "Connection: keep-alive, x-test\r\nExpect: 100-continue\r\n\r\n").utf8)
        var random = SplitMix64(seed: 0x5eed)
        let head = RequestHead()
        let interesting: [UInt8] = [0, 9, 10, 13, 32, 35, 37, 44, 58, 64, 92, 127, 128, 255]
        for _ in 0..<20_000 {
            var bytes = source
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[index] = interesting.randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: index)
                default: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: index)
                }
            }
            guard head.parse(bytes.span, limits: HeadLimits()) == .complete else { continue }
            #expect(head.byteCount <= bytes.count)
            #expect(bytes[head.byteCount - 2] == 13 && bytes[head.byteCount - 1] == 10)
            #expect(!bytes[..<head.byteCount].contains(0))
            #expect(!bytes[head.target.range].contains(32))
        }
    }
}
