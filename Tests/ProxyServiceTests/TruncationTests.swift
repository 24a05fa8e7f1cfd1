import Balancing
import ProxyService
import TestSupport
import Testing
import TrafficModel

@Suite("TLS whose bytes end without a word are cut off", .serialized, .timeLimit(.minutes(2)))
struct TruncationTests {
    enum Framing: String, CaseIterable, Sendable { case close, length, chunked }

    private static func response(_ framing: Framing) -> String {
        switch framing {
        case .close: "HTTP/1.1 200 OK\r\n\r\nabc"
        case .length: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
        case .chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        }
    }

    /// A member that ends what it says once it is told that the client has it.
    private static func member(_ certificate: Certificate, _ framing: Framing, isCut: Bool) async throws -> TestMember {
        try await TestMember(tls: certificate) { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(response(framing))] + [isCut ? .cut : .close] : []
        }
    }

    @Test(
        "only a body that has no other end needs one that is told (RFC 9112 section 9.8)",
        arguments: Framing.allCases, [true, false])
    func response(_ framing: Framing, isCut: Bool) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let member = try await Self.member(files.certificates[0], framing, isCut: isCut)
        let proxy = try await TestProxy([member]) { TestProxy.secureMembers(&$0, files.certificates[0]) }
        let isWhole = framing != .close || !isCut

        let answer = try await TestClient.exchange(proxy.endpoint, get())
        #expect(isWhole == (answer.hasSuffix("abc") || answer.hasSuffix("3\r\nabc\r\n0\r\n\r\n")), "\(answer)")

        let old = try await TestClient(proxy.endpoint)
        try await old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        #expect(await Patience.lasts { old.isClosed })
        let isGood = old.received.hasPrefix("HTTP/1.1 200 ") && old.received.hasSuffix("abc") && !old.wasReset
        #expect(isGood == isWhole, "\(old.received)")

        let client = try await HTTP2TestClient(proxy.endpoint)
        client.request(1)
        #expect(
            await Patience.lasts {
                let response = client.response(1)
                return response.isEnd || response.resetCode != nil
            })
        let stream = client.response(1)
        #expect((stream.isEnd && stream.status == "200") == isWhole, "\(stream)")
        if isWhole { #expect(stream.text == "abc") }
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a side that ends behind the other's end does so in order, in TLS too", arguments: [true, false])
    func ends(clientFirst: Bool) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let certificate = files.certificates[0]
        let member = try await TestMember(tls: clientFirst ? certificate : nil) { received, _ in
            if clientFirst { return received.hasSuffix("<FIN>") ? [.send("got:" + received), .close] : [] }
            return received == "x" ? [.send("part"), .closeOutput] : []
        }
        let proxy = try await TestProxy([member]) {
            $0.listeners[0].mode = .tcp(upstream: 0)
            if clientFirst {
                TestProxy.secureMembers(&$0, certificate)
            } else {
                $0.certificates = [certificate]
                $0.listeners[0].tls = Listener.TLS(certificates: [0])
            }
        }
        let client =
            clientFirst
            ? try await TestClient(proxy.endpoint)
            : try await TestClient(proxy.endpoint, tls: "a.example", authority: certificate.chainPath)
        try await client.send("x")
        if clientFirst { try await client.closeOutput() }
        #expect(try await client.waitForEnd() == (clientFirst ? "got:x<FIN>" : "part"))
        await client.close()
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        #expect(!client.wasReset && !member.wasReset && proxy.server.status.aborted == 0)
        await proxy.stop()
        await member.close()
    }

    @Test("a tunnel's cut comes out as a reset, an end as an end", arguments: [true, false], [true, false])
    func tunnel(byMember: Bool, isCut: Bool) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let certificate = files.certificates[0]
        let member = try await TestMember(tls: byMember ? certificate : nil) { received, _ in
            received == "x" ? [.send("part")] : received == "y" ? [isCut ? .cut : .close] : []
        }
        let proxy = try await TestProxy([member]) {
            $0.listeners[0].mode = .tcp(upstream: 0)
            if byMember {
                TestProxy.secureMembers(&$0, certificate)
            } else {
                $0.certificates = [certificate]
                $0.listeners[0].tls = Listener.TLS(certificates: [0])
            }
        }
        let client =
            byMember
            ? try await TestClient(proxy.endpoint)
            : try await TestClient(proxy.endpoint, tls: "a.example", authority: certificate.chainPath)
        try await client.send("x")
        try await client.wait { $0 == "part" }
        if byMember {
            try await client.send("y")
            #expect(await Patience.lasts { client.isClosed })
            #expect(client.wasReset == isCut)
            await client.close()
        } else {
            if isCut { try await client.cut() } else { await client.close() }
            #expect(await Patience.lasts { isCut ? member.wasReset : member.received == ["x<FIN>"] })
            #expect(member.received == (isCut ? ["x"] : ["x<FIN>"]))
        }
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        #expect(proxy.server.status.aborted == (isCut ? 1 : 0))
        await proxy.stop()
        await member.close()
    }
}
