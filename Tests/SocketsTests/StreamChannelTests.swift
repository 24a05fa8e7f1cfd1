import Addresses
import Glibc
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Sockets

/// What happened to one end of a connection. Touched on its loop only.
private final class End: SocketDelegate, @unchecked Sendable {
    var channel: StreamChannel?
    var received: [UInt8] = []
    var echoes = false
    var mayReadSocket = true
    var isConnected = false
    var isInputClosed = false
    var isClosed = false
    var error: (any Error)?
    var writability: [Bool] = []

    func socketConnected() { isConnected = true }

    func socketRead(_ bytes: ByteBuffer) {
        received += Array(bytes.readableBytesView)
        if echoes { channel?.write(bytes) }
    }

    func socketReadComplete() { if echoes { channel?.flush() } }

    func socketWritabilityChanged() { writability.append(channel?.isWritable ?? false) }

    func socketInputClosed() { isInputClosed = true }

    func socketClosed(_ error: (any Error)?) {
        isClosed = true
        self.error = error
        channel = nil
    }
}

/// A listening socket, and a connection to it whose ends are on the same loop.
private final class Pair: @unchecked Sendable {
    let group: SocketLoopGroup
    let loop: SocketLoop
    let server = End()
    let client = End()
    private(set) var acceptor: Acceptor?
    static let bufferBytes = 64 << 10

    init(serverEchoes: Bool = false) async throws {
        group = try SocketLoopGroup(threads: 1)
        loop = group.loops[0]
        server.echoes = serverEchoes
        try await loop.submit { [self] in
            acceptor = try Acceptor(
                binding: Endpoint(address: .v4(0x7f00_0001), port: 0), on: loop, mayAccept: { true },
                accepted: { [self] descriptor, peer in
                    let channel = StreamChannel(
                        accepted: descriptor, from: peer, on: loop, bufferBytes: Self.bufferBytes)
                    server.channel = channel
                    channel.serve(server)
                    channel.begin()
                }, failed: { _ in })
            acceptor?.resume()
            client.channel = StreamChannel(
                to: acceptor?.endpoint ?? Endpoint(address: .v4(0), port: 0), on: loop, bufferBytes: Self.bufferBytes,
                timeout: .seconds(60), delegate: client, failed: { [self] in client.error = $0 })
        }.get()
        try await wait { $0.client.isConnected && $0.server.isConnected }
    }

    func run<Result: Sendable>(_ body: @escaping @Sendable (Pair) throws -> Result) async throws -> Result {
        try await loop.submit { try body(self) }.get()
    }

    func wait(_ condition: @escaping @Sendable (Pair) -> Bool) async throws {
        let holds = try await Patience.lasts { try await run(condition) }
        try #require(holds)
    }

    func end() async throws {
        try await run { pair in
            pair.acceptor?.close()
            pair.acceptor = nil
            pair.client.channel?.close()
            pair.server.channel?.close()
        }
        try await group.shutdownGracefully()
    }
}

/// Sends back what it reads, for ever, and asks to be told of the end of each turn.
private final class Turner: SocketDelegate, TurnDelegate, @unchecked Sendable {
    let loop: SocketLoop
    let channel: StreamChannel
    var mayReadSocket = true
    private var isWaiting = false
    private var waited = 0
    private(set) var turns = 0
    /// The most reads behind one that asked, before it was told.
    private(set) var longest = 0

    init(_ loop: SocketLoop, _ channel: StreamChannel) {
        self.loop = loop
        self.channel = channel
    }

    func socketConnected() {}

    func socketRead(_ bytes: ByteBuffer) {
        channel.send(bytes.readableBytesUInt8Span)
        if isWaiting { waited += 1 }
        guard !isWaiting else { return }
        isWaiting = true
        waited = 0
        loop.atEndOfTurn(self)
    }

    func turnEnded() {
        isWaiting = false
        turns += 1
        longest = max(longest, waited)
    }

    func socketReadComplete() {}
    func socketWritabilityChanged() {}
    func socketInputClosed() {}
    func socketClosed(_ error: (any Error)?) {}
}

