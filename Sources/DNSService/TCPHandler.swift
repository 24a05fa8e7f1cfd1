import Addresses
import Authority
import NIOCore
import Synchronization
import Telemetry
import TrafficModel

/// What the connections of one event loop share: the responder and its output.
final class TCPLoopState {
    var responder: Responder
    var pin: Pin<AuthoritySnapshot>
    let published: Published<AuthoritySnapshot>
    /// The largest DNS message over TCP.
    var output = [UInt8](repeating: 0, count: 65_535)

    init(published: Published<AuthoritySnapshot>, responder: consuming Responder) {
        self.published = published
        self.responder = responder
        pin = published.pin()
    }
}

/// DNS over TCP (RFC 7766): messages with a two-byte length, answered in order, as many as come.
final class TCPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A query has a name and options; a client that announces more is not one.
    static let queryLimit = 4096
    /// Bytes of answers that are gathered for one write.
    static let writeLimit = 65_536

    private let state: TCPLoopState
    private let limits: TCPLimits
    private let settings: NameServer
    private let source: Endpoint
    private var pending = ByteBuffer()
    private var idle: Scheduled<Void>?

    init(state: TCPLoopState, limits: TCPLimits, settings: NameServer, source: Endpoint) {
        self.state = state
        self.limits = limits
        self.settings = settings
        self.source = source
    }

    func channelActive(context: ChannelHandlerContext) {
        restartIdleTimer(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        idle?.cancel()
        limits.leave(source.address)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        if pending.readableBytes == 0 {
            swap(&pending, &incoming)
        } else {
            pending.writeBuffer(&incoming)
        }
        answerPending(context)
    }

    /// Answers what is whole, as long as the client takes its answers: thousands of short queries may wait here, each with
    /// an answer of up to 64 KiB.
    private func answerPending(_ context: ChannelHandlerContext) {
        state.published.refresh(&state.pin)
        state.responder.time = MonotonicClock.now
        var hasMore = true
        while hasMore, context.channel.isWritable {
            var answers = context.channel.allocator.buffer(capacity: 0)
            hasMore = false
            while let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self) {
                guard (12...Self.queryLimit).contains(Int(length)) else {
                    context.close(promise: nil)
                    return
                }
                guard pending.readableBytes >= 2 + Int(length) else { break }
                guard answers.readableBytes < Self.writeLimit else {
                    hasMore = true
                    break
                }
                pending.moveReaderIndex(forwardBy: 2)
                answer(&pending, length: Int(length), into: &answers)
                pending.moveReaderIndex(forwardBy: Int(length))
            }
            guard answers.readableBytes > 0 else { break }
            context.writeAndFlush(wrapOutboundOut(answers), promise: nil)
            restartIdleTimer(context)
        }
        if pending.readableBytes == 0 { pending.clear() } else { pending.discardReadBytes() }
    }

    private func answer(_ input: inout ByteBuffer, length: Int, into answers: inout ByteBuffer) {
        let (state, source) = (state, source)
        let count = unsafe input.withUnsafeReadableBytes { readable in
            unsafe state.output.withUnsafeMutableBytes { output in
                // `length` bytes are readable: the caller checked it.
                unsafe state.responder.respond(
                    to: UnsafeRawBufferPointer(rebasing: readable[..<length]).bytes, from: source.address,
                    port: source.port, overTCP: true, snapshot: state.pin.value, into: output)
            }
        }
        guard count > 0 else { return }
        answers.writeInteger(UInt16(count))
        answers.writeBytes(state.output[..<count])
    }

    /// A client that does not take its answers must not make us hold them: reading stops until it does.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
        if context.channel.isWritable { answerPending(context) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func restartIdleTimer(_ context: ChannelHandlerContext) {
        idle?.cancel()
        let channel = context.channel
        let limits = limits
        let delay = TimeAmount.nanoseconds(Int64(settings.tcpIdle / .nanoseconds(1)))
        idle = context.eventLoop.scheduleTask(in: delay) {
            limits.counters.idleClosed.wrappingAdd(1, ordering: .relaxed)
            channel.close(promise: nil)
        }
    }
}

/// Counts connections against the limits, over all loops. A lock is fine here: it is taken twice per connection.
final class TCPLimits: Sendable {
    let counters = TCPCounters()
    private let total: Int
    private let perSource: Int
    private let sources = Mutex<[IPAddress: Int]>([:])

    init(_ settings: NameServer) {
        total = settings.tcpConnections
        perSource = settings.tcpConnectionsPerSource
    }

    /// Whether a new connection may stay; every `true` must be given back with ``leave(_:)``.
    func enter(_ source: IPAddress) -> Bool {
        // Both limits under the lock, or two loops could pass the last place to two connections.
        sources.withLock { sources in
            guard counters.open.load(ordering: .relaxed) < total else {
                counters.refusedTotal.wrappingAdd(1, ordering: .relaxed)
                return false
            }
            guard sources[source, default: 0] < perSource else {
                counters.refusedPerSource.wrappingAdd(1, ordering: .relaxed)
                return false
            }
            sources[source, default: 0] += 1
            counters.open.wrappingAdd(1, ordering: .relaxed)
            counters.accepted.wrappingAdd(1, ordering: .relaxed)
            return true
        }
    }

    func leave(_ source: IPAddress) {
        sources.withLock { sources in
            counters.open.wrappingSubtract(1, ordering: .relaxed)
            let left = sources[source, default: 1] - 1
            sources[source] = left > 0 ? left : nil
        }
    }
}
