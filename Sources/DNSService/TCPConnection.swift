import Addresses
import NIOCore

/// DNS over TCP (RFC 7766): messages with a two-byte length, as many as come.
///
/// Each answer is computed at once, without waiting for anything, and all that a read brings are answered in one write.
/// So answers leave in the order of their queries, and nothing would be gained by another: RFC 7766 section 6.2.1.1 lets
/// answers overtake each other where one must wait, and here none does.
final class TCPConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A query has a name and options; a client that announces more is not one.
    static let queryLimit = 4096
    /// Bytes of answers that are gathered for one write.
    static let writeLimit = 65_536

    // For the loop's lists.
    var wait: TCPLoopState.Wait?
    var waitsSince: UInt64 = 0
    var previous: TCPConnection?
    var next: TCPConnection?

    private let state: TCPLoopState
    /// The client; before a proxy's header is read, the proxy.
    private var source: Endpoint
    private var awaitsProxyHeader: Bool
    /// Whether `source` is counted against the limit of its address.
    private var isCounted: Bool
    private var holdsPlace = true
    private var hasInputEnded = false
    private var pending = ByteBuffer()
    private var context: ChannelHandlerContext?

    /// The connection has a place: ``TCPLoopState/enter(_:)`` gave it for `source`, or for nobody if a proxy will tell.
    init(state: TCPLoopState, source: Endpoint, awaitsProxyHeader: Bool) {
        self.state = state
        self.source = source
        self.awaitsProxyHeader = awaitsProxyHeader
        isCounted = !awaitsProxyHeader
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        state.refresh()
        if holdsPlace { state.wait(self, for: awaitsProxyHeader ? .rest : .message) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    /// Gives back the place, once.
    private func leave() {
        state.end(self)
        guard holdsPlace else { return }
        holdsPlace = false
        state.limits.leave(isCounted ? source.address : nil)
    }

    func close() {
        leave()
        context?.close(promise: nil)
    }

    private func close(counting event: TCPCounters.Event) {
        state.limits.counters.count(event)
        close()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard holdsPlace else { return }
        var incoming = unwrapInboundIn(data)
        if pending.readableBytes == 0 {
            swap(&pending, &incoming)
        } else {
            pending.writeBuffer(&incoming)
        }
        answerPending(context)
    }

    // MARK: Answers

    /// Answers what is whole, as long as the client takes its answers: thousands of short queries may wait here, each with
    /// an answer of up to 64 KiB.
    private func answerPending(_ context: ChannelHandlerContext) {
        state.refresh()
        guard !awaitsProxyHeader || readProxyHeader() else { return }
        var hasAnswered = false
        var hasMore = true
        var isBroken = false
        while hasMore, context.channel.isWritable {
            var answers = context.channel.allocator.buffer(capacity: 0)
            hasMore = false
            while let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self) {
                guard (12...Self.queryLimit).contains(Int(length)) else {
                    isBroken = true
                    break
                }
                guard pending.readableBytes >= 2 + Int(length) else { break }
                guard answers.readableBytes < Self.writeLimit else {
                    hasMore = true
                    break
                }
                pending.moveReaderIndex(forwardBy: 2)
                state.answer(&pending, length: Int(length), from: source, into: &answers)
                pending.moveReaderIndex(forwardBy: Int(length))
                hasAnswered = true
            }
            guard answers.readableBytes > 0 else { break }
            context.writeAndFlush(wrapOutboundOut(answers), promise: nil)
        }
        if pending.readableBytes == 0 { pending.clear() } else { pending.discardReadBytes() }
        if isBroken { close(counting: .badLength) }
        if holdsPlace { waitForMore(context, hasAnswered: hasAnswered) }
    }

    /// What happens next, and until when.
    private func waitForMore(_ context: ChannelHandlerContext, hasAnswered: Bool) {
        if !context.channel.isWritable {
            if wait != .room { state.wait(self, for: .room) }
        } else if hasInputEnded {
            finish(context)
        } else if pending.readableBytes == 0 {
            state.wait(self, for: .message)
        } else if hasAnswered || wait != .rest {
            // The time of a message counts from its first byte, however it trickles.
            state.wait(self, for: .rest)
        }
    }

    /// The client has sent all it will; it still gets all its answers.
    private func finish(_ context: ChannelHandlerContext) {
        if wait != .room { state.wait(self, for: .room) }
        let written = context.eventLoop.makePromise(of: Void.self)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in connection.value.close() }
        // Done when everything before it is.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent, holdsPlace {
            hasInputEnded = true
            state.refresh()
            waitForMore(context, hasAnswered: false)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A client that does not take its answers must not make us hold them: reading stops until it does.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        try? context.channel.syncOptions?.setOption(.autoRead, value: isWritable)  // Fails only when it is closed.
        if isWritable, holdsPlace { answerPending(context) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    // MARK: Proxies

    /// `false`: there is no whole header yet, or the connection is closed.
    private func readProxyHeader() -> Bool {
        let reading = unsafe pending.withUnsafeReadableBytes { unsafe ProxyHeader.read($0.bytes) }
        switch reading {
        case .incomplete:
            return false
        case .malformed:
            close(counting: .badProxyHeader)
            return false
        case .header(let header):
            awaitsProxyHeader = false
            pending.moveReaderIndex(forwardBy: header.length)
            // A proxy that speaks for itself is a client like any other, but its connections are not limited.
            guard let client = header.client else { return true }
            guard state.limits.identify(client.address) else {
                close(counting: .refusedPerSource)
                return false
            }
            source = client
            isCounted = true
            return true
        }
    }
}
