import HTTP2Wire
import HTTPWire
import NIOCore

/// What is different for a request that comes over HTTP/2: its ``ClientConnection`` serves this one request, and writes
/// frames of its stream.
extension ClientConnection {
    /// The first bytes of HTTP/2 (RFC 9113 section 3.4).
    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Whether a client without TLS begins with HTTP/2; `nil`: that cannot be told yet.
    var beginsHTTP2: Bool? {
        let start = inbox
        let bytes = start.readableBytesUInt8Span
        let count = Self.preface.utf8CodeUnitCount
        for index in 0..<min(bytes.count, count) {
            // `index` is below the text's length.
            guard unsafe bytes[index] == Self.preface.utf8Start[index] else { return false }
        }
        return bytes.count >= count ? true : nil
    }

    /// From now on each request has a stream.
    func beginStreams() {
        phase = .streams
        becomeHTTP2()
        let connection = HTTP2ClientConnection(carrier: self)
        http2 = connection
        connection.start()
        guard inbox.readableBytes > 0 else { return }
        let bytes = inbox
        inbox = ByteBuffer()
        connection.receive(bytes)
    }

    /// The request's head has come, in the form that HTTP/1.1 has.
    func beginStream(_ head: ByteBuffer) {
        worker.refresh()
        phase = .head
        switch worker.requestHead.parse(head.readableBytesUInt8Span, limits: worker.settings.limits) {
        case .complete:
            begin(head)
        case .failed(let error):
            bump(worker.counters.malformed)
            beginUnknown()
            refuse(error)
        case .incomplete:
            // Cannot be: the head ends with an empty line, and has no other.
            bump(worker.counters.malformed)
            beginUnknown()
            refuse(.badRequestLine)
        }
        processInbox()
    }

    /// A part of the request's body, or of what a tunnel carries.
    func receive(_ bytes: ByteBuffer, padding: Int, isEnd: Bool) {
        guard let stream else { return }
        stream.received(bytes.readableBytes + padding)
        if isEnd { stream.isInputEnded = true }
        guard phase == .exchange || phase == .tunnel else { return }
        if padding > 0 { stream.consumed(padding, isGone: false) }
        if inbox.readableBytes == 0 { inbox = bytes } else { inbox.writeImmutableBuffer(bytes) }
        processInbox()
    }

    /// The request ends with fields behind its body (RFC 9113 section 8.1).
    ///
    /// - Parameter lines: as in HTTP/1.1, with an empty one at the end.
    func receiveTrailers(_ lines: ByteBuffer) {
        guard let stream else { return }
        stream.isInputEnded = true
        stream.trailers = lines
        processInbox()
    }

    /// Takes what has come of the body to the member, or to where it waits for it.
    func processStream(_ stream: ClientStream) {
        switch phase {
        case .exchange where !exchange.isBodyComplete:
            if exchange.isAnswered, upstream == nil { return }
            if exchange.isUpstreamReady, !(upstream?.isWritable ?? true) { return }
            if !exchange.isUpstreamReady, requestBytes.readableBytes >= worker.settings.bufferBytes { return }
            readStreamBody(stream)
        case .tunnel:
            guard exchange.isUpstreamReady, upstream?.isWritable ?? false else { return }
            if inbox.readableBytes > 0 {
                let count = inbox.readableBytes
                upstream?.write(inbox)
                upstream?.flush()
                inbox = ByteBuffer()
                stream.consumed(count, isGone: true)
                touch()
            }
            if stream.isInputEnded, !isInputClosed {
                isInputClosed = true
                upstream?.closeOutput()
            }
        default:
            break
        }
    }

    private func readStreamBody(_ stream: ClientStream) {
        let bytes = inbox
        let count = bytes.readableBytes
        inbox = ByteBuffer()
        exchange.bodyBytes += count
        guard exchange.bodyBytes <= bodyLimit else {
            bump(worker.counters.bodyLimited)
            return reply(413, "The body of the request is larger than is allowed here.")
        }
        // The session has checked that (RFC 9113 section 8.1.1). On a connection that others use too, a member would take
        // what is too much, or comes after too little, for a request.
        let isWhole = stream.isInputEnded ? count == exchange.bodyRemaining : count <= exchange.bodyRemaining
        guard exchange.isChunked || isWhole else { return abort() }
        var output = bytes
        if exchange.isChunked, !exchange.isRaw {
            output = ByteBuffer()
            if count > 0 { output.writeChunk(bytes, 0..<count) }
        } else {
            exchange.bodyRemaining -= count
        }
        if stream.isInputEnded {
            if exchange.isChunked, !exchange.isRaw { output.writeStaticString("0\r\n\r\n") }
            exchange.isBodyComplete = true
        }
        if count > 0 {
            payForTime(count)
            stream.consumed(count, isGone: exchange.isUpstreamReady)
        }
        if output.readableBytes > 0 || exchange.isBodyComplete { sendBody(output) }
    }

    /// Something of the response has left, or can leave again.
    func streamMoved() {
        guard let stream else { return }
        switch phase {
        case .closing where stream.isOutputSent:
            streamFinished(stream)
        case .exchange, .tunnel:
            guard mayReadUpstream else { return }
            acknowledged = nil
            upstream?.resumeReading()
            touch()
        default:
            break
        }
    }

    /// The response was handed over: when all of it has left, this ends.
    func closeStream(_ stream: ClientStream) {
        guard phase != .closed, phase != .closing else { return }
        phase = .closing
        stream.end()
        if stream.isOutputSent { return streamFinished(stream) }
        stream.flush()
        inbox = ByteBuffer()
        awaitTaking()
    }

    private func streamFinished(_ stream: ClientStream) {
        phase = .closed
        stream.finish()
        worker.spares.takeBack(&requestBytes)
        worker.unregister(self)
    }

    /// The stream is gone: the client does not want it any more, or its connection has ended.
    func streamClosed() {
        stream?.closed()
        clientBroke()
        if phase == .exchange || phase == .tunnel { ended(aborted: true) }
        phase = .closed
        releaseUpstream(keep: false)
        worker.spares.takeBack(&requestBytes)
        worker.unregister(self)
    }
}
