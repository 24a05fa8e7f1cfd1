import HTTP2Wire
import HTTPWire
import NIOCore
import Sockets
import Synchronization

/// Deadlines, and the ways in which a connection ends.
extension ClientConnection {
    /// How long what still comes is read and forgotten.
    private static let lingering: UInt64 = 3_000_000_000

    func deadline(in timeout: UInt64) -> UInt64 { worker.deadline(in: timeout) }

    func setDeadline(_ timeout: UInt64) { setDeadline(at: deadline(in: timeout)) }

    func setDeadline(at time: UInt64) {
        deadline = time
        worker.noteDeadline(time)
    }

    /// The listener goes away: what runs may end.
    func drain() {
        switch phase {
        case .idle where isIdle:
            // Half-closed rather than closed: a request that is on its way is read and lost, but the client sees an
            // orderly end before any byte of a response, which is the case that clients repeat a request in.
            closeGracefully()
        case .streams:
            http2?.drain()
        case .tunnel, .handshake, .idle, .head, .exchange, .closing, .closed:
            exchange.keepsAlive = false
        }
    }

    /// What would be lost with the connection, for the choice of one whose place is needed.
    enum Standing {
        /// No whole request has come yet.
        case newcomer
        /// Between requests.
        case idle
        /// A further request has begun to come, at that time, and is not whole.
        case stalled(since: UInt64)
        /// All was said to it.
        case ending
        /// Requests are served, or it is over.
        case busy
    }

    var standing: Standing {
        switch phase {
        case .handshake: .newcomer
        case .idle where !hasAsked, .head where !hasAsked, .streams where !hasAsked: .newcomer
        case .head: .stalled(since: waitingSince)
        case .idle, .streams:
            if !isIdle { .busy } else if let since = http2?.isStalledSince { .stalled(since: since) } else { .idle }
        case .closing: .ending
        case .exchange, .tunnel, .closed: .busy
        }
    }

    /// Between requests, with nothing begun.
    var isIdle: Bool { phase == .streams ? http2?.isIdle ?? false : phase == .idle && inbox.readableBytes == 0 }

    /// Whether any request has come. The first of a new connection may be on its way.
    var hasAsked: Bool { requestCount > 0 || http2?.hasAsked ?? false }

    /// Whether all that was said has been given to the kernel.
    var owesNothing: Bool { (channel?.unsentBytes ?? 0) == 0 && http2?.bufferedBytes ?? 0 == 0 }

    /// Whether the kernel sees to it that what it was given arrives, when the connection is closed at once. It does not
    /// where something comes meanwhile, as from clients of HTTP/2 at any time: of these all must have arrived.
    var mayCloseAtOnce: Bool { http2 == nil || !hasUnsentBytes }

    /// Its place is needed, now: nothing is waited for. HTTP/2 and TLS say their last words without an answer.
    func evict() {
        http2?.sayFarewell()
        abort()
        // Handlers may wait for the other side.
        channel?.close()
    }

    /// Whether this connection takes no further request.
    var isLeaving: Bool { listener.isDraining || worker.shared.isStopping.load(ordering: .relaxed) }

    /// Closes at once, whatever is unsaid.
    ///
    /// - Parameter code: the reason that a client of HTTP/2 is told.
    func abort(_ code: ErrorCode = .internalError) {
        guard phase != .closed else { return }
        if phase == .exchange || phase == .tunnel { ended(aborted: true) }
        breakTunnel()
        phase = .closed
        http2?.abortStreams()
        releaseUpstream(keep: false)
        if let stream {
            stream.reset(code)
            worker.unregister(self)
        }
        closeChannel()
    }

    /// Closes at once. Whoever talks through a tunnel is not to take this for the other's end.
    func cutOff() { if phase == .tunnel { resetTunnel() } else { abort() } }

    /// Whether the connection ends right behind the response: the client said that it sends nothing more, so that nothing
    /// can arrive that would be answered by a reset and cost it the response. Behind a body something may: clients have
    /// sent an empty line there.
    var endsWithResponse: Bool {
        exchange.isClientLeaving && exchange.isBodyComplete && inbox.readableBytes == 0 && tls == nil && stream == nil
            && (exchange.method == .get || exchange.method == .head) && exchange.bodyBytes == 0 && !exchange.isChunked
    }

    /// Closes when all that was written has been sent.
    func closeGracefully() {
        if let stream { return closeStream(stream) }
        guard phase != .closed, phase != .closing, let channel else { return }
        if endsWithResponse, channel.unsentBytes == 0 {
            // All is with the kernel, which sees to it that it arrives.
            phase = .closed
            channel.close()
            return
        }
        http2?.sayFarewell()
        phase = .closing
        inbox = ByteBuffer()
        setDeadline(Self.lingering)
        if isInputClosed {
            let promise = worker.loop.makePromise(of: Void.self)
            let bound = NIOLoopBound(self, eventLoop: worker.loop)
            promise.futureResult.whenComplete { _ in bound.value.closeChannel() }
            channel.whenSent(promise)
        } else {
            closeOutput()
            resumeReading()
        }
    }
}
