import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore
import Sockets

extension ClientConnection {
    /// Interim responses to one request; more is a server that has gone wrong.
    static let interimLimit = 32
    /// Body pieces up to this size are copied next to what is written with them; larger ones are passed on as they are.
    private static let copyLimit = 4096

    func upstreamRead(_ connection: UpstreamLink, _ bytes: ByteBuffer) {
        guard upstream === connection else { return }
        if phase == .tunnel {
            passTunnel(bytes)
            return setDeadline(worker.settings.tunnelTimeout)
        }
        guard exchange.isUpstreamReady else { return }
        if !exchange.hasResponseBytes {
            exchange.hasResponseBytes = true
            exchange.upstreamAnswered = worker.now()
        }
        var input = bytes
        if responseInbox.readableBytes > 0 {
            responseInbox.writeImmutableBuffer(bytes)
            input = responseInbox
            responseInbox = ByteBuffer()
        }
        while input.readableBytes > 0, upstream === connection, phase == .exchange {
            let before = input.readableBytes
            if !exchange.isAnswered {
                guard readResponseHead(&input) else { break }
                if phase == .exchange, exchange.isAnswered,
                    exchange.responseFraming == .none || exchange.responseRemaining == 0
                {
                    if exchange.responseFraming != .chunked, exchange.responseFraming != .untilClose {
                        complete(surplus: input.readableBytes > 0)
                        return
                    }
                }
            } else {
                readResponseBody(&input)
                if input.readableBytes == before { break }
            }
        }
        if phase == .tunnel, input.readableBytes > 0 {
            passTunnel(input)
            return
        }
        if upstream === connection, phase == .exchange {
            if input.readableBytes > 0 { responseInbox = ByteBuffer(bytes: input.readableBytesView) }
            touch()
        }
    }

    func upstreamReadComplete(_ connection: UpstreamLink) {
        guard upstream === connection else { return }
        flushOutbox()
    }

    private func passTunnel(_ bytes: ByteBuffer) {
        exchange.bytesOut += bytes.readableBytes
        if let stream { stream.send(bytes, isEnd: false) } else { write(bytes) }
    }

    /// Sends what was collected for the client.
    ///
    /// - Parameter endsNext: the connection is closed right behind it.
    func flushOutbox(endsNext: Bool = false) {
        if let stream { return stream.flush() }
        writeOutbox()
        if endsNext, let channel { channel.flush(endsNext: true) } else { flushChannel() }
        // When all of it has left, its memory is used again.
        outbox.clear()
    }

    private func writeOutbox() {
        guard outbox.readableBytes > 0 else { return }
        exchange.bytesOut += outbox.readableBytes
        write(outbox)
        outbox.moveReaderIndex(to: outbox.writerIndex)
    }

    /// - Returns: whether there was a whole head.
    private func readResponseHead(_ input: inout ByteBuffer) -> Bool {
        let head = worker.responseHead
        let bytes = input
        switch head.parse(bytes.readableBytesUInt8Span, limits: worker.settings.responseLimits, method: exchange.method)
        {
        case .incomplete:
            return false
        case .failed:
            bump(worker.counters.malformed)
            fail(502, "The response of the server is malformed.")
            return false
        case .complete:
            break
        }
        input.moveReaderIndex(forwardBy: head.byteCount)
        if head.status == 101 {
            switchProtocols(bytes, head)
        } else if head.isInterim {
            passInterim(bytes, head)
        } else {
            passHead(bytes, head)
        }
        return true
    }

    private func passInterim(_ bytes: ByteBuffer, _ head: ResponseHead) {
        exchange.interim += 1
        guard exchange.interim <= Self.interimLimit else { return failOfInterim() }
        // RFC 9110 section 15.2: HTTP/1.0 has none.
        guard !exchange.isOldClient else { return }
        if head.status == 100 {
            guard exchange.expectsContinue, !exchange.continueSent else { return }
            exchange.continueSent = true
        }
        writeHead(bytes, head, .init(framing: .none, connection: .keep))
    }

