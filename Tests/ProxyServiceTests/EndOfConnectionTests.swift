import ProxyService
import Testing
import TrafficModel

@Suite("How connections end that were answered early or not understood", .serialized, .timeLimit(.minutes(5)))
struct EndOfConnectionTests {
    /// Read and forgotten behind an early answer.
    private static let most = 1 << 20

    private static let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"

    @Test("behind an early answer a mebibyte at most is read and forgotten, and nobody is waited for without end")
    func discarded() async throws {
        let proxy = try await TestProxy(TestProxy.intent([]) { $0.proxy.limits.bodyBytes = 1000 })
        let greedy = try await TestClient(proxy.endpoint)
        // At once: nothing here depends on how long clients are waited for.
        greedy.post(Array(Self.post.utf8) + [UInt8](repeating: 1, count: 16 * Self.most))
        #expect(await proxy.settles { $0.bytesIn > 0 && $0.openConnections == 0 })
        // Those that brought the head and those that passed the limit are 64 KiB at most.
        #expect(proxy.server.status.bytesIn <= UInt64(Self.most + 2 * 65_536), "\(proxy.server.status.bytesIn)")
        let silent = try await TestClient(proxy.endpoint)
        try await silent.send(Self.post)
        // It ends its side with the answer.
        #expect(try await silent.waitForEnd().hasPrefix("HTTP/1.1 413 "))
        #expect(await proxy.settles { $0.openConnections == 0 })
        for client in [greedy, silent] { await client.close() }
        await proxy.stop()
    }

    @Test("a body that breaks the rules ends both connections: the client's with 400, the member's without an end")
    func brokenRequest() async throws {
        let member = try await TestMember { _, _ in [] }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        #expect(await proxy.settles { _ in member.received.first?.hasSuffix("3\r\nabc\r\n") ?? false })
        try await client.send("zz\r\n")
        let answer = try await client.waitForEnd()
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("Connection: close"), "\(answer)")
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        #expect(!member.received.joined().contains("\r\n0\r\n\r\n"))
        await proxy.stop()
        await member.close()
    }

    @Test("a response that breaks the rules ends the member's connection, which nobody gets again")
    func brokenResponse() async throws {
        let member = try await TestMember { received, connection in
            guard received.contains("\r\n\r\n") else { return [] }
            return [
                .send(connection == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" : ok("abc"))
            ]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        try await client.wait { $0.hasPrefix("HTTP/1.1 502 ") && $0.contains("Request: ") }
        #expect(await proxy.settles { _ in member.openConnections == 0 })
        try await client.send(get())
        #expect(try await client.waitForEnd().hasSuffix("abc"))
        #expect(member.connections == 2)
        await proxy.stop()
        await member.close()
    }
}