@Suite("Connections on a loop")
struct StreamChannelTests {
    @Test("bytes come back as they went, in pieces of any size", arguments: [1, 7, 8192, 8193, 65_536, 1_000_000])
    func echo(size: Int) async throws {
        let pair = try await Pair(serverEchoes: true)
        let total = max(size, min(size * 1000, 3_000_000))
        let all = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try await pair.run { pair in
            for start in stride(from: 0, to: total, by: size) {
                pair.client.channel?.write(ByteBuffer(bytes: all[start..<min(start + size, total)]))
                if start / size % 3 == 0 { pair.client.channel?.flush() }
            }
            pair.client.channel?.flush()
        }
        try await pair.wait { $0.client.received.count >= total }
        #expect(try await pair.run { $0.client.received } == all)
        try await pair.end()
    }

    @Test("a turn ends although more comes all the time, and takes in what came while it went on")
    func turns() async throws {
        let pair = try await Pair(serverEchoes: true)
        let turner = try await pair.run { pair in
            guard let channel = pair.client.channel else { throw ChannelError.ioOnClosedChannel }
            let turner = Turner(pair.loop, channel)
            channel.serve(turner)
            channel.send([1].span)
            return turner
        }
        // There is always one byte on its way: what is awaited at the end of a turn comes, and comes again.
        try await pair.wait { _ in turner.turns >= 1000 }
        // The byte is read, goes to the server, which is the second look, and comes back in the next turn.
        #expect(try await pair.run { _ in turner.longest } <= 1)
        try await pair.end()
    }

    @Test("a peer that does not read makes the channel unwritable, and writable again when it does")
    func backPressure() async throws {
        let pair = try await Pair()
        let chunk = ByteBuffer(repeating: 1, count: 1 << 20)
        let (written, unsent) = try await pair.run { pair -> (Int, Int) in
            pair.server.mayReadSocket = false
            var written = 0
            while pair.client.channel?.isWritable ?? false, written < 64 << 20 {
                pair.client.channel?.write(chunk)
                pair.client.channel?.flush()
                written += chunk.readableBytes
            }
            return (written, pair.client.channel?.unsentBytes ?? 0)
        }
        #expect(unsent > Pair.bufferBytes && unsent <= Pair.bufferBytes + chunk.readableBytes)
        try await pair.run { pair in
            pair.server.mayReadSocket = true
            pair.server.channel?.resumeReading()
        }
        // What was read before reading was stopped counts too.
        try await pair.wait { $0.server.received.count == written }
        let writability = try await pair.run { $0.client.writability }
        #expect(writability == writability.indices.map { $0 % 2 == 1 } && writability.last == true)
        #expect(try await pair.run { $0.client.channel?.unsentBytes } == 0)
        try await pair.end()
    }

    @Test("an end behind bytes arrives behind them; when both sides have ended, the channel closes")
    func halfClosure() async throws {
        let pair = try await Pair()
        try await pair.run { pair in
            pair.client.channel?.write(ByteBuffer(string: "last words"))
            pair.client.channel?.flush()
            pair.client.channel?.closeOutput()
        }
        try await pair.wait { $0.server.isInputClosed }
        #expect(try await pair.run { $0.server.received } == Array("last words".utf8))
        #expect(try await pair.run { !$0.client.isClosed && !$0.server.isClosed })
        try await pair.run { pair in
            pair.server.channel?.write(ByteBuffer(string: "answer"))
            pair.server.channel?.flush()
            pair.server.channel?.closeOutput()
        }
        try await pair.wait { $0.server.isClosed && $0.client.isClosed }
        #expect(try await pair.run { $0.client.received } == Array("answer".utf8))
        #expect(try await pair.run { $0.client.error == nil && $0.server.error == nil })
        try await pair.end()
    }

    @Test("a reset is told with its reason, also to one that does not read")
    func reset() async throws {
        let pair = try await Pair()
        try await pair.run { pair in
            pair.client.mayReadSocket = false
            var linger = linger(l_onoff: 1, l_linger: 0)
            let descriptor = pair.server.channel?.descriptor ?? -1
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
            pair.server.channel?.close()
        }
        try await pair.wait { $0.client.isClosed }
        #expect(try await pair.run { ($0.client.error as? IOError)?.errnoCode } == ECONNRESET)
        try await pair.end()
    }

