import Addresses
import Authority
import Logging
import Testing
import TrafficModel

@testable import DNSService

@Suite("What DNS counted since the program began")
struct DNSCountersTests {
    private func queries(_ counters: [WorkerCounters]) -> UInt64 {
        counters.reduce(0) { $0 + $1.value(.udpQueries) + $1.value(.tcpQueries) }
    }

    @Test("what ended threads counted stays, once, also for who began to read before they ended")
    func ended() {
        let counters = DNSCounters()
        let first = counters.begin(threads: 2)
        first[0].count(.udpQueries, 3)
        first[1].count(.udpQueries, 4)
        first[1].count(queries: 4, nanoseconds: 20_000)
        let loops = counters.loops(2)
        loops[1].count(.tcpQueries, 5)
        let early = counters.all
        counters.end(first)
        #expect(queries(early) == 12)
        #expect(queries(counters.all) == 12)
        let second = counters.begin(threads: 1)
        second[0].count(.udpQueries)
        #expect(counters.loops(2)[1] === loops[1], "a loop goes on with its own")
        #expect(queries(counters.all) == 13)
        counters.end(second)
        #expect(queries(counters.all) == 13)
        #expect(counters.all.count == 3, "ended ones are one")
        #expect(queries(early) == 12, "what was read before is as it was")
        #expect(counters.all.reduce(0) { $0 + $1.durations.nanoseconds } == 80_000)
        #expect(counters.totals["udpQueries"] == 8)
    }

    @Test("a server that takes over goes on counting where the other was")
    func takeover() async throws {
        let world = try await World()
        let counters = world.counters
        func ask() throws { #expect(try Client(world.server.endpoints[0]).ask(World.query()) != nil) }
        try ask()
        let tcp = Client(world.server.endpoints[0], tcp: true)
        #expect(tcp.write(World.query().framed) > 0)
        #expect(try tcp.readMessage() != nil)
        var settings = NameServer()
        settings.listen = world.server.endpoints
        settings.threads = 3
        let next = DNSServer(
            settings: settings, published: world.published, group: world.group, counters: counters,
            logger: Logger(label: "test"))
        try await next.start(replacing: world.server.endpoints)
        world.server.shutdown()
        #expect(queries(counters.all) == 2)
        #expect(try Client(next.endpoints[0]).ask(World.query()) != nil)
        // The connection is of the server that has ended, and counts all the same.
        #expect(tcp.write(World.query().framed) > 0)
        #expect(try tcp.readMessage() != nil)
        #expect(queries(counters.all) == 4)
        #expect(counters.tcp.acceptedCount == 1)
        next.shutdown()
        #expect(queries(counters.all) == 4)
        try world.end()
    }

    @Test("a thread is stuck that has been at one batch for too long, or that ended")
    func pulse() {
        let pulse = ThreadPulse()
        let start: UInt64 = 1_000_000_000
        #expect(!pulse.isStuck(now: start), "it waits")
        pulse.begin(start)
        #expect(!pulse.isStuck(now: start + ThreadPulse.limit))
        #expect(pulse.isStuck(now: start + ThreadPulse.limit + 1))
        #expect(!pulse.isStuck(now: start - 1), "it began after the time was looked at")
        pulse.end()
        #expect(!pulse.isStuck(now: start + 2 * ThreadPulse.limit))
        pulse.stop()
        #expect(pulse.isStuck(now: start + 2 * ThreadPulse.limit))
    }
}
