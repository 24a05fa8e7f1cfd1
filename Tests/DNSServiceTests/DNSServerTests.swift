import Addresses
import Authority
import CLinux
import DNSWire
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing
import TrafficModel

@testable import DNSService

@Suite("The DNS server on the loopback interface", .serialized)
struct DNSServerTests {
    @Test("answers UDP and TCP, IPv4 and IPv6, from every worker")
    func answers() async throws {
        let world = try await World()
        for endpoint in world.server.endpoints {
            #expect(endpoint.port != 0)
            for id in UInt16(1)...20 {
                // A new socket each time: the kernel spreads source ports over the workers.
                let client = Client(endpoint)
                let response = try #require(try client.ask(World.query(id: id)))
                #expect(response.id == id && response.addresses == [IPAddress("192.0.2.1")!])
            }
            let client = Client(endpoint, tcp: true)
            #expect(client.write(World.query().framed) > 0)
            #expect(try client.readMessage()?.addresses == [IPAddress("192.0.2.1")!])
        }
        let counters = world.server.counters
        #expect(counters.reduce(0) { $0 + $1.value(.udpQueries) } == 40)
        #expect(counters.reduce(0) { $0 + $1.value(.tcpQueries) } == 2)
        #expect(counters.filter { $0.value(.udpQueries) > 0 }.count == 2)
        try world.end()
    }

    @Test("a wildcard address answers from the address that was asked", arguments: ["127.0.0.1", "127.0.0.7"])
    func wildcard(address: String) async throws {
        let world = try await World(listen: ["0.0.0.0:0"])
        // The client is connected: an answer from any other address would not reach it.
        let client = Client(Endpoint(address: IPAddress(address)!, port: world.server.endpoints[0].port))
        #expect(try client.ask(World.query())?.addresses == [IPAddress("192.0.2.1")!])
        try world.end()
    }

    @Test("the IPv6 wildcard does too")
    func wildcard6() async throws {
        let world = try await World(listen: ["[::]:0"])
        let client = Client(Endpoint(address: IPAddress("::1")!, port: world.server.endpoints[0].port))
        #expect(try client.ask(World.query())?.addresses == [IPAddress("192.0.2.1")!])
        try world.end()
    }

    @Test("what does not fit into UDP is whole over TCP")
    func truncation() async throws {
        let world = try await World()
        let endpoint = world.server.endpoints[0]
        let response = try #require(try Client(endpoint).ask(World.query("big.example.com")))
        #expect(response.isTruncated && response.answers.isEmpty)
        let client = Client(endpoint, tcp: true)
        _ = client.write(World.query("big.example.com").framed)
        let whole = try #require(try client.readMessage())
        #expect(!whole.isTruncated && whole.answers.count == 100)
        try world.end()
    }

    @Test("queries that come in one piece, and one that comes in two, cut anywhere")
    func framing() async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        _ = client.write((UInt16(1)...50).flatMap { World.query(id: $0).framed })
        for id in UInt16(1)...50 { #expect(try client.readMessage()?.id == id) }
        client.disableDelay()
        let bytes = World.query(id: 77).framed
        for cut in 1..<bytes.count {
            _ = client.write(Array(bytes[..<cut]))
            _ = client.write(Array(bytes[cut...]))
            #expect(try client.readMessage()?.id == 77)
        }
        try world.end()
    }