    func failOfInterim() { fail(502, "The server sent too many interim responses.") }

    /// Asks the client for the body in the member's stead.
    func sendContinue() {
        exchange.continueSent = true
        if let stream {
            return stream.sendHead(isEnd: false) { $0.add(status: 100) }
        }
        outbox.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        flushOutbox()
    }

    private func passHead(_ bytes: ByteBuffer, _ head: ResponseHead) {
        lease?.reportSuccess()
        exchange.isAnswered = true
        exchange.bytesBeforeHead = exchange.bytesOut
        exchange.isMembers = true
        exchange.status = Int(head.status)
        exchange.responseFraming = head.framing
        exchange.upstreamKeepsAlive = head.keepsAlive
        exchange.idleSeconds = head.idleSeconds
        if isLeaving { exchange.keepsAlive = false }
        // With a body still to come, nobody knows when the client's next request begins.
        if !exchange.isBodyComplete { exchange.keepsAlive = false }
        // What came behind a request for WebSocket that was declined may be frames rather than requests.
        if exchange.wantsWebSocket, inbox.readableBytes > 0 { exchange.keepsAlive = false }
        switch head.framing {
        case .none:
            exchange.delivery = .none
        case .length(let length):
            exchange.responseRemaining = length
            exchange.delivery = head.framing
        case .chunked, .untilClose:
            exchange.delivery = exchange.isOldClient ? .untilClose : .chunked
            if exchange.isOldClient { exchange.keepsAlive = false }
        }
        let connection: ResponseHead.Delivery.Connection =
            !exchange.keepsAlive ? .close : exchange.isOldClient ? .keepAlive : .keep
        writeHead(bytes, head, .init(framing: exchange.delivery, connection: connection))
    }

    func writeHead(_ bytes: ByteBuffer, _ head: ResponseHead, _ delivery: ResponseHead.Delivery) {
        worker.date.refresh()
        let date = worker.date.bytes
        if let stream {
            let isEnd = head.status >= 200 && (delivery.framing == .none || delivery.framing == .length(0))
            return stream.sendHead(isEnd: isEnd) { HTTP2ResponseHead.write(bytes, head, date: date, to: $0) }
        }
        let size = head.forwardedSize(date: date.span, via: Span())
        let fitted = outbox.appendHead(capacity: size) { writer in
            head.write(
                bytes.readableBytesUInt8Span, delivery: delivery, date: date.span, via: Span(),
                to: &writer)
        }
        if !fitted { abort() }
    }

    private func readResponseBody(_ input: inout ByteBuffer) {
        switch exchange.responseFraming {
        case .none:
            complete(surplus: true)
        case .length:
            let count = min(exchange.responseRemaining, input.readableBytes)
            exchange.responseRemaining -= count
            if let piece = input.readSlice(length: count) { deliver(piece, isEnd: exchange.responseRemaining == 0) }
            if exchange.responseRemaining == 0 { complete(surplus: input.readableBytes > 0) }
        case .untilClose:
            if let piece = input.readSlice(length: input.readableBytes) { deliver(piece) }
        case .chunked:
            readResponseChunks(&input)
        }
    }

    private func readResponseChunks(_ input: inout ByteBuffer) {
        let bytes = input
        var offset = 0
        while true {
            switch exchange.responseChunks.next(bytes.readableBytesUInt8Span, offset: &offset) {
            case .data(let range):
                deliver(bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer())
            case .incomplete:
                input.moveReaderIndex(forwardBy: offset)
                return
            case .failed:
                bump(worker.counters.malformed)
                return breakOff()
            case .end(let range):
                input.moveReaderIndex(forwardBy: offset)
                if let stream {
                    if range.count > 2 {
                        stream.send(
                            trailers: bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                                ?? ByteBuffer())
                    }
                } else if exchange.delivery == .chunked {
                    outbox.writeStaticString("0\r\n")
                    if range.count > 2, exchange.acceptsTrailers {
                        writeTrailers(
                            bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                                ?? ByteBuffer())
                    }
                    outbox.writeStaticString("\r\n")
                }
                return complete(surplus: input.readableBytes > 0)
            }
        }
    }

