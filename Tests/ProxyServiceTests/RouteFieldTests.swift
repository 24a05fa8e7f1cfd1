import HTTPWire
import Testing

@testable import Balancing
@testable import ProxyService

@Suite("What routes see of fields")
struct RouteFieldTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var value: String?
        var fields: String
        var isTrusted = false
        var isSecure = false
        var subject: String?
        var isFulfilled: Bool

        var testDescription: String { "\(name): \(value ?? "any"), of \(fields.isEmpty ? "nothing" : fields)" }
    }

    private static let subject = "X-Client-Certificate-Subject: CN=a"

    private static let cases: [Case] = [
        // The subject that was verified, or a trusted proxy's word for it.
        .init(name: "x-client-certificate-subject", value: "CN=a", fields: subject, isFulfilled: false),
        .init(name: "x-client-certificate-subject", fields: subject, isFulfilled: false),
        .init(name: "x-client-certificate-subject", value: "CN=a", fields: subject, isTrusted: true, isFulfilled: true),
        .init(name: "x-client-certificate-subject", value: "CN=b", fields: subject, subject: "CN=b", isFulfilled: true),
        .init(
            name: "x-client-certificate-subject", value: "CN=a", fields: subject, isTrusted: true, subject: "CN=b",
            isFulfilled: false),
        .init(
            name: "x-client-certificate-subject", fields: subject, isTrusted: true, subject: "", isFulfilled: false),
        .init(name: "x-client-certificate-subject", value: "CN=b", fields: "", subject: "CN=b", isFulfilled: true),
        // What is written about the client.
        .init(name: "x-forwarded-proto", value: "https", fields: "X-Forwarded-Proto: https", isFulfilled: false),
        .init(name: "x-forwarded-proto", value: "http", fields: "X-Forwarded-Proto: https", isFulfilled: true),
        .init(name: "x-forwarded-proto", value: "https", fields: "", isSecure: true, isFulfilled: true),
        .init(
            name: "x-forwarded-proto", value: "https", fields: "X-Forwarded-Proto: https", isTrusted: true,
            isFulfilled: true),
        .init(name: "x-forwarded-for", value: "1.1.1.1", fields: "X-Forwarded-For: 1.1.1.1", isFulfilled: false),
        .init(name: "x-forwarded-for", value: "192.0.2.7", fields: "X-Forwarded-For: 1.1.1.1", isFulfilled: true),
        .init(
            name: "x-forwarded-for", value: "1.1.1.1, 192.0.2.7", fields: "X-Forwarded-For: 1.1.1.1", isTrusted: true,
            isFulfilled: true),
        .init(name: "x-forwarded-host", value: "o", fields: "X-Forwarded-Host: o", isFulfilled: false),
        .init(name: "x-forwarded-host", value: "h", fields: "X-Forwarded-Host: o", isFulfilled: true),
        .init(name: "x-forwarded-host", value: "o", fields: "X-Forwarded-Host: o", isTrusted: true, isFulfilled: true),
        .init(name: "forwarded", value: "for=1.1.1.1", fields: "Forwarded: for=1.1.1.1", isFulfilled: false),
        .init(name: "x-request-id", value: "abc", fields: "X-Request-Id: abc", isFulfilled: false),
        .init(name: "x-request-id", value: "abc", fields: "X-Request-Id: abc", isTrusted: true, isFulfilled: true),
        .init(name: "x-real-ip", fields: "X-Real-IP: 1.1.1.1", isFulfilled: false),
        .init(name: "x-real-ip", fields: "X-Real-IP: 1.1.1.1", isTrusted: true, isFulfilled: true),
        .init(name: "x-forwarded-prefix", fields: "X-Forwarded-Prefix: /a", isFulfilled: false),
        .init(name: "x-forwarded-prefix", fields: "X-Forwarded-Prefix: /a", isTrusted: true, isFulfilled: true),
        // What goes no further, and what is written anew.
        .init(name: "x-a", fields: "X-A: 1\r\nConnection: x-a", isFulfilled: false),
        .init(name: "x_a", fields: "X_A: 1", isFulfilled: false),
        .init(name: "proxy-authorization", fields: "Proxy-Authorization: x", isFulfilled: false),
        .init(name: "upgrade", value: "websocket", fields: "Upgrade: h2c\r\nConnection: upgrade", isFulfilled: false),
        .init(name: "te", value: "trailers", fields: "TE: trailers\r\nConnection: te", isFulfilled: true),
        .init(name: "host", value: "h", fields: "", isFulfilled: true),
        // Everything else.
        .init(name: "x-a", value: "1", fields: "X-A:  1 ", isFulfilled: true),
        .init(name: "x-a", value: "2", fields: "X-A: 1\r\nx-a: 2", isFulfilled: true),
        .init(name: "x-a", value: "12", fields: "X-A: 1\r\nx-a: 2", isFulfilled: false),
        .init(name: "content-type", value: "t", fields: "Content-Type: t", isFulfilled: true),
    ]

    @Test("a route sees what its member will see, never the words of who is not believed", arguments: cases)
    func conditions(_ example: Case) {
        let head = RequestHead()
        let fields = example.fields.isEmpty ? "" : example.fields + "\r\n"
        let bytes = Array("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n".utf8)
        #expect(head.parse(bytes.span, limits: HeadLimits()) == .complete)
        let forwarding = Forwarding(
            client: Array("192.0.2.7".utf8), isSecure: example.isSecure, isTrusted: example.isTrusted,
            certificateSubject: example.subject.map { Array($0.utf8) })
        let condition = FieldCondition(
            name: Array(example.name.utf8), value: example.value.map { Array($0.utf8) })
        let isFulfilled = head.fulfils(condition, bytes.span, forwarding)
        #expect(isFulfilled == example.isFulfilled)
    }
}
