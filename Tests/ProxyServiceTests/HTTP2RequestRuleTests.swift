import Addresses
import Balancing
import ProxyService
import Testing
import TrafficModel

/// RFC 9113 section 8, and what HTTP/1.1 demands too.
@Suite("HTTP/2 from clients: rules for requests", .serialized, .timeLimit(.minutes(5)))
struct HTTP2RequestRuleTests {
    typealias Client = HTTP2TestClient

    private static let protocolError: UInt32 = 1

    struct Malformed: Sendable, CustomTestStringConvertible {
        var name: String
        var fields: [(String, String)]
        var isEnd = true
        var testDescription: String { name }
    }

    static let bad: [Malformed] = [
        .init(name: "an upper-case name", fields: Client.get + [("X-A", "b")]),
        .init(name: "a name with a blank", fields: Client.get + [("a b", "b")]),
        .init(name: "a name with a colon", fields: Client.get + [("a:b", "b")]),
        .init(name: "connection", fields: Client.get + [("connection", "close")]),
        .init(name: "keep-alive", fields: Client.get + [("keep-alive", "1")]),
        .init(name: "proxy-connection", fields: Client.get + [("proxy-connection", "close")]),
        .init(name: "transfer-encoding", fields: Client.get + [("transfer-encoding", "chunked")]),
        .init(name: "upgrade", fields: Client.get + [("upgrade", "websocket")]),
        .init(name: "TE with more than trailers", fields: Client.get + [("te", "gzip")]),
        .init(name: "a value with a line end", fields: Client.get + [("x-a", "b\r\nc: d")]),
        .init(name: "a value with a line feed", fields: Client.get + [("x-a", "b\nc")]),
        .init(name: "a value with NUL", fields: Client.get + [("x-a", "b\0c")]),
        .init(name: "a value that begins with a blank", fields: Client.get + [("x-a", " b")]),
        .init(name: "a value that ends with a tab", fields: Client.get + [("x-a", "b\t")]),
        .init(name: "no method", fields: Array(Client.get.dropFirst())),
        .init(name: "no path", fields: Client.get.filter { $0.0 != ":path" }),
        .init(name: "no scheme", fields: Client.get.filter { $0.0 != ":scheme" }),
        .init(name: "no authority and no host", fields: Client.get.filter { $0.0 != ":authority" }),
        .init(name: "an empty authority", fields: Client.get.filter { $0.0 != ":authority" } + [(":authority", "")]),
        .init(name: "two methods", fields: [(":method", "GET")] + Client.get),
        .init(name: "an unknown pseudo-field", fields: [(":x", "y")] + Client.get),
        .init(name: "a pseudo-field of responses", fields: [(":status", "200")] + Client.get),
        .init(name: "a pseudo-field behind a field", fields: [("x-a", "b")] + Client.get),
        .init(name: "an empty path", fields: Client.get.map { $0.0 == ":path" ? (":path", "") : $0 }),
        .init(name: "an absolute path", fields: Client.get.map { $0.0 == ":path" ? (":path", "http://b/") : $0 }),
        .init(name: "a path without a slash", fields: Client.get.map { $0.0 == ":path" ? (":path", "a") : $0 }),
        .init(
            name: "an asterisk that is not for OPTIONS",
            fields: Client.get.map { $0.0 == ":path" ? (":path", "*") : $0 }),
        .init(
            name: "a path with a request in it",
            fields: Client.get.map { $0.0 == ":path" ? (":path", "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /") : $0 }),
        .init(name: "a path with a blank", fields: Client.get.map { $0.0 == ":path" ? (":path", "/a b") : $0 }),
        .init(name: "a method with a blank", fields: Client.get.map { $0.0 == ":method" ? (":method", "GET /x") : $0 }),
        .init(
            name: "a scheme that is not the web's",
            fields: Client.get.map { $0.0 == ":scheme" ? (":scheme", "ftp") : $0 }),
        .init(name: "an authority and another host", fields: Client.get + [("host", "b")]),
        .init(name: "two hosts", fields: Client.get + [("host", "a"), ("host", "a")]),
        .init(name: "a length, and no body", fields: Client.post([("content-length", "5")])),
        .init(
            name: "CONNECT for another protocol",
            fields: [
                (":method", "CONNECT"), (":protocol", "x"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
            ], isEnd: false),
        .init(name: "a protocol without CONNECT", fields: [(":protocol", "websocket")] + Client.get),
    ]

    @Test("what is malformed reaches no member, and costs its stream only", arguments: bad)
    func malformed(_ item: Malformed) async throws {
        let member = try await TestMember.answering(ok("abc"))
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, item.fields, isEnd: item.isEnd)
        #expect(try await client.end(of: 1).resetCode == Self.protocolError)
        client.request(3)
        #expect(try await client.end(of: 3).text == "abc")
        #expect(member.received.joined().components(of: "HTTP/1.1").count == 2)
        #expect(await proxy.settles { $0.malformed == 1 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a body that is longer or shorter than its length is cut", arguments: ["ab", "abcd"])
    func wrongLength(_ body: String) async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member])
        let client = try await Client(proxy.endpoint)
        client.request(1, Client.post([("content-length", "3")]), isEnd: false)
        client.data(1, Array(body.utf8), isEnd: true)
        #expect(try await client.end(of: 1).resetCode == Self.protocolError)
        #expect(await proxy.settles { $0.aborted == 1 && member.openConnections == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test(
        "what HTTP/1.1 refuses is refused here with the same status",
        arguments: [
            ("/%zz", "GET", "a", "400"), ("/a/../../b", "GET", "a", "400"), ("/", "TRACE", "a", "501"),
            ("/", "GET", "u@a", "400"), ("/#x", "GET", "a", "400"),
        ])
    func refused(_ path: String, _ method: String, _ authority: String, _ status: String) async throws {
        let proxy = try await TestProxy(TestProxy.intent([]))
        let client = try await Client(proxy.endpoint)
        client.request(1, [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)])
        #expect(try await client.end(of: 1).status == status)
        // CONNECT has an authority only.
        client.request(3, [(":method", "CONNECT"), (":authority", "a:443")], isEnd: false)
        #expect(try await client.end(of: 3).status == "501")
        await client.close()
        await proxy.stop()
    }
}