    private func writeTrailers(_ bytes: ByteBuffer) {
        let trailers = worker.trailerFields
        guard trailers.parse(bytes.readableBytesUInt8Span) == nil else { return }
        _ = outbox.appendHead(capacity: bytes.readableBytes + trailers.fields.count) { writer in
            let span = bytes.readableBytesUInt8Span
            for index in 0..<trailers.fields.count where !trailers.fields[index].isDropped {
                let line = trailers.fields[index]
                writer.write(span, line.nameRange)
                writer.write(": ")
                writer.write(span, line.value)
                writer.write("\r\n")
            }
        }
    }

    /// Passes a piece of the body on, in the form that the client was promised.
    private func deliver(_ piece: ByteBuffer, isEnd: Bool = false) {
        guard piece.readableBytes > 0 else { return }
        if let stream {
            exchange.bytesOut += piece.readableBytes
            return stream.send(piece, isEnd: isEnd)
        }
        let isChunked = exchange.delivery == .chunked
        if isChunked { outbox.writeChunkSize(piece.readableBytes) }
        if piece.readableBytes <= Self.copyLimit {
            outbox.writeImmutableBuffer(piece)
        } else {
            writeOutbox()
            outbox.clear()
            exchange.bytesOut += piece.readableBytes
            write(piece)
        }
        if isChunked { outbox.writeStaticString("\r\n") }
    }

    /// A body that ended with the member's connection is whole.
    func finishResponse() {
        if exchange.delivery == .chunked, stream == nil { outbox.writeStaticString("0\r\n\r\n") }
        complete(surplus: true)
    }

    /// The response is whole. With a surplus the member's connection is not in step any more.
    private func complete(surplus: Bool) {
        let keep =
            exchange.upstreamKeepsAlive && exchange.isBodyComplete && !surplus && !(upstream?.isInputClosed ?? true)
        releaseUpstream(keep: keep)
        finish()
    }

    /// The client has been sent its response, made here or by a member.
    func finish() {
        flushOutbox(endsNext: endsWithResponse && !exchange.keepsAlive && !isInputClosed)
        // The client may be gone by now, which ended all of this.
        guard phase != .closed else { return }
        let goesOn = exchange.keepsAlive && exchange.isBodyComplete && mayHoldRequests && stream == nil
        if !goesOn, isInputClosed, stream == nil, hasUnsentBytes { return awaitReceipt() }
        received(goesOn: goesOn)
    }

    /// The client has ended its side: it may only have said all, or be gone, which its answer to what was sent shows. What
    /// it is counted and logged as waits for that.
    private func awaitReceipt() {
        exchange.awaitsReceipt = true
        noteTaken()
        // From here on it takes enough, or not.
        _ = takesEnough()
        setDeadline(Self.receiptLook)
    }

    /// Notes what the client is known to have of the response.
    func noteTaken() { exchange.bytesTaken = max(exchange.bytesOut - (outstandingBytes ?? 0), 0) }

    /// Whether the client has taken all by now.
    func lookForReceipt() {
        guard hasUnsentBytes else { return received(goesOn: false) }
        noteTaken()
        exchange.receiptLooks += 1
        let (waited, overflow) = Self.receiptLook.multipliedReportingOverflow(by: UInt64(exchange.receiptLooks))
        if overflow || waited >= worker.settings.bodyTimeout {
            guard takesEnough() else { return abort() }
            exchange.receiptLooks = 0
        }
        setDeadline(Self.receiptLook)
    }

    private static let receiptLook: UInt64 = 50_000_000

    private func received(goesOn: Bool) {
        ended(aborted: false)
        exchange.view = nil
        exchange.newerView = nil
        guard goesOn else { return closeGracefully() }
        beginIdle(at: worker.now())
        worker.spares.takeBack(&outbox)
        worker.spares.takeBack(&requestBytes)
        if inbox.readableBytes > 0 { processInbox() }
        resumeReading()
    }
}
