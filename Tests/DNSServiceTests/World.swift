import Addresses
import Authority
import DNSWire
import Geography
import Glibc
import Logging
import NIOCore
import NIOPosix
import Steering
import TrafficModel

@testable import DNSService

/// A server on ports that the kernel chose, with one zone. `end` must be called.
final class World {
    let group: MultiThreadedEventLoopGroup
    let published: Published<AuthoritySnapshot>
    let server: DNSServer
    let counters = DNSCounters()

    static func snapshot(generation: UInt64 = 1, address: String = "192.0.2.1") -> AuthoritySnapshot {
        var text = "$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns\nns A 192.0.2.53\nwww A \(address)\n"
        for index in 0..<100 { text += "big A 10.0.0.\(index)\n" }
        for index in 0..<200 { text += "huge TXT \"\(index)\(String(repeating: "x", count: 240))\"\n" }
        let origin = DomainName("example.com")!
        var intent = Intent()
        intent.generation = generation
        intent.zones = [
            Zone(
                origin: origin,
                records: ZoneFileParser.parse(Array(text.utf8), file: "", origin: origin, defaultTTL: nil).records)
        ]
        intent.regions = [Region(name: "here")]
        intent.virtualServers = [
            VirtualServer(name: "one", endpoint: Endpoint(address: IPAddress("192.0.2.9")!, port: 443), region: 0)
        ]
        var pool = Pool(name: "one")
        pool.virtualServers = [0]
        pool.answer = .addresses
        intent.pools = [pool]
        intent.wideIPs = [WideIP(name: DomainName("steered.example.com")!, pools: [0])]
        let plan = SteeringPlan(intent: intent, geography: GeographyDatabase())
        return AuthoritySnapshot(
            data: AuthorityData(
                intent: intent, plan: plan, seed: 7, cookieSeed: SipKey(first: 3, second: 4)),
            steering: SteeringSnapshot(
                plan: plan, intent: intent, overrides: EffectiveOverrides(), observations: Observations(),
                epoch: generation))
    }

    init(
        listen: [String] = ["127.0.0.1:0", "[::1]:0"], loops: Int = 2,
        _ change: (inout NameServer) -> Void = { _ in }
    ) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        var settings = NameServer()
        settings.listen = listen.map { Endpoint($0)! }
        settings.threads = 2
        // So that no connection ends by itself on a loaded machine.
        settings.tcpIdle = .seconds(300)
        settings.tcpMessageTime = .seconds(300)
        change(&settings)
        published = Published(Self.snapshot())
        server = DNSServer(
            settings: settings, published: published, group: group, counters: counters, logger: Logger(label: "test"))
        // The kernel chooses a port that UDP has free; now and then a connection of another program has it for TCP.
        let mayChoose = settings.listen.allSatisfy { $0.port == 0 }
        for attempt in 1...5 {
            do {
                try await server.start()
                return
            } catch let error as BindError where mayChoose && error.code == EADDRINUSE && attempt < 5 {
                continue
            } catch {
                try await group.shutdownGracefully()
                throw error
            }
        }
    }

    func end() throws {
        server.shutdown()
        try group.syncShutdownGracefully()
    }

    static func query(_ name: String = "www.example.com", _ type: RecordType = .a, id: UInt16 = 9) -> DNSMessage {
        DNSMessage(id: id, name: DomainName(name)!, type: type)
    }
}