    /// Writes, and notes whether it is told of something meanwhile.
    private final class Writer: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer
        var isWriting = false
        var isToldWithin = false
        var error: (any Error)?
        var isActive = true

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            isToldWithin = isToldWithin || isWriting
            self.error = error
        }

        func channelInactive(context: ChannelHandlerContext) {
            isToldWithin = isToldWithin || isWriting
            isActive = false
        }
    }

    @Test("handlers hear that a write has failed when they have finished writing")
    func failedWrite() async throws {
        let group = try SocketLoopGroup(threads: 1)
        let loop = group.loops[0]
        let writer = try await loop.submit {
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            try #require(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
            let nobody = Endpoint(address: .v4(0), port: 0)
            let channel = StreamChannel(accepted: ends[0], from: nobody, on: loop, bufferBytes: 1000)
            let writer = Writer()
            try channel.pipeline.syncOperations.addHandler(writer)
            channel.begin()
            close(ends[1])
            writer.isWriting = true
            for _ in 0..<3 {
                channel.pipeline.syncOperations.writeAndFlush(NIOAny(ByteBuffer(string: "abc")), promise: nil)
            }
            writer.isWriting = false
            return writer
        }.get()
        let isTold = try await Patience.lasts { try await !loop.submit { writer.isActive }.get() }
        try #require(isTold)
        #expect(!writer.isToldWithin)
        #expect((writer.error as? IOError)?.errnoCode == EPIPE)
        try await group.shutdownGracefully()
    }

    @Test("a reset behind the peer's end is told too")
    func resetBehindEnd() async throws {
        let pair = try await Pair()
        try await pair.run { $0.server.channel?.closeOutput() }
        try await pair.wait { $0.client.isInputClosed }
        try await pair.run { pair in
            var linger = linger(l_onoff: 1, l_linger: 0)
            let descriptor = pair.server.channel?.descriptor ?? -1
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
            pair.server.channel?.close()
        }
        try await pair.wait { $0.client.isClosed }
        #expect(try await pair.run { $0.client.error is IOError })
        try await pair.end()
    }

    @Test("a promise is kept when all that was written before is with the kernel, and broken by closing")
    func promises() async throws {
        let pair = try await Pair()
        let (sent, lost) = try await pair.run { pair -> (EventLoopFuture<Void>, EventLoopFuture<Void>) in
            pair.server.mayReadSocket = false
            let sent = pair.loop.makePromise(of: Void.self)
            let lost = pair.loop.makePromise(of: Void.self)
            pair.client.channel?.write(ByteBuffer(string: "x"))
            pair.client.channel?.whenSent(sent)
            pair.client.channel?.write(ByteBuffer(repeating: 0, count: 64 << 20))
            pair.client.channel?.whenSent(lost)
            pair.client.channel?.flush()
            return (sent.futureResult, lost.futureResult)
        }
        try await sent.get()
        try await pair.run { $0.client.channel?.close() }
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await lost.get() }
        try await pair.end()
    }

    @Test("a connection that does not come to be fails once, later, with its reason", .timeLimit(.minutes(5)))
    func refused() async throws {
        let group = try SocketLoopGroup(threads: 1)
        let loop = group.loops[0]
        // Nobody is behind it, and nobody is given it.
        let endpoint = Endpoint(address: .v4(0x7f5b_0307), port: 1)
        let failure = loop.makePromise(of: Int32.self)
        try await loop.submit {
            let end = End()
            _ = StreamChannel(
                to: endpoint, on: loop, bufferBytes: 1024, timeout: .seconds(60), delegate: end,
                failed: { failure.succeed(($0 as? IOError)?.errnoCode ?? 0) })
        }.get()
        #expect(try await failure.futureResult.get() == ECONNREFUSED)
        try await group.shutdownGracefully()
    }

    @Test("bytes that wait for the end arrive, and the end behind them", arguments: [3, 4 << 20], [false, true])
    func lastBytes(count: Int, closes: Bool) async throws {
        let pair = try await Pair()
        try await pair.run { pair in
            guard let channel = pair.server.channel else { return }
            channel.write(ByteBuffer(repeating: 7, count: count))
            channel.flush(endsNext: true)
            // What the kernel does not take goes later, and the end behind it.
            if closes, channel.unsentBytes == 0 { channel.close() } else { channel.closeOutput() }
        }
        try await pair.wait { $0.client.isInputClosed || $0.client.isClosed }
        let received = try await pair.run { $0.client.received }
        #expect(received == [UInt8](repeating: 7, count: count))
        try await pair.end()
    }
}