    @Test("a client that asks for much and takes nothing makes the server hold little, and still gets all of it")
    func slowReader() async throws {
        let world = try await World()
        let client = Client(world.server.endpoints[0], tcp: true)
        let count = 600
        // Each answer has about 49 kB: 29 MB in all, far above what sockets hold.
        _ = client.write((1...UInt16(count)).flatMap { World.query("huge.example.com", .txt, id: $0).framed })
        let counters = world.server.counters
        let answered = { counters.reduce(0) { $0 + $1.value(.tcpQueries) } }
        // Wait until the server has stopped: the count stands still.
        var last: UInt64 = 0
        var still = 0
        await Patience.lasts {
            let now = answered()
            still = now > 0 && now == last ? still + 1 : 0
            last = now
            return still > 100
        }
        #expect(answered() < UInt64(count) / 2)
        for id in 1...UInt16(count) { #expect(try client.readMessage()?.id == id) }
        #expect(answered() == UInt64(count))
        try world.end()
    }

    @Test("a port that is in use: one error that names it, and nothing is served", arguments: [false, true])
    func portInUse(tcp: Bool) async throws {
        let descriptor = socket(AF_INET, Int32((tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue), 0)
        defer { close(descriptor) }
        var one: Int32 = 1
        // A server of another process, which would share its port.
        if !tcp {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        let any = Endpoint("127.0.0.1:0")!
        #expect(unsafe KernelAddress.withPointer(to: any) { unsafe bind(descriptor, $0, $1) } == 0)
        if tcp { #expect(listen(descriptor, 1) == 0) }
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let port = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe getsockname(descriptor, $0, &length)
                return unsafe KernelAddress.read($0).1
            }
        }
        let error = await #expect(throws: BindError.self) { try await World(listen: ["[::1]:0", "127.0.0.1:\(port)"]) }
        #expect(
            error?.description
                == "cannot listen on 127.0.0.1:\(port) (\(tcp ? "TCP" : "UDP")): Address already in use; "
                + "another process has this port; end it or listen on another port")
    }

    @Test("an address that the machine does not have")
    func noSuchAddress() async {
        let error = await #expect(throws: BindError.self) { try await World(listen: ["192.0.2.77:0"]) }
        #expect(error?.description.contains("this machine has no such address") == true)
    }

    @Test("after shutdown the port is free; shutting down twice is once")
    func shutdown() async throws {
        let world = try await World(listen: ["127.0.0.1:0"])
        let endpoint = world.server.endpoints[0]
        try world.end()
        world.server.shutdown()
        let next = try await World(listen: [endpoint.description])
        #expect(try Client(endpoint).ask(World.query()) != nil)
        try next.end()
    }

    @Test("a new snapshot is answered from at once, and no query is lost while they change")
    func publish() async throws {
        let world = try await World(listen: ["127.0.0.1:0"])
        let endpoint = world.server.endpoints[0]
        let client = Client(endpoint)
        let stream = Client(endpoint, tcp: true)
        for generation in UInt64(2)...100 {
            let address = "192.0.2.\(generation)"
            world.published.publish(World.snapshot(generation: generation, address: address))
            #expect(try client.ask(World.query())?.addresses == [IPAddress(address)!])
            _ = stream.write(World.query().framed)
            #expect(try stream.readMessage()?.addresses == [IPAddress(address)!])
        }
        try world.end()
    }

    @Test(
        "servers that take over an endpoint one from the other lose no query",
        arguments: [["127.0.0.1:0"], ["127.0.0.1:0", "127.0.0.2:0"]])
    func handover(listen: [String]) async throws {
        let world = try await World(listen: listen) { $0.threads = 1 }
        let endpoints = world.server.endpoints
        var current = world.server
        for size in 1...30 {
            var settings = NameServer()
            settings.listen = endpoints
            settings.threads = 1 + size % 2
            settings.udpSize = 1000 + size
            let next = DNSServer(
                settings: settings, published: world.published, group: world.group, logger: Logger(label: "test"))
            // Source ports are spread over the sockets, so that each of them has something in its queue when it goes.
            let clients = ClientGroup(endpoints[0], count: 8)
            clients.ask()
            try await next.start(replacing: endpoints)
            clients.ask()
            current.shutdown()
            clients.ask()
            #expect(clients.answered() == 8 * 3)
            current = next
        }
        current.shutdown()
        try world.end()
    }

    @Test(
        "answers of the default size are never cut into fragments; larger ones may be",
        arguments: [("127.0.0.1:0", 1232), ("127.0.0.1:0", 1233), ("[::1]:0", 1232), ("[::1]:0", 1233)])
    func fragments(listen: String, size: Int) throws {
        let endpoint = try #require(Endpoint(listen))
        let isV4 = if case .v4 = endpoint.address { true } else { false }
        let socket = try UDPSocket(binding: endpoint, answerSize: size)
        defer { close(socket.descriptor) }
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(
            socket.descriptor, isV4 ? Int32(IPPROTO_IP) : Int32(IPPROTO_IPV6),
            isV4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &value, &length)
        #expect((value == (isV4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE)) == (size <= 1232))
    }

    @Test("garbage is survived: short, oversized and random datagrams, then a query is answered")
    func garbage() async throws {
        let world = try await World(listen: ["127.0.0.1:0"])
        let endpoint = world.server.endpoints[0]
        var random = SystemRandomNumberGenerator()
        let noise = Client(endpoint)
        for size in [0, 1, 11, 12, 100, 1232, 1233, 9000, 65_000] {
            var bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            // A response: the noise must not be answered.
            if size > 2 { bytes[2] |= 0x80 }
            _ = noise.write(bytes)
        }
        for _ in 0..<200 {
            _ = noise.write((0..<Int.random(in: 0...300)).map { _ in UInt8.random(in: 0...255) })
        }
        #expect(try Client(endpoint).ask(World.query())?.answers.count == 1)
        try world.end()
    }

    @Test("many datagrams at once are all answered, in batches")
    func batches() async throws {
        let world = try await World(listen: ["127.0.0.1:0"]) { $0.threads = 1 }
        let client = Client(world.server.endpoints[0])
        for round in 0..<20 {
            for index in 0..<100 { _ = client.write(World.query(id: UInt16(round * 100 + index)).wire) }
            var ids: Set<UInt16> = []
            for _ in 0..<100 { ids.insert(try DNSMessage(wire: client.read()).id) }
            #expect(ids == Set((0..<100).map { UInt16(round * 100 + $0) }))
        }
        #expect(world.server.counters.reduce(0) { $0 + $1.value(.sendFailures) } == 0)
        try world.end()
    }
}
