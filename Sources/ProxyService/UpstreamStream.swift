import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore

/// A request on a connection to a member that speaks HTTP/2.
final class UpstreamStream: UpstreamLink {
    private let connection: HTTP2MemberConnection
    /// Among the connection's streams; `nil`: not begun, or closed.
    private var place: Int?
    private var body = OutgoingBody()
    private var isRequestEnded = false
    private var isResponseEnded = false
    private var hasHead = false
    /// Of a response that says its length: what is missing; `nil`: it does not say.
    private var remaining: Int?
    /// What the client does not take yet, in the form of HTTP/1.1.
    private var held: CircularBuffer<(bytes: ByteBuffer, credit: Int)>?
    private var window: ReceiveWindow
    /// Frames that had come on the connection when the request was sent.
    private var framesBefore = 0
    /// WebSocket was asked for, with extended CONNECT (RFC 8441).
    private var asksForTunnel = false
    /// The member has agreed: bytes pass both ways as they come.
    private var isTunnel = false
    private var isEndTold = false
    /// What tells a client of HTTP/1.1 that its key was understood.
    var webSocketAccept: [UInt8] = []

    init(connection: HTTP2MemberConnection, client: ClientConnection) {
        self.connection = connection
        window = ReceiveWindow(size: HTTP2MemberConnection.streamWindow)
        super.init(member: connection.member, client: client, isTLS: connection.isTLS)
        uses = 0
    }

    override var isShared: Bool { true }

    override var isWritable: Bool { body.count < connection.highWater && connection.isWritable }

    override var unsentBytes: Int { body.count + window.held }

    // MARK: The request

    /// The request is one for WebSocket, which waits for the member to say whether it takes such.
    var wantsTunnel: Bool { client?.exchange.wantsWebSocket ?? false }

    override func send(_ request: ByteBuffer, headLength: Int, isEnd: Bool) {
        var rest = request
        asksForTunnel = wantsTunnel && connection.session.peerAllowsConnect
        if wantsTunnel, !asksForTunnel, client?.stream != nil {
            // Its client asked with CONNECT, to which there is no other answer. One of HTTP/1.1 may be declined.
            client?.fail(502, "The server does not take WebSocket over HTTP/2.")
            return
        }
        guard let head = rest.readSlice(length: headLength) else { return fail() }
        // If it closes without an answer, that is the kept connection's end rather than the member's.
        if connection.isKept { uses += 1 }
        framesBefore = connection.frameCount
        let isWhole = isEnd && rest.readableBytes == 0 && client?.stream?.trailers == nil && !asksForTunnel
        isRequestEnded = isWhole
        place = connection.open(self, head, isEnd: isWhole, asksForTunnel: asksForTunnel)
        guard place != nil else { return fail() }
        if !isWhole, !asksForTunnel, rest.readableBytes > 0 || isEnd { write(rest, isEnd: isEnd) }
    }

    override func write(_ bytes: ByteBuffer, isEnd: Bool = false) {
        guard let place, !isRequestEnded else { return }
        isRequestEnded = isEnd
        let trailers = isEnd ? client?.stream?.trailers : nil
        if bytes.readableBytes > 0 || (isEnd && trailers == nil) {
            _ = body.write(bytes, isEnd: isEnd && trailers == nil, connection.session, place)
        }
        if let trailers { body.end(trailers: trailers, connection.session, place, connection.trailerFields) }
        connection.flushSoon()
        if isRequestEnded { connection.settle(place, self) }
    }

    override func flush() { connection.flushSoon() }

    override func closeOutput() {
        write(ByteBuffer(), isEnd: true)
        flush()
    }

    /// Sends what the member's windows allow by now.
    ///
    /// - Returns: whether there was anything.
    func push() -> Bool {
        guard let place, body.isEnded != body.isSent || body.count > 0 else { return false }
        return body.push(connection.session, place, connection.trailerFields) > 0 || body.isSent
    }

    func noteWritable() { if isWritable { client?.upstreamWritable(self) } }

    // MARK: The response

    /// A head, interim ones included.
    func receiveHead(_ fields: FieldSection, isEnd: Bool, _ worker: ProxyWorker) {
        guard let client else { return }
        if isEnd { isResponseEnded = true }
        let status = fields.status
        if asksForTunnel, status / 100 == 2 { return beginTunnel(fields, isEnd: isEnd, worker) }
        var bytes = worker.takeHeadBuffer()
        bytes.writeStaticString("HTTP/1.1 ")
        bytes.writeImmutableSpan(fields.value(0))
        bytes.writeStaticString(" ")
        bytes.writeStaticString(statusReason(UInt16(status)))
        bytes.writeStaticString("\r\n")
        fields.writeLines(to: &bytes)
        if status >= 200 {
            hasHead = true
            let hasBody = client.exchange.method != .head && status != 204 && status != 304
            if !hasBody {
                remaining = 0
            } else if let length = fields.length {
                remaining = length
            } else if isEnd {
                remaining = 0
                bytes.writeStaticString("content-length: 0\r\n")
            } else {
                bytes.writeStaticString("transfer-encoding: chunked\r\n")
            }
        }
        bytes.writeStaticString("\r\n")
        deliver(bytes, credit: 0)
        worker.giveBack(bytes)
    }

