import Addresses
import Authority
import DNSWire
import NIOCore
import NIOEmbedded
import Testing
import TrafficModel

@testable import DNSService

/// What a connection hands to the kernel, seen without one.
@Suite("Writes of a TCP connection")
struct TCPWriteTests {
    /// A connection on a channel whose writes are kept.
    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        let settings = NameServer()
        let source = try #require(Endpoint("192.0.2.1:4000"))
        let state = TCPLoopState(
            published: Published(World.snapshot()), responder: Responder(counters: WorkerCounters()),
            limits: TCPLimits(settings, TCPCounters()), settings: settings, loop: channel.embeddedEventLoop)
        #expect(state.enter(source.address))
        let connection = TCPConnection(state: state, source: source, awaitsProxyHeader: false)
        try channel.pipeline.syncOperations.addHandler(connection)
        return channel
    }

    /// All that was written since, each write for itself.
    private func writes(_ channel: EmbeddedChannel) throws -> [[UInt8]] {
        var writes: [[UInt8]] = []
        while let write = try channel.readOutbound(as: ByteBuffer.self) {
            writes.append(Array(write.readableBytesView))
        }
        return writes
    }

    @Test(
        "length and answer are one, and so are all answers to what came at once (RFC 7766 section 8)", arguments: 1...5)
    func together(count: Int) throws {
        let channel = try channel()
        let queries = (0..<count).map { World.query(id: UInt16($0)).framed }
        try channel.writeInbound(ByteBuffer(bytes: queries.flatMap(\.self)))
        let written = try writes(channel)
        #expect(written.count == 1)
        var rest = try #require(written.first)[...]
        for id in 0..<count {
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            #expect(try DNSMessage(wire: rest.dropFirst(2).prefix(length)).id == UInt16(id))
            rest = rest.dropFirst(2 + length)
        }
        #expect(rest.isEmpty)
        _ = try channel.finish()
    }

    @Test("nothing is written for half a message")
    func half() throws {
        let channel = try channel()
        let query = World.query(id: 3).framed
        for byte in query.dropLast() {
            try channel.writeInbound(ByteBuffer(bytes: [byte]))
            #expect(try writes(channel) == [])
        }
        try channel.writeInbound(ByteBuffer(bytes: query.suffix(1)))
        #expect(try writes(channel).count == 1)
        _ = try channel.finish()
    }
}
