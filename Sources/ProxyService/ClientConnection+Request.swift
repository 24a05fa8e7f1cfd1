import Balancing
import HTTPWire
import NIOCore
import Telemetry
import TrafficModel

extension ClientConnection {
    /// Begins the request whose head the worker has just parsed from `bytes`.
    func begin(_ bytes: ByteBuffer) {
        let head = worker.requestHead
        let now = worker.now()
        phase = .exchange
        exchange = Exchange()
        exchange.began = now
        exchange.view = listener.view
        exchange.listenerPosition = listener.position
        exchange.method = head.method
        exchange.isOldClient = head.minorVersion == 0
        requestCount += 1
        exchange.keepsAlive =
            head.keepsAlive && !isLeaving && mayHoldRequests && requestCount < worker.settings.requestsPerConnection
        exchange.isClientLeaving = !head.keepsAlive
        exchange.wantsWebSocket = head.wantsWebSocket
        exchange.expectsContinue = head.expectsContinue
        exchange.acceptsTrailers = head.acceptsTrailers
        exchange.identifier = worker.nextIdentifier()
        countRequest()
        if forwarding.isTrusted {
            exchange.origin = head.origin(bytes.readableBytesUInt8Span, trusts: listener.snapshot.trusts)
        }
        logRequest(bytes, head)
        if stream != nil { noteGRPC(bytes, head) }
        if isSurplus || worker.isShortOfMemory {
            exchange.isBodyComplete = head.framing == .none
            bump(worker.counters.overloaded)
            return reply(503, "This server is busy; try again in a moment.", retryAfter: 1, closes: true)
        }

        switch head.framing {
        case .none, .untilClose, .length(0):
            exchange.isBodyComplete = true
        case .length(let length):
            exchange.isBodyComplete = false
            exchange.bodyRemaining = length
            guard length <= bodyLimit else {
                bump(worker.counters.bodyLimited)
                return reply(413, "The body of the request is larger than is allowed here.")
            }
        case .chunked:
            exchange.isBodyComplete = false
            exchange.isChunked = true
        }
        if !exchange.isBodyComplete { exchange.bodyDeadline = deadline(in: worker.settings.bodyTimeout) }
        if head.loops(bytes.readableBytesUInt8Span, via: forwarding.via) {
            bump(worker.counters.loops)
            return reply(508, "This request has come through here before: its route leads in a circle.")
        }
        if head.maxForwards == 0 {
            // RFC 9110 section 7.6.2: this is as far as the request may go, so it is answered here.
            return respond(Route.FixedResponse())
        }
        route(bytes, head, now)
    }

    /// A request that was not understood: enough to answer and log it.
    func beginUnknown() {
        phase = .exchange
        noteUnknown()
    }

    /// A request that came to nothing on a connection of HTTP/2, and has no stream to be answered on: it counts and has
    /// its line, as if that had been the answer.
    func passOver(status: Int) {
        noteUnknown()
        exchange.status = status
        ended(aborted: false)
    }

    private func noteUnknown() {
        exchange = Exchange()
        exchange.began = worker.now()
        exchange.identifier = worker.nextIdentifier()
        countRequest()
    }

