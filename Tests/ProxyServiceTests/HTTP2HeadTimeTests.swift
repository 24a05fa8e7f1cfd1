import Foundation
import ProxyService
import TestSupport
import Testing
import TrafficModel

@Suite("HTTP/2 from clients: heads that do not come, and what is told of them", .serialized, .timeLimit(.minutes(5)))
struct HTTP2HeadTimeTests {
    typealias Client = HTTP2TestClient

    struct Part: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        /// It is a request's.
        var isHead = true
        var testDescription: String { name }
    }

    private static let head = Client.frame(.headers, flags: 1, stream: 3, Client.block(Client.get))

    static let parts = [
        Part(name: "a part of HEADERS", bytes: Array(head.dropLast(5))),
        Part(name: "HEADERS without an end", bytes: head),
        Part(
            name: "a part of CONTINUATION",
            bytes: head + Client.frame(.continuation, flags: 4, stream: 3, Client.block([("x-a", "b")])).dropLast()),
        Part(
            name: "a part of PING", bytes: Array(Client.frame(.ping, [UInt8](repeating: 0, count: 8)).dropLast()),
            isHead: false),
        Part(name: "a part of what may be anything", bytes: [0, 0], isHead: false),
    ]

    private func lines(_ path: String) -> [String] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    private func withLog(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString).log").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test(
        "a head has its time, however it trickles in and whatever else is on the connection", arguments: parts,
        [false, true])
    func late(_ part: Part, isBusy: Bool) async throws {
        let member = try await TestMember { _, _ in [] }
        try await withLog { log in
            let intent = TestProxy.intent([member.endpoint]) { $0.proxy.limits.headTimeout = .milliseconds(300) }
            let proxy = try await TestProxy(intent, accessLog: log)
            let client = try await Client(proxy.endpoint)
            if isBusy {
                client.request(1)
                #expect(await proxy.settles { _ in member.received.count == 1 })
            }
            // What it is, and the rest byte by byte.
            client.connection.post(Array(part.bytes.prefix(9)))
            for byte in part.bytes.dropFirst(9) {
                try await Task.sleep(for: .milliseconds(1))
                client.connection.post([byte])
            }
            #expect(try await client.goAwayCode() == 11)
            #expect(await proxy.settles { $0.openConnections == 0 && $0.timeouts == 1 })
            let status = proxy.server.status
            #expect(status.requests == (part.isHead ? 1 : 0) + (isBusy ? 1 : 0))
            #expect(status.clientErrors == (part.isHead ? 1 : 0) && status.aborted == (isBusy ? 1 : 0))
            await proxy.stop()
            #expect(lines(log).count { $0.contains(" status=408 ") } == (part.isHead ? 1 : 0), "\(lines(log))")
        }
        await member.close()
    }

    @Test("heads that come in their time, one behind another, are none too late")
    func inTime() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let limit = Duration.seconds(3)
        let proxy = try await TestProxy([member]) { $0.proxy.limits.headTimeout = limit }
        func request(_ number: UInt32) -> [UInt8] {
            Client.frame(.headers, flags: 5, stream: 2 * number + 1, Client.block(Client.get))
        }
        var longest = limit
        // Again where the machine was so busy that one of them did come too late.
        while longest >= limit {
            let timeouts = proxy.server.status.timeouts
            let client = try await Client(proxy.endpoint)
            longest = .zero
            var began = ContinuousClock.now
            client.connection.post(Array(request(0).dropLast(9)))
            for number: UInt32 in 0..<12 {
                try await Task.sleep(for: .milliseconds(300))
                // The end of one together with the beginning of the next: something is always unfinished.
                let next = ContinuousClock.now
                client.connection.post(Array(request(number).suffix(9) + request(number + 1).dropLast(9)))
                let isServed = await Patience.lasts {
                    client.response(2 * number + 1).text == "abc" || client.connection.isClosed
                }
                longest = max(longest, ContinuousClock.now - began)
                began = next
                guard longest < limit else { break }
                #expect(isServed && client.response(2 * number + 1).text == "abc")
            }
            if longest < limit { #expect(proxy.server.status.timeouts == timeouts) }
            await client.close()
        }
        await proxy.stop()
        await member.close()
    }

    @Test("a malformed request counts, and has its line, as over HTTP/1.1")
    func malformed() async throws {
        try await withLog { log in
            let proxy = try await TestProxy(TestProxy.intent([]), accessLog: log)
            let client = try await Client(proxy.endpoint)
            for number: UInt32 in 0..<10 {
                // What the session finds, and what only the translation does.
                client.request(4 * number + 1, Client.get + [("connection", "x")])
                client.request(4 * number + 3, Client.get + [("host", "b")])
            }
            #expect(try await client.end(of: 39).resetCode == 1)
            #expect(await proxy.settles { $0.requests == 20 && $0.malformed == 20 && $0.clientErrors == 20 })
            await client.close()
            await proxy.stop()
            let all = lines(log)
            #expect(all.count == 20 && all.allSatisfy { $0.contains(" status=400 ") && $0.contains(" listener=web ") })
        }
    }
}
