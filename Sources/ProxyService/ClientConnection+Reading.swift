import HTTPWire
import NIOCore
import Sockets

/// What comes from the client: when it is read, and what becomes of it.
extension ClientConnection {
    /// What is read and forgotten after the last response.
    private static let discardLimit = 1 << 20

    func resumeReading() {
        guard mayReadSocket else { return }
        if let context {
            guard isReadPending else { return }
            isReadPending = false
            context.read()
        } else {
            channel?.resumeReading()
        }
    }

    var mayReadSocket: Bool {
        switch phase {
        case .handshake, .closing, .closed:
            return true
        case .idle, .head, .streams:
            // Whoever does not take answers asks for no more of them.
            return channel?.isWritable ?? true
        case .exchange:
            if exchange.isBodyComplete { return inbox.readableBytes == 0 }
            if exchange.isUpstreamReady { return upstream?.isWritable ?? true }
            return requestBytes.readableBytes < worker.settings.bufferBytes
        case .tunnel:
            return exchange.isUpstreamReady && (upstream?.isWritable ?? false)
        }
    }

    /// Whether the member may send more: not while the client does not take what it sent.
    var mayReadUpstream: Bool {
        if let stream { return stream.isWritable }
        return channel?.isWritable ?? true
    }

    func socketRead(_ bytes: ByteBuffer) {
        bump(worker.counters.bytesIn, by: bytes.readableBytes)
        switch phase {
        case .tunnel where !exchange.isUpstreamReady:
            // What came with the words that made this a tunnel; more is not read before the member is there.
            inbox.writeImmutableBuffer(bytes)
        case .tunnel:
            upstream?.write(bytes)
            setDeadline(worker.settings.tunnelTimeout)
        case .closing:
            discarded += bytes.readableBytes
            if discarded > Self.discardLimit { closeChannel() }
        case .handshake, .closed:
            break
        case .streams:
            http2?.receive(bytes)
        case .idle, .head, .exchange:
            if inbox.readableBytes == 0 {
                inbox = bytes
                searched = 0
            } else {
                inbox.writeImmutableBuffer(bytes)
            }
            processInbox()
        }
    }

    func socketReadComplete() {
        if phase == .tunnel { upstream?.flush() }
        if phase == .streams { return http2?.readComplete() ?? () }
        if inbox.readableBytes == 0 {
            // Not to hold what the channel wants to read into next.
            inbox = ByteBuffer()
        } else if inbox.storageCapacity > 4 * inbox.readableBytes {
            inbox = ByteBuffer(bytes: inbox.readableBytesView)
        }
    }

    func socketWritabilityChanged() {
        if let http2 { return http2.writabilityChanged() }
        guard channel?.isWritable ?? false else { return touch() }
        acknowledged = nil
        upstream?.resumeReading()
        touch()
        guard phase == .idle || phase == .head else { return }
        // Requests that wait behind answers which were not taken.
        processInbox()
        resumeReading()
    }

    /// Whether there may be more requests: they have come, or can come.
    var mayHoldRequests: Bool { !isInputClosed || inbox.readableBytes > 0 }

    /// Reads as many requests from the inbox as can be begun: one, unless its response is made here.
    func processInbox() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        worker.refresh()
        if let stream { return processStream(stream) }
        while inbox.readableBytes > 0 {
            switch phase {
            case .idle, .head:
                guard mayReadSocket else { return }
                guard readHead() else {
                    // No more comes of it.
                    if isInputClosed, phase == .idle || phase == .head { closeGracefully() }
                    return
                }
            case .exchange:
                guard !exchange.isBodyComplete else { return }
                guard readBody() else { return }
            default:
                return
            }
        }
    }

    /// - Returns: whether there was a whole head.
    private func readHead() -> Bool {
        let settings = worker.settings
        if requestCount == 0, tls == nil, listener.offersHTTP2 {
            switch beginsHTTP2 {
            case true?:
                beginStreams()
                return false
            case nil:
                if phase == .idle {
                    phase = .head
                    setDeadline(settings.headTimeout)
                }
                return false
            case false?:
                break
            }
        }
        if phase == .idle {
            phase = .head
            if hasAsked { waitingSince = worker.tickTime }
            searched = 0
            setDeadline(settings.headTimeout)
        } else if inbox.readableBytes < settings.limits.bytes {
            // Bounds the work on a head that trickles in: each attempt needs a new end of a line.
            let bytes = inbox
            let isNew = containsLineFeed(bytes.readableBytesUInt8Span.extracting(searched..<bytes.readableBytes))
            searched = bytes.readableBytes
            guard isNew else { return false }
        }
        let bytes = inbox
        searched = bytes.readableBytes
        switch worker.requestHead.parse(bytes.readableBytesUInt8Span, limits: settings.limits) {
        case .incomplete:
            return false
        case .failed(let error):
            bump(worker.counters.malformed)
            beginUnknown()
            refuse(error)
            return false
        case .complete:
            inbox.moveReaderIndex(forwardBy: worker.requestHead.byteCount)
            searched = 0
            begin(bytes)
            return true
        }
    }

}
