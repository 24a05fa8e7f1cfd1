import HTTPWire
import Testing

@Suite("Heads that are sent on")
struct ForwardingTests {
    @Test("a request is written anew with what is the proxy's to say")
    func request() {
        let source =
            "GET /a%2fb?c HTTP/1.1\r\nhost: h:8\r\nX-A:  1 \r\nConnection: close, x-b\r\nX-B: 2\r\nTE: trailers\r\n"
            + "Proxy-Authorization: x\r\nUpgrade: h2c\r\nCookie: c\r\n\r\n"
        #expect(
            forwarded(source)
                == "GET /a%2fb?c HTTP/1.1\r\nHost: h:8\r\nX-A: 1\r\nCookie: c\r\nTE: trailers\r\n"
                + "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h:8\r\n"
                + "Forwarded: for=192.0.2.7;host=\"h:8\";proto=http\r\n"
                + "X-Request-Id: 00000000000000010000000000000002\r\n\r\n")
    }

    @Test("a trusted client's words are continued, anyone else's replaced")
    func trust() {
        let source =
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"
            + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: o\r\nForwarded: for=1.1.1.1\r\nX-Request-Id: abc\r\n\r\n"
        let client = Array("2001:db8::7".utf8)
        let trusted = forwarded(source, Forwarding(client: client, isSecure: true, isTrusted: true))
        #expect(trusted.contains("\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 2001:db8::7\r\n"))
        #expect(trusted.contains("\r\nX-Forwarded-Proto: https\r\n") && trusted.contains("\r\nX-Forwarded-Host: o\r\n"))
        #expect(trusted.contains("Forwarded: for=1.1.1.1, for=\"[2001:db8::7]\";host=\"h\";proto=https\r\n"))
        #expect(trusted.contains("\r\nX-Request-Id: abc\r\n"))
        let other = forwarded(source, Forwarding(client: client, isSecure: false))
        #expect(!other.contains("1.1.1.1") && !other.contains("abc") && !other.contains("https"))
        #expect(other.contains("\r\nX-Forwarded-For: 2001:db8::7\r\n"))
    }

    @Test("nothing of what proxies tell one another passes from who is none, however it is written")
    func forgedIdentity() {
        let source =
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: forged\r\nx-forwarded-ssl: forged\r\nX-Forwarded-Scheme: forged\r\n"
            + "X-Forwarded-Server: forged\r\nX-Forwarded: forged\r\nX-Forwarded-Port: forged\r\nX-Forwardedness: mine\r\n"
            + "X-Forward: mine\r\nX_Forwarded_For: 9.9.9.9\r\nx_client_certificate_subject: CN=forged\r\n"
            + "X-Client_Certificate-Subject: CN=forged\r\nX_Real-IP: 9.9.9.9\r\nX_Forwarded_Prefix: forged\r\n"
            + "X_Request_Id: forged\r\nX_Forwarded_\(String(repeating: "a", count: 70)): forged\r\n"
            + "user_id: mine\r\nX_Forwardedness: mine\r\n\r\n"
        let kept = HeadLimits(underscores: .keep)
        let other = forwarded(source, limits: kept)
        #expect(!other.contains("forged") && !other.contains("9.9.9.9"), "\(other)")
        for field in ["X-Forwardedness", "X-Forward", "user_id", "X_Forwardedness"] {
            #expect(other.contains("\r\n\(field): mine\r\n"), "\(field)")
        }
        let trusted = forwarded(
            source, Forwarding(client: Array("192.0.2.7".utf8), isSecure: false, isTrusted: true), limits: kept)
        #expect(trusted.contains("\r\nX-Forwarded-Prefix: forged\r\n"))
        #expect(
            trusted.contains("\r\nx-forwarded-ssl: forged\r\n") && trusted.contains("\r\nX-Forwarded-Port: forged\r\n"))
        // No proxy writes them so.
        #expect(!trusted.contains("9.9.9.9") && !trusted.contains("CN=forged"), "\(trusted)")
    }

    @Test(
        "a certificate that was shown leaves no room for the client's words",
        arguments: [
            (nil, true, "CN=said"), (nil, false, nil), (Array("CN=shown".utf8), true, "CN=shown"),
            (Array("CN=shown".utf8), false, "CN=shown"), ([], true, nil), ([], false, nil),
        ] as [([UInt8]?, Bool, String?)])
    func certificateSubject(_ subject: [UInt8]?, _ isTrusted: Bool, _ expected: String?) {
        let text = forwarded(
            "GET / HTTP/1.1\r\nHost: h\r\nX-Client-Certificate-Subject: CN=said\r\n\r\n",
            Forwarding(
                client: Array("192.0.2.7".utf8), isSecure: true, isTrusted: isTrusted, certificateSubject: subject))
        let lines = text.split(separator: "\r\n").filter { $0.hasPrefix("X-Client-Certificate-Subject") }
        #expect(lines.map { String($0) } == (expected.map { ["X-Client-Certificate-Subject: \($0)"] } ?? []))
    }

    @Test(
        "what Connection names is dropped, but never what the message or its member needs",
        arguments: ["Host", "Content-Length", "Authorization", "Cookie", "X-Forwarded-For", "Content-Type"])
    func protected(_ name: String) {
        let source =
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nAuthorization: a\r\nCookie: c\r\nContent-Type: t\r\n"
            + "X-Gone: g\r\nConnection: \(name), x-gone\r\n\r\n"
        let text = forwarded(source)
        #expect(text.contains("\r\n\(name): ") && !text.contains("X-Gone"))
    }

    @Test(
        "targets are forwarded in origin form",
        arguments: [
            ("GET http://x:1/p?q HTTP/1.1\r\nHost: y\r\n\r\n", "GET /p?q HTTP/1.1\r\nHost: x:1\r\n"),
            ("GET http://x?q HTTP/1.1\r\nHost: y\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: x\r\n"),
            ("OPTIONS * HTTP/1.1\r\nHost: y\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: y\r\n"),
            ("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: vip:80\r\n"),
        ])
    func targets(_ source: String, _ start: String) {
        #expect(forwarded(source).hasPrefix(start))
    }

    @Test("Via is added under a pseudonym, and one's own is a loop")
    func via() {
        let forwarding = Forwarding(client: Array("1.2.3.4".utf8), isSecure: false, via: Array("edge".utf8))
        let source = "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 a, 1.1 EDGE (x)\r\n\r\n"
        #expect(forwarded(source, forwarding).contains("\r\nVia: 1.0 a, 1.1 EDGE (x), 1.1 edge\r\n"))
        let head = parseRequest(source).1
        let bytes = Array(source.utf8)
        let loops = head.loops(bytes.span, via: Array("edge".utf8))
        let others = head.loops(bytes.span, via: Array("edg".utf8))
        #expect(loops && !others)
    }

    @Test("a response is written anew: framing and connection are the proxy's")
    func response() {
        let source =
            "HTTP/1.0 200 Fine\r\nConnection: x-h\r\nX-H: 1\r\nKeep-Alive: 5\r\nUpgrade: x\r\nContent-Length: 3\r\n"
            + "Set-Cookie: a_b=1\r\nA_b: 2\r\n\r\n"
        #expect(
            delivered(source, connection: .close, date: "D", via: "edge")
                == "HTTP/1.1 200 Fine\r\nSet-Cookie: a_b=1\r\nA_b: 2\r\nDate: D\r\nVia: 1.0 edge\r\n"
                + "Content-Length: 3\r\nConnection: close\r\n\r\n")
        #expect(
            delivered("HTTP/1.1 204 \r\nDate: X\r\nContent-Length: 0\r\n\r\n", date: "D")
                == "HTTP/1.1 204 \r\nDate: X\r\n\r\n")
        #expect(
            delivered("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n")
                == "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    @Test(
        "bodies of responses are framed by method and status",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method.get, BodyFraming.length(5)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .get, .length(5)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .head, .none),
            ("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", .get, .none),
            ("HTTP/1.1 204 X\r\n\r\n", .get, .none), ("HTTP/1.1 100 X\r\n\r\n", .get, .none),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", .post, .chunked),
            ("HTTP/1.1 200 OK\r\n\r\n", .get, .untilClose),
        ])
    func responseFraming(_ source: String, _ method: Method, _ framing: BodyFraming) {
        let (result, head) = parseResponse(source, method: method)
        #expect(result == .complete && head.framing == framing)
        for count in 0..<source.utf8.count {
            let prefix = String(decoding: Array(source.utf8)[..<count], as: UTF8.self)
            #expect(parseResponse(prefix, method: method).0 == .incomplete, "\(count)")
        }
    }

    @Test(
        "paths are matched in one form",
        arguments: [
            ("/", "/"), ("", "/"), ("/a/b", "/a/b"), ("//a///b", "/a/b"), ("/a/./b/.", "/a/b/"), ("/a/../b", "/b"),
            ("/a/b/..", "/a/"), ("/a/b/../", "/a/"), ("/%61%2e%2E/x", "/a../x"), ("/a/%2e%2E/b", "/b"),
            ("/a%2fb%5c", "/a%2Fb%5C"), ("/a%252e", "/a%252e"), ("/a;x/..;/b", "/a;x/..;/b"), ("/...", "/..."),
            ("/a/", "/a/"), ("/%7e", "/~"),
        ])
    func normalisation(_ path: String, _ expected: String) {
        var output: [UInt8] = []
        let input = Array(path.utf8)
        let fits = PathNormaliser.append(input.span, to: &output)
        #expect(fits)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test("a path that climbs above its root has no normal form", arguments: ["/..", "/../a", "/a/../..", "/%2e%2e/a"])
    func climbing(_ path: String) {
        var output: [UInt8] = []
        let input = Array(path.utf8)
        let fits = PathNormaliser.append(input.span, to: &output)
        #expect(!fits)
    }

    @Test("the client's codec reads a response however it is split")
    func client() {
        let source = Array(
            ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").utf8)
        for split in 0...source.count {
            var response = ClientResponse(bodyLimit: 4)
            response.receive(source[..<split])
            response.receive(source[split...])
            #expect(response.progress == .complete && response.status == 200 && response.body == Array("abcd".utf8))
            #expect(response.bodyCount == 5 && response.field("x-a") == "b" && response.keepsAlive)
        }
        var closed = ClientResponse()
        closed.receive(Array("HTTP/1.1 200 OK\r\n\r\nabc".utf8))
        #expect(closed.inputClosed() == .complete && closed.body == Array("abc".utf8))
        var short = ClientResponse()
        short.receive(Array("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc".utf8))
        #expect(short.inputClosed() == .failed(.badStatusLine))
    }
}
