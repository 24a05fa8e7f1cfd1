import Balancing
import HTTPWire
import NIOCore
import Telemetry
import TrafficModel

/// Bytes that pass both ways as they come.
extension ClientConnection {
    /// A connection of a TCP listener begins.
    func beginTunnel() {
        worker.refresh()
        phase = .exchange
        exchange = Exchange()
        exchange.isTunnel = true
        exchange.began = worker.now()
        exchange.view = listener.view
        exchange.listenerPosition = listener.position
        exchange.identifier = worker.nextIdentifier()
        countRequest()
        // Until the member is there, the client is not read from.
        phase = .tunnel
        guard case .tcp(let upstream) = listener.snapshot.mode else { return abort() }
        exchange.upstream = upstream
        tryMember()
    }

    /// The member of a TCP listener has accepted.
    func tunnelReady() {
        exchange.isUpstreamReady = true
        exchange.upstreamAnswered = worker.now()
        lease?.reportSuccess()
        touch()
        if inbox.readableBytes > 0 {
            upstream?.write(inbox)
            upstream?.flush()
            inbox = ByteBuffer()
        }
        if isInputClosed { upstream?.closeOutput() }
        resumeReading()
    }

    /// 101: what comes from now on is no HTTP, if the client had asked for that.
    func switchProtocols(_ bytes: ByteBuffer, _ head: ResponseHead) {
        guard exchange.wantsWebSocket, head.acceptsWebSocket else {
            return fail(502, "The server switched to a protocol that was not asked for.")
        }
        // Over HTTP/2 the client sees nothing of the key, which was made here, and so nobody else can look.
        let wanted = exchange.webSocketAccept
        if stream != nil, !head.answers(webSocketAccept: wanted.span, bytes.readableBytesUInt8Span) {
            return fail(502, "The server did not agree to WebSocket as it must.")
        }
        lease?.reportSuccess()
        exchange.isAnswered = true
        exchange.isMembers = true
        exchange.status = 101
        writeHead(bytes, head, .init(framing: .none, connection: .upgrade))
        flushOutbox()
        guard phase == .exchange else { return }
        phase = .tunnel
        exchange.isTunnel = true
        // That was said of requests.
        exchange.isClientLeaving = false
        touch()
        if stream != nil { return processInbox() }
        if inbox.readableBytes > 0 {
            upstream?.write(inbox)
            upstream?.flush()
            inbox = ByteBuffer()
        }
        // The client may have ended its side before the member agreed.
        if isInputClosed { upstream?.closeOutput() }
        resumeReading()
    }
}
