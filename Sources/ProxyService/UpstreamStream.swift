import Balancing
import HTTPWire
import NIOCore
import NIOHPACK
import NIOHTTP2

/// A request on a connection to a member that speaks HTTP/2.
final class UpstreamStream: UpstreamLink {
    private let connection: HTTP2MemberConnection
    private(set) var id: HTTP2StreamID?
    private var isRequestEnded = false
    private var isResponseEnded = false
    private var hasHead = false
    /// Of a response that says its length: what is missing; `nil`: it does not say.
    private var remaining: Int?
    /// What the client does not take yet, in the form of HTTP/1.1.
    private var held = CircularBuffer<(bytes: ByteBuffer, credit: Int)>()
    private var window: ReceiveWindow
    private var pending = 0
    /// Frames that had come on the connection when the request was sent.
    private var framesBefore = 0

    init(connection: HTTP2MemberConnection, client: ClientConnection) {
        self.connection = connection
        window = ReceiveWindow(size: HTTP2MemberConnection.streamWindow)
        super.init(member: connection.member, client: client, isTLS: connection.isTLS)
        uses = 0
    }

    override var isShared: Bool { true }

    override var isWritable: Bool { pending < connection.highWater && connection.isWritable }

    override var unsentBytes: Int { pending + window.held }

    // MARK: The request

    override func send(_ request: ByteBuffer, headLength: Int, isEnd: Bool) {
        var body = request
        guard let head = body.readSlice(length: headLength), let fields = connection.fields(of: head) else {
            // Cannot be: it was written here.
            return fail()
        }
        // If it closes without an answer, that is the kept connection's end rather than the member's.
        if connection.isKept { uses += 1 }
        framesBefore = connection.frameCount
        let opened = connection.open(self)
        id = opened
        let isWhole = isEnd && body.readableBytes == 0 && client?.stream?.trailers == nil
        isRequestEnded = isWhole
        connection.write(opened, .headers(.init(headers: fields, endStream: isWhole)))
        if !isWhole, body.readableBytes > 0 || isEnd { write(body, isEnd: isEnd) }
    }

    override func write(_ bytes: ByteBuffer, isEnd: Bool = false) {
        guard let id, !isRequestEnded else { return }
        let trailers = isEnd ? client?.stream?.trailers : nil
        if bytes.readableBytes > 0 || (isEnd && trailers == nil) {
            pending += bytes.readableBytes
            isRequestEnded = isEnd && trailers == nil
            connection.write(id, .data(.init(data: .byteBuffer(bytes), endStream: isRequestEnded)))
        }
        if let trailers {
            isRequestEnded = true
            connection.write(id, .headers(.init(headers: trailers, endStream: true)))
        }
    }

    override func flush() { connection.flushSoon() }

    override func closeOutput() {
        write(ByteBuffer(), isEnd: true)
        flush()
    }

    /// DATA has left.
    func left(_ count: Int) { pending -= count }

    func noteWritable() { if isWritable { client?.upstreamWritable(self) } }

    // MARK: The response

    func receive(_ fields: HPACKHeaders, isEnd: Bool) {
        guard let client else { return }
        if isEnd { isResponseEnded = true }
        if hasHead {
            var bytes = ByteBuffer()
            if remaining == nil {
                bytes.writeStaticString("0\r\n")
                bytes.writeFields(fields)
                bytes.writeStaticString("\r\n")
            }
            return deliver(bytes, credit: 0)
        }
        var bytes = ByteBuffer()
        let status = fields.first.map(\.value) ?? ""
        bytes.writeStaticString("HTTP/1.1 ")
        bytes.writeString(status)
        bytes.writeStaticString(" ")
        if let code = UInt16(status) { bytes.writeStaticString(statusReason(code)) }
        bytes.writeStaticString("\r\n")
        bytes.writeFields(fields)
        if status.utf8.first != UInt8(ascii: "1") || isEnd {
            hasHead = true
            let hasBody = client.exchange.method != .head && status != "204" && status != "304"
            if let length = fields.first(name: "content-length") {
                remaining = hasBody ? Int(length) ?? 0 : 0
            } else if !hasBody {
                remaining = 0
            } else if isEnd {
                remaining = 0
                bytes.writeStaticString("content-length: 0\r\n")
            } else {
                bytes.writeStaticString("transfer-encoding: chunked\r\n")
            }
        }
        bytes.writeStaticString("\r\n")
        deliver(bytes, credit: 0)
    }

    func receive(_ data: ByteBuffer, padding: Int, isEnd: Bool) {
        let count = data.readableBytes + padding
        window.received(count)
        if isEnd { isResponseEnded = true }
        guard client != nil else { return giveBack(count) }
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
        guard let client, held.isEmpty, client.mayReadUpstream else {
            if client != nil { held.append((bytes, credit)) }
            return
        }
        connection.noteRead(self)
        giveBack(credit)
        if bytes.readableBytes > 0 { client.upstreamRead(self, bytes) }
    }

    override func resumeReading() {
        while let client, client.mayReadUpstream, let next = held.popFirst() {
            giveBack(next.credit)
            if next.bytes.readableBytes > 0 { client.upstreamRead(self, next.bytes) }
        }
        client?.upstreamReadComplete(self)
    }

    private func giveBack(_ count: Int) {
        let increment = window.consumed(count)
        if increment > 0, let id, !isResponseEnded { connection.sendWindowUpdate(id, increment) }
    }

    // MARK: Ends

    /// The connection stands.
    func becomeReady() { client?.upstreamReady(self) }

    override func close() {
        client = nil
        held.removeAll()
        guard let id else { return connection.forget(self) }
        let isOver = isRequestEnded && (isResponseEnded || remaining == 0)
        if connection.frameCount == framesBefore, !isOver {
            // Nothing has come since: whether anybody is there is not known, so that nobody else is sent there.
            connection.retire()
        }
        if !isOver { connection.write(id, .rstStream(.cancel)) }
    }

    /// The member, or the connection, has closed the stream.
    ///
    /// - Parameter isRefused: the member has not acted on the request, and says so (RFC 9113 section 8.7).
    func closed(isRefused: Bool, error: (any Error)?) {
        id = nil
        isInputClosed = true
        guard let client else { return }
        if isResponseEnded {
            // What is held says how it ended.
            return
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
    /// All but pseudo-fields, as lines of HTTP/1.1.
    fileprivate mutating func writeFields(_ fields: HPACKHeaders) {
        for (name, value, _) in fields where name.utf8.first != UInt8(ascii: ":") {
            writeString(name)
            writeStaticString(": ")
            writeString(value)
            writeStaticString("\r\n")
        }
    }
}
