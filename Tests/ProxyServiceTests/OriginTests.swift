import Addresses
import Foundation
import Glibc
import HTTPWire
import TestSupport
import Testing
import TrafficModel

@testable import ProxyService

@Suite("Clients that trusted proxies name", .serialized)
struct OriginTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let fields: [String]
        let origin: String?

        init(_ fields: String..., is origin: String?) {
            self.fields = fields
            self.origin = origin
        }

        var testDescription: String { fields.joined(separator: " | ") }
    }

    private static let cases: [Case] = [
        Case(is: nil), Case("X-Forwarded-For:", is: nil), Case("X-Forwarded-For: 5.5.5.5", is: "5.5.5.5"),
        // What is in front of the client are its own words.
        Case("X-Forwarded-For: 1.1.1.1, 5.5.5.5", is: "5.5.5.5"),
        Case("X-Forwarded-For: 1.1.1.1, 5.5.5.5, 10.0.0.1,10.9.9.9", is: "5.5.5.5"),
        Case("X-Forwarded-For: \", 5.5.5.5 ,, 10.0.0.1", is: "5.5.5.5"),
        Case("X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 5.5.5.5", "X-Forwarded-For: 10.0.0.1", is: "5.5.5.5"),
        Case("X-Forwarded-For: 10.0.0.2, 10.0.0.1", is: "10.0.0.2"),
        // A proxy that hides its client stands for it.
        Case("X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.1", is: "10.0.0.1"),
        Case("X-Forwarded-For: 1.1.1.1, unknown", is: nil), Case("X-Forwarded-For: 1.1.1.1, 5.5.5.5.5", is: nil),
        Case("X-Forwarded-For: 5.5.5.5:1234", is: "5.5.5.5"), Case("X-Forwarded-For: 2001:db8::1", is: "2001:db8::1"),
        Case("X-Forwarded-For: [2001:db8::1]", is: "2001:db8::1"),
        Case("X-Forwarded-For: [2001:db8::1]:80", is: "2001:db8::1"), Case("X-Forwarded-For: [5.5.5.5]", is: nil),
        Case("X-Forwarded-For: [2001:db8::1]x", is: nil), Case("X-Forwarded-For: ::ffff:5.5.5.5", is: "5.5.5.5"),
        Case("X-Forwarded-For: ::ffff:10.0.0.1, ::ffff:10.0.0.2", is: "10.0.0.1"),
        Case("X-Forwarded-For: 5.5.5.5:", is: nil),
        // The other field counts only where this one is missing.
        Case("Forwarded: for=6.6.6.6", "X-Forwarded-For: 5.5.5.5", is: "5.5.5.5"),
        Case("Forwarded: for=5.5.5.5", is: "5.5.5.5"),
        Case("Forwarded: for=1.1.1.1, For=\"5.5.5.5:80\";proto=https;by=10.0.0.1, for=10.0.0.1", is: "5.5.5.5"),
        Case("Forwarded: proto=http;host=\"a,b;for=9.9.9.9\";for=\"[2001:db8::1]:_x\"", is: "2001:db8::1"),
        Case("Forwarded: for=5.5.5.5", "Forwarded: for=10.0.0.1", is: "5.5.5.5"),
        Case("Forwarded: for=5.5.5.5, proto=http", is: nil), Case("Forwarded: for=_hidden", is: nil),
        Case("Forwarded: for=", is: nil), Case("Forwarded: for=\"", is: nil),
        Case("X-Real-IP: 5.5.5.5", is: nil),
    ]

    private static func origin(_ fields: [String]) -> String? {
        let head = RequestHead()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields.map { $0 + "\r\n" }.joined())\r\n".utf8)
        guard head.parse(bytes.span, limits: HeadLimits(bytes: 65_536, fields: 100)) == .complete else { return "?" }
        guard let trusted = IPPrefix("10.0.0.0/8") else { return "?" }
        return head.origin(bytes.span) { trusted.contains($0) }.map { "\($0)" }
    }

    @Test("the last address that is no trusted proxy's is the client's", arguments: cases)
    func origin(_ item: Case) { #expect(Self.origin(item.fields) == item.origin) }

    @Test("so many proxies as there are, and no more than are looked at")
    func hops() {
        let proxies = { [String](repeating: "10.0.0.1", count: $0).joined(separator: ",") }
        #expect(Self.origin(["X-Forwarded-For: 5.5.5.5,\(proxies(63))"]) == "5.5.5.5")
        #expect(Self.origin(["X-Forwarded-For: 5.5.5.5,\(proxies(64))"]) == "10.0.0.1")
    }

    @Test("rates are limited and lines are written by the client that a trusted peer names, and by no other's words")
    func limits() async throws {
        let log = "/tmp/meridian-test-\(UInt64.random(in: .min ... .max))"
        defer { unsafe unlink(log) }
        for isTrusted in [true, false] {
            let intent = TestProxy.intent([]) {
                var route = Route(name: "r", action: .respond(Route.FixedResponse()))
                route.rateLimit = Route.RateLimit(rate: 0.001, burst: 1)
                $0.listeners[0].mode = .http(routes: [route])
                let peers = isTrusted ? "127.0.0.0/8" : "10.0.0.0/8"
                $0.listeners[0].trustedProxies = [IPPrefix(peers)].compactMap { $0 }
            }
            let proxy = try await TestProxy(intent, accessLog: log)
            var statuses: [String] = []
            for client in ["5.5.5.5", "6.6.6.6", "5.5.5.5", "7.7.7.7, 5.5.5.5"] {
                let answer = try await TestClient.exchange(
                    proxy.endpoint, get("/", "X-Forwarded-For: \(client)\r\n"))
                statuses.append(String(answer.dropFirst(9).prefix(3)))
            }
            #expect(statuses == (isTrusted ? ["200", "200", "429", "429"] : ["200", "429", "429", "429"]))
            await proxy.stop()
        }
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 8)
        #expect(lines[1].contains(" client=6.6.6.6 proxy=127.0.0.1:"), "\(lines[1])")
        #expect(lines[3].contains(" client=5.5.5.5 proxy=127.0.0.1:"), "\(lines[3])")
        #expect(lines[4].contains(" client=127.0.0.1:") && !lines[4].contains(" proxy="), "\(lines[4])")
    }
}