    private func route(_ bytes: ByteBuffer, _ head: RequestHead, _ now: UInt64) {
        let snapshot = listener.snapshot
        guard case .http(let table) = snapshot.mode else {
            return reply(503, "This address no longer takes requests.")
        }
        let span = bytes.readableBytesUInt8Span
        worker.hostScratch.removeAll(keepingCapacity: true)
        head.appendHost(span, to: &worker.hostScratch)
        if let certificate, let tls, tls.entries.count > 1, !head.authority.host.isEmpty {
            // RFC 9110 section 7.4: a host that another certificate speaks for was not meant to come this way.
            guard tls.serves(String(decoding: worker.hostScratch, as: UTF8.self), over: certificate) else {
                return reply(421, "This host is not served on a connection that was made for another.")
            }
        }
        let isNormal = head.isPathMatched
        worker.normalPath.removeAll(keepingCapacity: true)
        if !isNormal {
            guard PathNormaliser.append(span.extracting(head.path.range), to: &worker.normalPath) else {
                bump(worker.counters.malformed)
                return reply(400, "The path climbs above its root.", closes: true)
            }
        }
        let hostText = worker.hostScratch
        let normalised = worker.normalPath
        let match = table.match(
            host: hostText.span, path: isNormal ? span.extracting(head.path.range) : normalised.span,
            method: span.extracting(head.methodRange.range)
        ) { head.fulfils($0, bytes.readableBytesUInt8Span, forwarding) }
        guard let match else { return reply(404, "No route matches this host and path.") }
        exchange.route = match
        if let limiter = table.routes[match].limiter {
            if case .refuse(let seconds) = limiter.check(client: exchange.origin ?? client, now: now) {
                bump(worker.counters.rateLimited)
                return reply(429, "Too many requests; try again later.", retryAfter: seconds)
            }
        }
        switch table.routes[match].action {
        case .upstream(let index):
            exchange.upstream = index
            exchange.isRaw = exchange.view?.snapshot.upstreams[index].http2 ?? false
            if exchange.wantsWebSocket { judgeWebSocket(bytes.readableBytesUInt8Span, head) }
            writeRequest(bytes, head, path: !isNormal && worker.settings.forwardsNormalPath ? normalised : [])
        case .redirect(let redirect):
            redirectTo(redirect, bytes, head)
        case .respond(let response):
            respond(response)
        }
    }

    /// Members of HTTP/1.1 judge a client's handshake, and the client judges their answer. What speaks HTTP/2 on either
    /// side knows nothing of keys: then both are done here.
    private func judgeWebSocket(_ bytes: Span<UInt8>, _ head: RequestHead) {
        if stream == nil {
            exchange.webSocketFault = head.webSocketFault(bytes)
        } else {
            exchange.webSocketAccept = head.webSocketAccept(bytes)
        }
    }

    /// The member would be asked for WebSocket over HTTP/2, and the client's handshake is no good.
    func refuseWebSocket(_ fault: RequestHead.WebSocketFault) {
        bump(worker.counters.malformed)
        switch fault {
        case .key: reply(400, "WebSocket needs one key of sixteen bytes.", closes: true)
        case .version: reply(400, "WebSocket needs one version.", closes: true)
        case .otherVersion: reply(426, "WebSocket is spoken in version 13 only.", closes: true)
        }
    }

    /// - Parameter path: sent instead of the one that came, unless empty.
    private func writeRequest(_ bytes: ByteBuffer, _ head: RequestHead, path: [UInt8]) {
        worker.spares.lend(to: &requestBytes)
        if stream == nil { worker.spares.lend(to: &outbox) }
        requestBytes.clear()
        let forwarding = self.forwarding
        let identifier = exchange.identifier
        let upgrade = exchange.wantsWebSocket
        let fitted = requestBytes.appendHead(capacity: head.forwardedSize(forwarding) + path.count) { writer in
            head.write(
                bytes.readableBytesUInt8Span, path: path.span, forwarding: forwarding, identifier: identifier,
                upgrade: upgrade, to: &writer)
        }
        exchange.headLength = requestBytes.readableBytes
        guard fitted else { return reply(431, "The head of the request is too large.") }
        if !exchange.isBodyComplete, inbox.readableBytes > 0 { _ = readBody() }
        // The body may have been refused.
        if phase == .exchange, !exchange.isAnswered, upstream == nil { tryMember() }
    }

    /// Takes body bytes from the inbox to the member, or to where they wait for it.
    ///
    /// - Returns: `false` when no more can be taken for now.
    func readBody() -> Bool {
        if exchange.isAnswered, upstream == nil {
            // Answered here, with the connection about to close.
            inbox.clear()
            return false
        }
        if !exchange.isUpstreamReady, requestBytes.readableBytes >= worker.settings.bufferBytes { return false }
        if exchange.isChunked { return readChunks() }
        let count = min(exchange.bodyRemaining, inbox.readableBytes)
        guard let piece = inbox.readSlice(length: count) else { return false }
        exchange.bodyRemaining -= count
        exchange.bodyBytes += count
        payForTime(count)
        if exchange.bodyRemaining == 0 { exchange.isBodyComplete = true }
        sendBody(piece)
        return true
    }

