import Balancing
import HTTPWire
import NIOCore
import NIOSSL
import NIOTLS
import Sockets

/// A connection to a member that speaks HTTP/1.1 or is tunnelled to, kept or in use.
///
/// In clear text it is served by its channel directly; with TLS it is a handler of SwiftNIO.
final class UpstreamConnection: UpstreamLink, ChannelDuplexHandler, SocketDelegate {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let worker: ProxyWorker
    /// While kept: since when.
    var idleSince: UInt64 = 0
    /// While kept: when it goes.
    var expiry: UInt64 = .max
    var channel: StreamChannel?
    private var context: ChannelHandlerContext?
    private var isReady = false
    private var isReadPending = false
    private var isClosing = false
    /// What the member's kernel had acknowledged when the latest request was sent; `nil`: not noted.
    private var acknowledgedBefore: UInt64?

    init(worker: ProxyWorker, member: MemberState, client: ClientConnection, isTLS: Bool) {
        self.worker = worker
        super.init(member: member, client: client, isTLS: isTLS)
    }

    // MARK: What the client connection asks for

    override func send(_ request: ByteBuffer, headLength: Int, isEnd: Bool) {
        // Of use only for what may not be sent twice, on a connection that the member may be closing at this moment.
        let isRisky = uses > 1 && !(client?.exchange.method.isIdempotent ?? true)
        acknowledgedBefore = isRisky ? channel?.acknowledgedBytes : nil
        write(request)
    }

    /// A FIN acknowledges what had arrived before it was sent. One that acknowledges nothing of the request was on its way
    /// already. A reset tells nothing of the kind.
    override var isRequestUnread: Bool {
        guard isInputClosed, let before = acknowledgedBefore, let now = channel?.acknowledgedBytes else { return false }
        return now == before
    }

    override func write(_ bytes: ByteBuffer, isEnd: Bool = false) {
        guard bytes.readableBytes > 0 else { return }
        if let context { context.write(wrapOutboundOut(bytes), promise: nil) } else { channel?.write(bytes) }
    }

    override func flush() { if let context { context.flush() } else { channel?.flush() } }

    override var isWritable: Bool { channel?.isWritable ?? false }

    override var unsentBytes: Int { channel?.unsentBytes ?? 0 }

    override func closeOutput() {
        if let context { context.close(mode: .output, promise: nil) } else { channel?.closeOutput() }
    }

    override func close() {
        isClosing = true
        client = nil
        closeChannel()
    }

    override func reset() {
        isClosing = true
        client = nil
        channel?.reset()
    }

    private func closeChannel() { if let context { context.close(promise: nil) } else { channel?.close() } }

    override func resumeReading() {
        guard let context else {
            channel?.resumeReading()
            return
        }
        guard isReadPending else { return }
        isReadPending = false
        context.read()
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { socketConnected() }

    func socketConnected() { if !isTLSConnection { becomeReady() } }

    private func becomeReady() {
        guard !isReady else { return }
        isReady = true
        bump(worker.counters.upstreamConnections)
        guard !isClosing, let client else { return closeChannel() }
        client.upstreamReady(self)
    }

    var mayReadSocket: Bool { client?.mayReadUpstream ?? true }

    func read(context: ChannelHandlerContext) {
        if mayReadSocket { context.read() } else { isReadPending = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { socketRead(unwrapInboundIn(data)) }

    func socketRead(_ bytes: ByteBuffer) {
        if let client {
            client.upstreamRead(self, bytes)
        } else {
            // Nobody asked for anything: whatever this is, it must never become the answer to the next request.
            discard()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { socketReadComplete() }

    func socketReadComplete() { client?.upstreamReadComplete(self) }

    func channelWritabilityChanged(context: ChannelHandlerContext) { socketWritabilityChanged() }

    func socketWritabilityChanged() { if isWritable { client?.upstreamWritable(self) } }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            becomeReady()
        case ChannelEvent.inputClosed:
            socketInputClosed()
        case TLSUserEvent.shutdownCompleted:
            // The member's goodbye behind ours: the channel closes at once, before it says that the input has ended.
            if !isInputClosed, !isClosing { socketInputClosed() }
        default:
            break
        }
    }

    func socketInputClosed() {
        isInputClosed = true
        if let client {
            client.upstreamInputClosed(self)
        } else {
            if !isClosing { worker.pool(for: member).closedByMember(self, now: worker.now()) }
            discard()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Without close_notify. The end of the input is told next.
        if let error = error as? NIOSSLError, case .uncleanShutdown = error {
            isCutOff = true
            return
        }
        // Told at once: closing a TLS connection waits for the peer, and the request should not.
        ended(failure: isReady ? error : CertificateRefusal(error, context) ?? error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { ended(failure: nil) }

    func socketClosed(_ error: (any Error)?) { ended(failure: error) }

    /// Nothing more will come or go.
    private func ended(failure: (any Error)?) {
        isClosing = true
        guard let client else { return worker.pool(for: member).remove(self) }
        self.client = nil
        client.upstreamClosed(self, failure: failure, wasReady: isReady)
    }

    private func discard() {
        guard !isClosing else { return }
        worker.pool(for: member).remove(self)
        close()
    }
}
