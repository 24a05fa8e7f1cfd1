import HummingbirdCore
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AdminAPI

@Suite("Places of connections")
struct OpenConnectionsTests {
    private final class Told: ChannelInboundHandler, Sendable {
        typealias InboundIn = NIOAny
        let count = Atomic<Int>(0)

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { count.wrappingAdd(1, ordering: .relaxed) }
        }
    }

    private func connection(from address: String, _ handler: Told? = nil) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        if let handler { try channel.pipeline.syncOperations.addHandler(handler) }
        channel.remoteAddress = try SocketAddress(ipAddress: address, port: 1)
        return channel
    }

    @Test("one that closes makes room, and all can be told to end")
    func room() throws {
        let open = OpenConnections(limit: 2)
        let told = Told()
        let channels = try (0..<3).map { _ in try connection(from: "192.0.2.1", told) }
        for channel in channels.prefix(2) {
            #expect(open.enter(channel) == (true, nil))
            open.letIn(channel)
            open.set(channel, isBusy: true)
        }
        #expect(open.enter(channels[2]) == (false, nil), "all have something to do")
        #expect(open.count == 2)
        open.retire()
        #expect(told.count.load(ordering: .relaxed) == 2)
        _ = try channels[0].finish()
        #expect(open.enter(channels[2]) == (true, nil))
        #expect(open.count == 2)
        for channel in channels.dropFirst() { _ = try channel.finish() }
        #expect(open.count == 0)
    }

    @Test("one that does nothing loses its place: strangers first, of the source with most of them, the oldest")
    func displaced() throws {
        let open = OpenConnections(limit: 5)
        let friend = try connection(from: "192.0.2.1")
        let follower = try connection(from: "192.0.2.1")
        let strangers = try ["198.51.100.1", "203.0.113.7", "203.0.113.7"].map { try connection(from: $0) }
        for channel in [friend, follower] {
            _ = open.enter(channel)
            open.letIn(channel)
        }
        open.set(follower, isBusy: true)
        for channel in strangers { _ = open.enter(channel) }
        // A request of a stranger is no reason: anybody can make one.
        open.set(strangers[1], isBusy: true)
        #expect(open.enter(try connection(from: "192.0.2.9")) == (true, strangers[1]))
        #expect(open.enter(try connection(from: "192.0.2.10")) == (true, strangers[0]))
        #expect(open.count == 5)
        // An IPv6 source is its network.
        let network = OpenConnections(limit: 3)
        let hosts = try ["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:1::2"].map { try connection(from: $0) }
        for channel in hosts { _ = network.enter(channel) }
        #expect(network.enter(friend) == (true, hosts[1]))
    }

    @Test("who was let in and idles gives way where there are no strangers, and who follows events does not")
    func idle() throws {
        let open = OpenConnections(limit: 2)
        let (idle, follower) = (try connection(from: "192.0.2.1"), try connection(from: "192.0.2.1"))
        for channel in [follower, idle] {
            _ = open.enter(channel)
            open.letIn(channel)
            open.set(channel, isBusy: true)
        }
        open.set(idle, isBusy: false)
        let next = try connection(from: "192.0.2.2")
        #expect(open.enter(next) == (true, idle))
        open.letIn(next)
        open.set(next, isBusy: true)
        #expect(open.enter(try connection(from: "192.0.2.3")) == (false, nil))
    }
}

/// Channels are the same when they are one.
private func == (found: (isIn: Bool, displaced: (any Channel)?), expected: (Bool, EmbeddedChannel?)) -> Bool {
    found.isIn == expected.0 && (found.displaced as? EmbeddedChannel) === expected.1
}
