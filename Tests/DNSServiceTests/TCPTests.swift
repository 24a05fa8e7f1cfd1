import Addresses
import Authority
import DNSWire
import Glibc
import TestSupport
import Testing
import TrafficModel

@testable import DNSService

@Suite("DNS over TCP", .serialized)
struct TCPTests {
    /// Asks once; `nil` when the connection was closed.
    private func ask(_ client: borrowing Client, id: UInt16 = 9) throws -> DNSMessage? {
        _ = client.write(World.query(id: id).framed)
        return try client.readMessage()
    }

    private func expectClosed(_ client: borrowing Client) {
        errno = 0
        let (bytes, error) = (client.read(), errno)
        #expect(bytes == [] && error != EAGAIN, "it was still open")
    }

    // MARK: Messages

    @Test("lengths that no query has end the connection, and are counted", arguments: [0, 11, 4097, 65_535])
    func badLength(length: Int) async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        // What came before is answered.
        _ = client.write(
            World.query(id: 5).framed + [UInt8(length >> 8), UInt8(length & 255)] + [UInt8](repeating: 0, count: 64))
        #expect(try client.readMessage()?.id == 5)
        expectClosed(client)
        #expect(world.server.tcpCounters.value(.badLength) == 1)
        try world.end()
    }

    @Test("a query that comes byte by byte does not hold up others, and its answer comes when it is whole")
    func trickle() async throws {
        let world = try await World()
        let endpoint = world.server.endpoints[0]
        let slow = Client(endpoint, tcp: true)
        let fast = Client(endpoint, tcp: true)
        slow.disableDelay()
        for (index, byte) in World.query(id: 7).framed.enumerated() {
            _ = slow.write([byte])
            #expect(try ask(fast, id: UInt16(index))?.id == UInt16(index))
        }
        #expect(try slow.readMessage()?.id == 7)
        try world.end()
    }

    @Test("queries in one piece are answered in one piece, in their order, whatever they ask")
    func pipelining() async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        let names = ["www.example.com", "nothing.example.com", "big.example.com", "www.example.org"]
        let queries = (UInt16(0)..<200).map { World.query(names[Int($0) % names.count], id: $0) }
        _ = client.write(queries.flatMap(\.framed))
        for query in queries {
            let answer = try #require(try client.readMessage())
            #expect(answer.id == query.id && answer.questions == query.questions)
            #expect(answer.responseCode == [0, 3, 0, 5][Int(query.id) % 4])
        }
        try world.end()
    }

    @Test("a client that ends its side still gets all answers, then the end")
    func halfClose() async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        // 29 kB and a half message, which is nobody's.
        _ = client.write((UInt16(0)..<20).flatMap { World.query("big.example.com", id: $0).framed } + [0, 30, 1])
        shutdown(client.descriptor, Int32(SHUT_WR))
        for id in UInt16(0)..<20 { #expect(try client.readMessage()?.id == id) }
        expectClosed(client)
        // Also when there was nothing to answer, and when the answers are more than sockets hold.
        let silent = Client(world.server.endpoints[0], tcp: true)
        shutdown(silent.descriptor, Int32(SHUT_WR))
        expectClosed(silent)
        let greedy = Client(world.server.endpoints[0], tcp: true)
        _ = greedy.write((UInt16(0)..<200).flatMap { World.query("huge.example.com", .txt, id: $0).framed })
        shutdown(greedy.descriptor, Int32(SHUT_WR))
        for id in UInt16(0)..<200 { #expect(try greedy.readMessage()?.id == id) }
        expectClosed(greedy)
        await Patience.lasts { world.server.tcpCounters.openCount == 0 }
        #expect(world.server.tcpCounters.openCount == 0)
        try world.end()
    }

    @Test("keepalive tells the idle timeout in units of 100 ms")
    func keepalive() async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        var query = World.query()
        query.edns?.options = [.init(code: 11, data: [])]
        _ = client.write(query.framed)
        #expect(try client.readMessage()?.edns?.options == [.init(code: 11, data: [0, 100])])
        query.edns?.options = [.init(code: 11, data: [0, 1])]
        _ = client.write(query.framed)
        #expect(try client.readMessage()?.responseCode == 1)
        try world.end()
    }

    // MARK: Deadlines

    @Test("an idle connection is closed between messages, and only there")
    func idle() async throws {
        let world = try await World { $0.tcpIdle = .seconds(2) }
        let silent = Client(world.server.endpoints[0], tcp: true)
        expectClosed(silent)
        let served = Client(world.server.endpoints[0], tcp: true)
        #expect(try ask(served) != nil)
        expectClosed(served)
        #expect(world.server.tcpCounters.value(.idleClosed) == 2)
        // In the middle of a message it is not idle: the longer time of a message holds.
        let slow = Client(world.server.endpoints[0], tcp: true)
        slow.disableDelay()
        let bytes = World.query(id: 3).framed
        _ = slow.write(Array(bytes[..<5]))
        usleep(3_000_000)
        _ = slow.write(Array(bytes[5...]))
        #expect(try slow.readMessage()?.id == 3)
        await Patience.lasts { world.server.tcpCounters.openCount == 0 }
        #expect(world.server.tcpCounters.openCount == 0)
        try world.end()
    }

    @Test("a message must be whole in time, however it trickles")
    func incomplete() async throws {
        let world = try await World { $0.tcpMessageTime = .milliseconds(200) }
        let counters = world.server.tcpCounters
        let half = Client(world.server.endpoints[0], tcp: true)
        _ = half.write([0, 30, 1, 2, 3])
        expectClosed(half)
        #expect(counters.value(.incompleteClosed) == 1)
        // A byte now and then does not buy time. The whole would take ten seconds.
        let trickling = Client(world.server.endpoints[0], tcp: true)
        trickling.disableDelay()
        var sent = 0
        await Patience.lasts {
            if sent % 50 == 0 { _ = trickling.write([sent == 0 ? 0 : 200]) }
            sent += 1
            return counters.value(.incompleteClosed) == 2
        }
        #expect(counters.value(.incompleteClosed) == 2 && counters.value(.idleClosed) == 0)
        try world.end()
        // Each message has a time of its own: together they take longer than one may.
        let patient = try await World { $0.tcpMessageTime = .seconds(4) }
        let steady = Client(patient.server.endpoints[0], tcp: true)
        steady.disableDelay()
        let bytes = World.query().framed
        for _ in 0..<2 {
            _ = steady.write(Array(bytes[..<9]))
            usleep(2_500_000)
            _ = steady.write(Array(bytes[9...]) + bytes[..<9])
            #expect(try steady.readMessage() != nil)
            _ = steady.write(Array(bytes[9...]))
            #expect(try steady.readMessage() != nil)
        }
        try patient.end()
    }

    @Test("a client that takes nothing is closed in time, and what waits for it is bounded")
    func unread() async throws {
        let world = try await World { $0.tcpMessageTime = .milliseconds(300) }
        let client = Client(world.server.endpoints[0], tcp: true)
        _ = client.write((1...UInt16(600)).flatMap { World.query("huge.example.com", .txt, id: $0).framed })
        let counters = world.server.tcpCounters
        await Patience.lasts { counters.value(.unreadClosed) == 1 && counters.openCount == 0 }
        #expect(counters.value(.unreadClosed) == 1 && counters.openCount == 0)
        let answered = world.server.counters.reduce(0) { $0 + $1.value(.tcpQueries) }
        #expect(answered < 300)
        try world.end()
    }

    // MARK: Limits

    @Test("connections from one address: as many as allowed, the next is closed at once, one that ends makes room")
    func sourceLimit() async throws {
        let world = try await World { $0.tcpConnectionsPerSource = 2 }
        let counters = world.server.tcpCounters
        let endpoint = world.server.endpoints[0]
        let first = Client(endpoint, tcp: true)
        #expect(try ask(first) != nil)
        do {
            let second = Client(endpoint, tcp: true)
            #expect(try ask(second) != nil)
            let third = Client(endpoint, tcp: true)
            #expect(try ask(third) == nil)
            #expect(counters.value(.refusedPerSource) == 1 && counters.openCount == 2)
            // Another address has its own.
            let other = Client(endpoint, tcp: true, from: "127.0.0.9")
            #expect(try ask(other) != nil)
            #expect(try ask(first) != nil)
        }
        await Patience.lasts { counters.openCount == 1 }
        let again = Client(endpoint, tcp: true)
        #expect(try ask(again) != nil)
        try world.end()
    }

    @Test("at the limit of all, the connection that has been idle for longest makes room")
    func displaced() async throws {
        // One loop: a connection makes room for those of its own loop.
        let world = try await World(loops: 1) { $0.tcpConnections = 3 }
        let counters = world.server.tcpCounters
        let endpoint = world.server.endpoints[0]
        let first = Client(endpoint, tcp: true)
        let second = Client(endpoint, tcp: true)
        let third = Client(endpoint, tcp: true)
        #expect(try ask(first) != nil)
        #expect(try ask(second) != nil)
        #expect(try ask(third) != nil)
        #expect(try ask(first) != nil)
        #expect(counters.openCount == 3 && counters.value(.displaced) == 0)
        let fourth = Client(endpoint, tcp: true)
        #expect(try ask(fourth) != nil)
        expectClosed(second)
        #expect(counters.openCount == 3 && counters.value(.displaced) == 1)
        #expect(try ask(first) != nil)
        #expect(try ask(third) != nil)
        // One in the middle of a message goes only when none is idle, and then the one that has been so for longest. The
        // answer shows that the server has seen the half message behind the query.
        #expect(try askAndBegin(third) != nil)
        #expect(try askAndBegin(fourth) != nil)
        let fifth = Client(endpoint, tcp: true)
        #expect(try askAndBegin(fifth) != nil)
        expectClosed(first)
        let sixth = Client(endpoint, tcp: true)
        #expect(try ask(sixth) != nil)
        expectClosed(third)
        #expect(counters.openCount == 3 && counters.value(.displaced) == 3 && counters.refusedCount == 0)
        try world.end()
    }

    /// Asks, and begins another message.
    private func askAndBegin(_ client: borrowing Client) throws -> DNSMessage? {
        _ = client.write(World.query().framed + [0, 30])
        return try client.readMessage()
    }

    @Test("when no connection can make room, the new one is closed at once")
    func full() async throws {
        let world = try await World(loops: 1) { $0.tcpConnections = 1 }
        let endpoint = world.server.endpoints[0]
        let busy = Client(endpoint, tcp: true)
        _ = busy.write((1...UInt16(600)).flatMap { World.query("huge.example.com", .txt, id: $0).framed })
        let counters = world.server.tcpCounters
        // Wait until the server has stopped: the count stands still.
        var last: UInt64 = 0
        var still = 0
        await Patience.lasts {
            let now = world.server.counters.reduce(0) { $0 + $1.value(.tcpQueries) }
            still = now > 0 && now == last ? still + 1 : 0
            last = now
            return still > 100
        }
        let other = Client(endpoint, tcp: true)
        expectClosed(other)
        #expect(counters.value(.refusedTotal) == 1 && counters.value(.displaced) == 0)
        #expect(counters.openCount == 1)
        try world.end()
    }

    // MARK: Proxies

    static func header(_ client: [UInt8], port: UInt16 = 4000) -> [UInt8] {
        [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10, 0x21, 0x11, 0, 12] + client + [127, 0, 0, 1]
            + [UInt8(port >> 8), UInt8(port & 255), 0, 53]
    }

    private func proxyWorld(_ change: (inout NameServer) -> Void = { _ in }) async throws -> World {
        try await World(listen: ["127.0.0.1:0"]) {
            $0.proxies = [IPPrefix("127.0.0.2/32")!]
            change(&$0)
        }
    }

    /// The clients that the latest steered answers were for.
    private func decided(_ world: World) -> [IPAddress] {
        world.server.counters.flatMap { $0.latestDecisions(64, in: world.published.pin().value.data) }.map(\.client)
    }

    @Test("a trusted proxy tells whose connection it is, cut anywhere; the answer is for that client")
    func proxy() async throws {
        let world = try await proxyWorld()
        let endpoint = world.server.endpoints[0]
        let query = World.query("steered.example.com").framed
        let bytes = Self.header([192, 0, 2, 33]) + query
        for cut in 1..<bytes.count {
            let client = Client(endpoint, tcp: true, from: "127.0.0.2")
            client.disableDelay()
            _ = client.write(Array(bytes[..<cut]))
            _ = client.write(Array(bytes[cut...]))
            #expect(try client.readMessage()?.addresses == [IPAddress("192.0.2.9")!])
        }
        #expect(decided(world) == [IPAddress](repeating: IPAddress("192.0.2.33")!, count: bytes.count - 1))
        let line = Client(endpoint, tcp: true, from: "127.0.0.2")
        _ = line.write(Array("PROXY TCP6 2001:db8::7 ::1 1 2\r\n".utf8) + query)
        #expect(try line.readMessage()?.responseCode == 0)
        #expect(decided(world).contains(IPAddress("2001:db8::7")!))
        // A proxy that speaks for itself.
        let local = Client(endpoint, tcp: true, from: "127.0.0.2")
        _ = local.write(Array(Self.header([0, 0, 0, 0])[..<12]) + [0x20, 0, 0, 0] + query)
        #expect(try local.readMessage()?.responseCode == 0)
        #expect(decided(world).contains(IPAddress("127.0.0.2")!))
        try world.end()
    }

    @Test("a trusted peer without a header, with a broken one, or with half of one is closed; others must not send one")
    func proxyMistakes() async throws {
        let world = try await proxyWorld()
        let endpoint = world.server.endpoints[0]
        let counters = world.server.tcpCounters
        let plain = Client(endpoint, tcp: true, from: "127.0.0.2")
        _ = plain.write(World.query().framed)
        expectClosed(plain)
        let broken = Client(endpoint, tcp: true, from: "127.0.0.2")
        _ = broken.write(Array("PROXY TCP4 1 2 3 4\r\n".utf8))
        expectClosed(broken)
        #expect(counters.value(.badProxyHeader) == 2)
        let other = Client(endpoint, tcp: true, from: "127.0.0.3")
        #expect(try ask(other) != nil)
        await Patience.lasts { counters.openCount == 1 }
        #expect(counters.openCount == 1)
        try world.end()
        // Time is up.
        let hasty = try await proxyWorld { $0.tcpMessageTime = .milliseconds(200) }
        let silent = Client(hasty.server.endpoints[0], tcp: true, from: "127.0.0.2")
        expectClosed(silent)
        let half = Client(hasty.server.endpoints[0], tcp: true, from: "127.0.0.2")
        _ = half.write(Array(Self.header([192, 0, 2, 33])[..<20]))
        expectClosed(half)
        // Of one that is not trusted a header is the length of a message that does not come.
        let untrusted = Client(hasty.server.endpoints[0], tcp: true, from: "127.0.0.3")
        _ = untrusted.write(Self.header([192, 0, 2, 33]) + World.query().framed)
        expectClosed(untrusted)
        #expect(hasty.server.tcpCounters.value(.incompleteClosed) == 3)
        try hasty.end()
    }

    @Test("the limit of one address is the client's, not the proxy's")
    func proxyLimit() async throws {
        let world = try await proxyWorld { $0.tcpConnectionsPerSource = 1 }
        let endpoint = world.server.endpoints[0]
        func open(_ address: [UInt8]) -> Client {
            let client = Client(endpoint, tcp: true, from: "127.0.0.2")
            _ = client.write(Self.header(address))
            return client
        }
        do {
            let one = open([192, 0, 2, 1])
            #expect(try ask(one) != nil)
            let two = open([192, 0, 2, 2])
            #expect(try ask(two) != nil)
            let again = open([192, 0, 2, 1])
            #expect(try ask(again) == nil)
            #expect(world.server.tcpCounters.value(.refusedPerSource) == 1)
        }
        await Patience.lasts { world.server.tcpCounters.openCount == 0 }
        #expect(world.server.tcpCounters.openCount == 0)
        let later = open([192, 0, 2, 1])
        #expect(try ask(later) != nil)
        try world.end()
    }
}
