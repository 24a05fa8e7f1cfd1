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
    private var interim = 0
    /// Of a response that says its length: what is missing; `nil`: it does not say.
    private var remaining: Int?
    /// What the client does not take yet.
    private var held = HeldResponse()
    private var window: ReceiveWindow
    /// Nothing else was on the connection, which had been used before.
    private var beganOnKept = false
    /// Frames that had come on the connection when the request was sent.
    private var framesBefore = 0
    /// WebSocket was asked for, with extended CONNECT (RFC 8441).
    private var asksForTunnel = false
    /// The member has agreed: bytes pass both ways as they come.
    private var isTunnel = false
    private var isEndTold = false
    /// What tells a client of HTTP/1.1 that its key was understood.
    var webSocketAccept: [UInt8] = []

    /// The member takes no requests for now: this one waits for it to take some again.
    let isResting: Bool

    init(connection: HTTP2MemberConnection, client: ClientConnection, isResting: Bool = false) {
        self.isResting = isResting
        self.connection = connection
        window = ReceiveWindow(size: connection.streamWindow)
        super.init(member: connection.member, client: client, isTLS: connection.isTLS)
        uses = 0
    }

    override var isShared: Bool { true }

    override var restingPlace: HTTP2MemberConnection? { connection.mayRest ? connection : nil }

    /// Where the member ends the stream alone, the connection goes on, and this is the member's answer.
    override var hasEndedAsKept: Bool { beganOnKept && connection.isOver }

    override var isWritable: Bool { body.count < connection.highWater && connection.isWritable }

    override var unsentBytes: Int { body.count + held.count }

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
        if asksForTunnel, let client, let fault = client.exchange.webSocketFault {
            return client.refuseWebSocket(fault)
        }
        guard let head = rest.readSlice(length: headLength) else { return fail() }
        beganOnKept = connection.isKept
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
        if status < 200 {
            // Frames of fields have no window: those that are held count, too.
            interim += 1
            guard interim <= ClientConnection.interimLimit else { return client.failOfInterim() }
        }
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
        deliver(.head(bytes))
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
        deliver(.head(bytes))
        worker.giveBack(bytes)
        if isEnd { tellEnd() }
    }

    /// The member sends nothing more on a tunnel. Told once all before it was.
    private func tellEnd() {
        guard isTunnel, isResponseEnded, !isEndTold, held.isEmpty, let client else { return }
        isEndTold = true
        isInputClosed = true
        client.upstreamInputClosed(self)
    }

    /// Fields behind the body. They end the response.
    func receiveTrailers(_ fields: FieldSection) {
        isResponseEnded = true
        if isTunnel { return tellEnd() }
        guard isChunked else { return }
        var bytes = ByteBuffer(staticString: "0\r\n")
        fields.writeLines(to: &bytes)
        bytes.writeStaticString("\r\n")
        deliver(.end(bytes))
    }

    func receive(_ data: ByteBuffer, padding: Int, isEnd: Bool) {
        window.received(data.readableBytes + padding)
        if isEnd { isResponseEnded = true }
        if let left = remaining { remaining = left - data.readableBytes }
        if data.readableBytes > 0 { deliver(.body(data)) }
        giveBack()
        guard isEnd else { return }
        if isTunnel { tellEnd() } else if isChunked { deliver(.end(ByteBuffer(staticString: "0\r\n\r\n"))) }
    }

    /// The client is told the body in chunks: the response does not say its length.
    private var isChunked: Bool { hasHead && remaining == nil && !isTunnel }

    private func deliver(_ part: HeldResponse.Part) {
        guard let client else { return }
        guard held.isEmpty, client.mayReadUpstream else { return held.append(part) }
        connection.noteRead(self)
        pass(part)
    }

    private func pass(_ part: HeldResponse.Part) {
        switch part {
        case .head(let bytes), .end(let bytes):
            client?.upstreamRead(self, bytes)
        case .body(let bytes):
            guard isChunked else { return client?.upstreamRead(self, bytes) ?? () }
            var size = ByteBuffer()
            size.writeChunkSize(bytes.readableBytes)
            client?.upstreamRead(self, size)
            client?.upstreamRead(self, bytes)
            client?.upstreamRead(self, ByteBuffer(staticString: "\r\n"))
        }
    }

    override func resumeReading() {
        while let client, client.mayReadUpstream, let part = held.next() { pass(part) }
        giveBack()
        client?.upstreamReadComplete(self)
        tellEnd()
    }

    /// Gives the member room for what has gone: what waits here counts, and what a client of HTTP/2 was given and has not
    /// taken. Nobody waits for padding, nor for a body without a client.
    private func giveBack() {
        let increment = window.keeps(
            client.map { held.bodyCount + ($0.stream?.pending ?? 0) } ?? 0, isScarce: connection.worker.isFillingUp)
        if increment > 0, let place, !isResponseEnded { connection.widen(place, by: increment) }
    }

    // MARK: Ends

    /// The connection stands.
    func becomeReady() { client?.upstreamReady(self) }

    override func close() {
        client = nil
        held.removeAll()
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
        guard let client else { return }
        if isResponseEnded || (hasHead && remaining == 0) {
            // What is held says how it ended. A tunnel ends when both sides have.
            guard isTunnel, isEndTold else { return }
            self.client = nil
            return client.upstreamClosed(self, failure: nil, wasReady: true)
        }
        // What came before counts, even though the client does not take it yet: the member has acted on the request.
        while self.client != nil, let part = held.next() { pass(part) }
        guard self.client != nil else { return }
        self.client = nil
        if isRefused, !hasHead {
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
