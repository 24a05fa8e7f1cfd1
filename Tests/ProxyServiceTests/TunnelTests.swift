import Addresses
import Balancing
import Foundation
import Glibc
import ProxyService
import Synchronization
import TestSupport
import Testing
import TrafficModel

@Suite("Tunnels, back-pressure, reload", .serialized)
struct TunnelTests {
    private static let upgrade =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    private static let switching =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    private static func echo() async throws -> TestMember {
        try await TestMember { received, _ in
            if received.hasSuffix("\r\n\r\n") { return [.send(switching)] }
            if received.hasSuffix("<FIN>") { return [.send("bye"), .close] }
            return received.isEmpty ? [] : [.send("echo:" + received)]
        }
    }

    @Test("a reset comes out as a reset, whichever side it is from", arguments: [true, false])
    func reset(byMember: Bool) async throws {
        let member = try await TestMember { received, _ in
            received == "x" ? [.send("part")] : received.hasSuffix("y") ? [.reset] : []
        }
        let proxy = try await TestProxy([member]) { $0.listeners[0].mode = .tcp(upstream: 0) }
        let client = try await TestClient(proxy.endpoint)
        try await client.send("x")
        try await client.wait { $0 == "part" }
        if byMember { try await client.send("y") } else { try await client.reset() }
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        if byMember {
            #expect(await Patience.lasts { client.wasReset })
        } else {
            #expect(await Patience.lasts { member.wasReset })
        }
        #expect(proxy.server.status.aborted == 1)
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("a reset behind an orderly end is none: all had been said", arguments: [true, false])
    func resetBehindEnd(byMember: Bool) async throws {
        let member = try await TestMember { received, _ in
            // Having closed both ways, it hears nothing more; or it answers one who does not.
            received == "x" ? [.send("all"), .close] : received.hasSuffix("<FIN>") ? [.send("late")] : []
        }
        let proxy = try await TestProxy([member]) { $0.listeners[0].mode = .tcp(upstream: 0) }
        let client = try await TestClient(proxy.endpoint)
        if byMember {
            try await client.send("x")
            try await client.wait { $0 == "all" }
            #expect(await proxy.settles { _ in member.openConnections == 0 })
            client.post(Array("more".utf8))
            try await client.waitForEnd()
            #expect(client.received == "all" && !client.wasReset)
        } else {
            try await client.send("y")
            try await client.closeOutput()
            await client.close()
            #expect(await proxy.settles { _ in member.received.first == "y<FIN>" })
        }
        await client.close()
        #expect(await proxy.settles { $0.openConnections == 0 && member.openConnections == 0 })
        #expect(!member.wasReset)
        await proxy.stop()
        await member.close()
    }

    @Test("a client that has ended its side and reads slowly gets all that the member says before its own end")
    func slowEnd() async throws {
        // Among these some leave a little behind what the kernel takes at once.
        let sizes = Array(stride(from: 40_000, to: 6_000_000, by: 150_000))
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listening) }
        let bound = unsafe KernelAddress.withPointer(to: TestProxy.loopback) { unsafe bind(listening, $0, $1) }
        try #require(bound == 0 && listen(listening, 1) == 0)
        let member = try #require(KernelAddress.local(of: listening))
        Thread.detachNewThread { for size in sizes { Self.speakAfterEnd(listening, size) } }
        let proxy = try await TestProxy(
            TestProxy.intent([member]) {
                $0.listeners = [Listener(name: "tcp", endpoint: TestProxy.loopback, mode: .tcp(upstream: 0))]
            })
        let endpoint = proxy.endpoint
        #expect(await Task.detached { sizes.map { _ in Self.readThroughSmallWindow(endpoint) } }.value == sizes)
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
    }

    /// Serves one connection: waits for the client's end, and then sends so many bytes and its own.
    private static func speakAfterEnd(_ listening: Int32, _ size: Int) {
        let descriptor = accept(listening, nil, nil)
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while unsafe recv(descriptor, &buffer, buffer.count, 0) > 0 {}
        var left = size
        while left > 0 {
            let count = unsafe send(descriptor, buffer, min(left, buffer.count), Int32(MSG_NOSIGNAL))
            guard count > 0 else { return }
            left -= count
        }
    }

    /// Ends its side and counts what comes, with the least room that the kernel gives to what was not read.
    private static func readThroughSmallWindow(_ endpoint: Endpoint) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var room: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard unsafe KernelAddress.withPointer(to: endpoint, { unsafe connect(descriptor, $0, $1) }) == 0 else {
            return -1
        }
        shutdown(descriptor, Int32(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var total = 0
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return count < 0 ? -1 : total }
            total += count
        }
    }

    @Test("WebSocket passes after 101 and survives a reload; FIN passes each way")
    func webSocket() async throws {
        let member = try await Self.echo()
        let intent = TestProxy.intent([member.endpoint])
        let proxy = try await TestProxy(intent)
        let client = try await TestClient(proxy.endpoint)
        try await client.send(Self.upgrade)
        try await client.wait { $0.hasSuffix("\r\n\r\n") && $0.contains("101 Switching Protocols") }
        try await client.send("one")
        try await client.wait { $0.hasSuffix("echo:one") }
        for generation in 2..<6 { try await proxy.reload(intent, generation: UInt64(generation)) }
        try await client.send("two")
        try await client.wait { $0.hasSuffix("echo:two") }
        try await client.closeOutput()
        #expect(try await client.waitForEnd().hasSuffix("bye"))
        #expect(member.connections == 1)
        await proxy.stop()
        await member.close()
    }

    @Test("a client that ends its side before the member agrees to a WebSocket ends the tunnel")
    func earlyEnd() async throws {
        let ends = Mutex(0)
        let member = try await TestMember { received, _ in
            if received.hasSuffix("<FIN>") {
                ends.withLock { $0 += 1 }
                return [.close]
            }
            // Not before the client's end is here.
            return received.isEmpty ? [] : [.sendLater(Self.switching)]
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        try await client.send(Self.upgrade)
        try await client.closeOutput()
        #expect(try await client.waitForEnd().contains("101 Switching Protocols"))
        #expect(await proxy.settles { $0.openConnections == 0 } && ends.withLock { $0 } == 1)
        await proxy.stop()
        await member.close()
    }

    @Test("no tunnel before the member agrees, none for another protocol, none with a body")
    func declined() async throws {
        let member = try await TestMember.answering(ok("no"))
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint)
        // Frames behind the request must not be taken for a request.
        try await client.send(Self.upgrade + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.waitForEnd().components(of: "HTTP/1.1 ").count == 2)
        #expect(!member.received.joined().contains("smuggled"))
        _ = try await TestClient.exchange(
            proxy.endpoint, get("/", "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"))
        #expect(!member.received.joined().contains("h2c"))
        await proxy.stop()
        await member.close()
    }

    @Test("TCP is forwarded, FIN passes each way on its own, a refused member is passed over")
    func tcp() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("<FIN>") ? [.send("got:" + received), .close] : []
        }
        let gone = TestMember.closedEndpoint()
        let proxy = try await TestProxy(
            TestProxy.intent([gone, member.endpoint]) { $0.listeners[0].mode = .tcp(upstream: 0) })
        for _ in 0..<3 {
            let client = try await TestClient(proxy.endpoint)
            try await client.send("hello")
            try await client.closeOutput()
            #expect(try await client.waitForEnd() == "got:hello<FIN>")
        }
        #expect(await proxy.settles { $0.openConnections == 0 })
        await proxy.stop()
        await member.close()
    }

    @Test("a slow reader holds the member back instead of filling memory")
    func backPressure() async throws {
        let size = 24 << 20
        let member = try await TestMember { received, _ in
            received.hasSuffix("\r\n\r\n") ? [.send(ok(String(repeating: "x", count: size)))] : []
        }
        let proxy = try await TestProxy([member])
        let client = try await TestClient(proxy.endpoint, isPaused: true)
        try await client.send(get())
        // What the proxy holds is what it may hold and one turn of the loop more: NIO reads four times 64 KiB at most.
        let limit = proxy.published.pin().value.settings.limits.bufferBytes
        #expect(await proxy.settles { $0.bufferedBytes > 0 })
        #expect(proxy.server.status.bufferedBytes <= limit + 4 << 16)
        try await client.resume()
        while client.receivedCount < size, !client.isClosed { try await Task.sleep(for: .milliseconds(2)) }
        #expect(client.receivedCount > size)
        #expect(await proxy.settles { $0.bufferedBytes == 0 })
        await client.close()
        await proxy.stop()
        await member.close()
    }

    @Test("reload binds what is new, drains what is gone, keeps what is the same, and refuses a port in use")
    func reload() async throws {
        let member = try await TestMember.answering(ok("abc"))
        let intent = TestProxy.intent([member.endpoint])
        let proxy = try await TestProxy(intent)
        let kept = try await TestClient(proxy.endpoint)
        try await kept.send(get(close: false))
        try await kept.wait { $0.hasSuffix("abc") }

        var wider = intent
        var second = intent.listeners[0]
        second.name = "second"
        second.endpoint = Endpoint(address: .v4(0x7f00_0002), port: 0)
        wider.listeners.append(second)
        try await proxy.reload(wider, generation: 2)
        let added = try #require(proxy.server.status.listeners.first { $0.name == "second" })
        #expect(try await TestClient.exchange(added.endpoint, get()).hasSuffix("abc"))
        try await kept.send(get("/2", close: false))
        try await kept.wait { $0.components(of: "200 OK").count == 3 }

        var taken = wider
        taken.listeners.append(
            Listener(name: "taken", endpoint: member.endpoint, mode: .http(routes: [])))
        await #expect(throws: ProxyError.self) { try await proxy.reload(taken, generation: 3) }
        #expect(proxy.server.status.listeners.count == 2)

        var narrower = wider
        narrower.listeners.removeFirst()
        try await proxy.reload(narrower, generation: 4)
        #expect(try await kept.waitForEnd().hasSuffix("abc"))
        #expect(proxy.server.status.listeners.map(\.name) == ["second"])
        await #expect(throws: (any Error).self) { _ = try await TestClient(proxy.endpoint) }
        await proxy.stop()
        await member.close()
    }

    @Test("a request that is under way when its listener gets another place ends as it began")
    func reloadDuringRequest() async throws {
        let member = try await TestMember { received, _ in
            received.hasSuffix("body") ? [.send(ok("done"))] : []
        }
        let intent = TestProxy.intent([member.endpoint])
        let proxy = try await TestProxy(intent, accessLog: "/dev/null")
        let client = try await TestClient(proxy.endpoint)
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n")
        #expect(await proxy.settles { $0.requests == 1 })
        var wider = intent
        var other = intent.listeners[0]
        other.name = "other"
        other.endpoint = Endpoint(address: .v4(0x7f00_0003), port: 0)
        wider.listeners.insert(other, at: 0)
        try await proxy.reload(wider, generation: 2)
        // Makes sure that the loop has taken up the new snapshot.
        _ = try await TestClient.exchange(proxy.endpoint, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.send("body")
        #expect(try await client.waitForEnd().hasSuffix("done"))
        await client.close()
        await proxy.stop()
        await member.close()
    }
}