    /// RFC 8441 section 5: what HTTP/2 says with 200 is 101 in HTTP/1.1.
    private func beginTunnel(_ fields: FieldSection, isEnd: Bool, _ worker: ProxyWorker) {
        hasHead = true
        isTunnel = true
        var bytes = worker.takeHeadBuffer()
        bytes.writeStaticString("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n")
        bytes.writeStaticString("sec-websocket-accept: ")
        bytes.writeBytes(webSocketAccept)
        bytes.writeStaticString("\r\n")
        fields.writeLines(to: &bytes)
        bytes.writeStaticString("\r\n")
        deliver(bytes, credit: 0)
        worker.giveBack(bytes)
        if isEnd { tellEnd() }
    }

    /// The member sends nothing more on a tunnel. Told once all before it was.
    private func tellEnd() {
        guard isTunnel, isResponseEnded, !isEndTold, held?.isEmpty ?? true, let client else { return }
        isEndTold = true
        isInputClosed = true
        client.upstreamInputClosed(self)
    }

    /// Fields behind the body. They end the response.
    func receiveTrailers(_ fields: FieldSection) {
        isResponseEnded = true
        if isTunnel { return tellEnd() }
        guard client != nil, remaining == nil else { return deliver(ByteBuffer(), credit: 0) }
        var bytes = ByteBuffer(staticString: "0\r\n")
        fields.writeLines(to: &bytes)
        bytes.writeStaticString("\r\n")
        deliver(bytes, credit: 0)
    }

    func receive(_ data: ByteBuffer, padding: Int, isEnd: Bool) {
        let count = data.readableBytes + padding
        window.received(count)
        if isEnd { isResponseEnded = true }
        guard client != nil else { return giveBack(count) }
        if isTunnel {
            deliver(data, credit: count)
            return tellEnd()
        }
        if let left = remaining {
            remaining = left - data.readableBytes
            return deliver(data, credit: count)
        }
        if data.readableBytes > 0 {
            var size = ByteBuffer()
            size.writeChunkSize(data.readableBytes)
            deliver(size, credit: 0)
            deliver(data, credit: count)
            deliver(ByteBuffer(staticString: "\r\n"), credit: 0)
        } else {
            giveBack(count)
        }
        if isEnd { deliver(ByteBuffer(staticString: "0\r\n\r\n"), credit: 0) }
    }

    private func deliver(_ bytes: ByteBuffer, credit: Int) {
        guard let client, held?.isEmpty ?? true, client.mayReadUpstream else {
            // Held bytes must not share the memory that is read into next.
            if client != nil { hold(ByteBuffer(bytes: bytes.readableBytesView), credit) }
            return
        }
        connection.noteRead(self)
        giveBack(credit)
        if bytes.readableBytes > 0 { client.upstreamRead(self, bytes) }
    }

    private func hold(_ bytes: ByteBuffer, _ credit: Int) {
        if held == nil { held = CircularBuffer() }
        held?.append((bytes, credit))
    }

    override func resumeReading() {
        while let client, client.mayReadUpstream, let next = held?.popFirst() {
            giveBack(next.credit)
            if next.bytes.readableBytes > 0 { client.upstreamRead(self, next.bytes) }
        }
        client?.upstreamReadComplete(self)
        tellEnd()
    }

    private func giveBack(_ count: Int) {
        let increment = window.consumed(count)
        if increment > 0, let place, !isResponseEnded { connection.widen(place, by: increment) }
    }

    // MARK: Ends

    /// The connection stands.
    func becomeReady() { client?.upstreamReady(self) }

    override func close() {
        client = nil
        held = nil
        guard let place else { return connection.forget(self) }
        let isOver = isRequestEnded && (isResponseEnded || remaining == 0)
        if connection.frameCount == framesBefore, !isOver {
            // Nothing has come since: whether anybody is there is not known, so that nobody else is sent there.
            connection.retire()
        }
        if !isOver {
            connection.reset(place, .cancel)
        } else if !isResponseEnded {
            connection.noteLingering(self)
        }
    }

    /// Since when all of the response is here and told, but that it has ended, which only the member can say.
    var lingersSince: UInt64?

    /// The stream is gone.
    func lost() {
        place = nil
        body.removeAll()
    }

    /// The member, or the connection, has closed the stream.
    ///
    /// - Parameter isRefused: the member has not acted on the request, and says so (RFC 9113 section 8.7).
    func closed(isRefused: Bool, error: (any Error)?) {
        lost()
        isInputClosed = true
        guard let client else { return }
        if isResponseEnded {
            // What is held says how it ended. A tunnel ends when both sides have.
            guard isTunnel, isEndTold else { return }
            self.client = nil
            return client.upstreamClosed(self, failure: nil, wasReady: true)
        }
        self.client = nil
        if isRefused {
            client.upstreamRefused(self)
        } else {
            client.upstreamClosed(self, failure: error, wasReady: true)
        }
    }

    /// The connection did not come to be.
    func connectFailed(_ error: any Error, isFirst: Bool) {
        guard let client else { return }
        self.client = nil
        client.sharedConnectFailed(self, error, isFirst: isFirst)
    }

    private func fail() {
        guard let client else { return }
        self.client = nil
        client.upstreamClosed(self, failure: nil, wasReady: false)
    }
}

extension ByteBuffer {
    fileprivate mutating func writeImmutableSpan(_ bytes: Span<UInt8>) {
        _ = appendHead(capacity: bytes.count) { $0.write(bytes) }
    }
}
