import HTTP2Wire
import NIOCore

/// One stream of a client's HTTP/2 connection: where the ``ClientConnection`` that serves its request writes.
final class ClientStream {
    /// Among the connection's streams.
    let place: Int
    /// `nil` when the stream is closed.
    private(set) var connection: HTTP2ClientConnection?
    /// The client has sent all of its request.
    var isInputEnded = false
    private var body = OutgoingBody()
    /// Bytes of DATA that have left.
    private(set) var sent: UInt64 = 0
    private var window: ReceiveWindow
    /// Fields behind the request's body, as lines with an empty one behind them. Members that speak HTTP/2 get them.
    var trailers: ByteBuffer?
    private var isHeadEnd = false

    init(place: Int, connection: HTTP2ClientConnection, window: Int) {
        self.place = place
        self.connection = connection
        self.window = ReceiveWindow(size: window)
    }

    var isWritable: Bool { body.count < connection?.highWater ?? 0 && connection?.isWritable ?? false }

    /// All of the response was handed over.
    var isOutputEnded: Bool { isHeadEnd || body.isEnded }

    /// All of it has left.
    var isOutputSent: Bool { isHeadEnd || body.isSent }

    /// Bytes of DATA that were handed over and wait for the client's windows.
    var pending: Int { body.count }

    // MARK: The request

    func received(_ count: Int) { window.received(count) }

    /// So many bytes of the body are dealt with: the client may send as many more.
    ///
    /// - Parameter isGone: they have left for the member, rather than wait for one.
    func consumed(_ count: Int, isGone: Bool) {
        guard let connection else { return }
        let increment = window.consumed(count, isGone: isGone, isScarce: connection.worker.isFillingUp)
        if increment > 0, !isInputEnded { connection.widen(self, by: increment) }
    }

    // MARK: The response

    /// Sends a head, interim ones included.
    ///
    /// - Parameter fields: adds its fields.
    func sendHead(isEnd: Bool, _ fields: (HTTP2Session) -> Void) {
        guard !isOutputEnded, let connection else { return }
        isHeadEnd = isEnd
        connection.send(self, isEnd: isEnd, fields)
    }

    func send(_ bytes: ByteBuffer, isEnd: Bool) {
        guard !isOutputEnded, let connection else { return }
        sent += UInt64(body.write(bytes, isEnd: isEnd, connection.session, place))
        connection.flushSoon()
    }

    /// Ends the response with fields behind its body.
    ///
    /// - Parameter lines: with an empty line at the end.
    func send(trailers lines: ByteBuffer) {
        guard !isOutputEnded, let connection else { return }
        body.end(trailers: lines, connection.session, place, connection.trailerFields)
        connection.flushSoon()
    }

    func end() { if !isOutputEnded { send(ByteBuffer(), isEnd: true) } }

    func flush() { connection?.flushSoon() }

    /// Sends what the client's windows allow by now.
    ///
    /// - Returns: whether there was anything.
    func push() -> Bool {
        guard let connection, body.isEnded != body.isSent || body.count > 0 else { return false }
        let count = body.push(connection.session, place, connection.trailerFields)
        sent += UInt64(count)
        return count > 0 || body.isSent
    }

    func reset(_ code: ErrorCode) {
        guard let connection else { return }
        closed()
        connection.reset(self, code)
    }

    /// All has been said.
    func finish() {
        guard let connection else { return }
        closed()
        connection.finish(self)
    }

    func closed() {
        connection = nil
        isInputEnded = true
        body.removeAll()
    }
}
