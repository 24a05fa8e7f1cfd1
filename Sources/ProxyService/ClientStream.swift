import NIOCore
import NIOHPACK
import NIOHTTP2

/// One stream of a client's HTTP/2 connection: where the ``ClientConnection`` that serves its request writes.
final class ClientStream {
    let id: HTTP2StreamID
    /// `nil` when the stream is closed.
    private(set) var connection: HTTP2ClientConnection?
    /// The client has sent all of its request.
    var isInputEnded = false
    /// All of the response was handed over.
    private(set) var isOutputEnded = false
    /// All of it has left.
    private(set) var isOutputSent = false
    /// Bytes of DATA that were handed over and wait for the client's windows.
    private(set) var pending = 0
    /// Bytes of DATA that have left.
    private(set) var sent: UInt64 = 0
    private var window: ReceiveWindow
    /// Fields behind the request's body. Members that speak HTTP/2 get them.
    var trailers: HPACKHeaders?
    /// Noted by the connection as one that can go on.
    var isWoken = false

    init(id: HTTP2StreamID, connection: HTTP2ClientConnection, window: Int) {
        self.id = id
        self.connection = connection
        self.window = ReceiveWindow(size: window)
    }

    var isWritable: Bool { pending < connection?.highWater ?? 0 && connection?.isWritable ?? false }

    // MARK: The request

    func received(_ count: Int) { window.received(count) }

    /// So many bytes of the body are dealt with: the client may send as many more.
    func consumed(_ count: Int) {
        let increment = window.consumed(count)
        if increment > 0, !isInputEnded { connection?.sendWindowUpdate(id, increment) }
    }

    // MARK: The response

    func send(_ fields: HPACKHeaders, isEnd: Bool) {
        guard !isOutputEnded, let connection else { return }
        isOutputEnded = isEnd
        connection.write(id, .headers(.init(headers: fields, endStream: isEnd)))
    }

    func send(_ bytes: ByteBuffer, isEnd: Bool) {
        guard !isOutputEnded, let connection else { return }
        isOutputEnded = isEnd
        pending += bytes.readableBytes
        connection.write(id, .data(.init(data: .byteBuffer(bytes), endStream: isEnd)))
    }

    func end() {
        if !isOutputEnded { send(ByteBuffer(), isEnd: true) }
    }

    func flush() { connection?.flushSoon() }

    func reset(_ code: HTTP2ErrorCode) {
        isOutputEnded = true
        isOutputSent = true
        pending = 0
        connection?.reset(self, code)
    }

    /// A frame has left.
    func left(_ count: Int, isEnd: Bool) {
        pending -= count
        sent += UInt64(count)
        if isEnd { isOutputSent = true }
    }

    func closed() {
        connection = nil
        isInputEnded = true
        isOutputEnded = true
        isOutputSent = true
        pending = 0
    }
}