    private func readChunks() -> Bool {
        let bytes = inbox
        var offset = 0
        var output = ByteBuffer()
        var failure: HeadError?
        reading: while true {
            switch exchange.chunks.next(bytes.readableBytesUInt8Span, offset: &offset) {
            case .data(let range):
                exchange.bodyBytes += range.count
                guard exchange.bodyBytes <= bodyLimit else {
                    bump(worker.counters.bodyLimited)
                    reply(413, "The body of the request is larger than is allowed here.")
                    return false
                }
                if exchange.isRaw {
                    output.writeImmutableBuffer(
                        bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer())
                } else {
                    output.writeChunk(bytes, range)
                }
            case .end(let trailers):
                // They are dropped, because hardly any server expects them, but must be such.
                if trailers.count > 2 {
                    failure = worker.trailerFields.parse(bytes.readableBytesUInt8Span.extracting(trailers))
                    if failure != nil { break reading }
                }
                if !exchange.isRaw { output.writeStaticString("0\r\n\r\n") }
                exchange.isBodyComplete = true
                break reading
            case .incomplete:
                break reading
            case .failed(let error):
                failure = error
                break reading
            }
        }
        inbox.moveReaderIndex(forwardBy: offset)
        payForTime(offset)
        if let failure {
            bump(worker.counters.malformed)
            refuse(failure)
            return false
        }
        if output.readableBytes > 0 || exchange.isBodyComplete { sendBody(output) }
        return exchange.isBodyComplete || offset > 0
    }

    /// Bytes that the body may have. A request keeps the limit that it began with, whatever a reload says meanwhile.
    var bodyLimit: Int { exchange.view?.settings.bodyBytes ?? worker.settings.bodyBytes }

    /// Each byte of a body buys its sender time, never more than the longest wait at once: who sends less than the
    /// least rate runs out of it.
    func payForTime(_ bytes: Int) {
        let settings = exchange.view?.settings ?? worker.settings
        let full = deadline(in: settings.bodyTimeout)
        guard settings.bodyByteTime > 0 else {
            exchange.bodyDeadline = full
            return
        }
        let (bought, tooMuch) = settings.bodyByteTime.multipliedReportingOverflow(by: UInt64(bytes))
        let (sum, overflow) = exchange.bodyDeadline.addingReportingOverflow(bought)
        exchange.bodyDeadline = tooMuch || overflow ? full : min(sum, full)
    }

    func sendBody(_ piece: ByteBuffer) {
        var piece = piece
        if exchange.isUpstreamReady {
            if exchange.canReplay, !exchange.hasResponseBytes,
                requestBytes.readableBytes + piece.readableBytes <= worker.settings.bufferBytes
            {
                requestBytes.writeImmutableBuffer(piece)
            } else if exchange.canReplay {
                exchange.canReplay = false
                requestBytes = ByteBuffer()
            }
            upstream?.write(piece, isEnd: exchange.isBodyComplete)
            upstream?.flush()
            exchange.headDeadline = 0
        } else {
            requestBytes.writeBuffer(&piece)
        }
        touch()
    }
}

extension ByteBuffer {
    /// One chunk with the bytes `range` of `source` (RFC 9112 section 7.1).
    mutating func writeChunk(_ source: ByteBuffer, _ range: Range<Int>) {
        writeChunkSize(range.count)
        writeImmutableBuffer(source.getSlice(at: source.readerIndex + range.lowerBound, length: range.count) ?? .init())
        writeStaticString("\r\n")
    }

    mutating func writeChunkSize(_ count: Int) {
        var started = false
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8((count >> shift) & 15)
            if digit == 0, !started, shift > 0 { continue }
            started = true
            writeInteger(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        writeStaticString("\r\n")
    }
}
