import Balancing
import NIOCore
import NIOSSL
import NIOTLS

/// A connection to a member that speaks HTTP/1.1 or is tunnelled to, kept or in use.
final class UpstreamConnection: UpstreamLink, ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let worker: ProxyWorker
    /// While kept: since when.
    var idleSince: UInt64 = 0
    /// While kept: when it goes.
    var expiry: UInt64 = .max
    private var context: ChannelHandlerContext?
    private var isReady = false
    private var isReadPending = false
    private var isClosing = false

    init(worker: ProxyWorker, member: MemberState, client: ClientConnection, isTLS: Bool) {
        self.worker = worker
        super.init(member: member, client: client, isTLS: isTLS)
    }

    // MARK: What the client connection asks for

    override func send(_ request: ByteBuffer, headLength: Int, isEnd: Bool) { write(request) }

    override func write(_ bytes: ByteBuffer, isEnd: Bool = false) {
        if bytes.readableBytes > 0 { context?.write(wrapOutboundOut(bytes), promise: nil) }
    }

    override func flush() { context?.flush() }

    override var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Bytes that the kernel has not taken.
    override var unsentBytes: Int { context?.channel.unsentBytes ?? 0 }

    /// Passes the client's FIN on.
    override func closeOutput() { context?.close(mode: .output, promise: nil) }

    /// Also ends an attempt to connect.
    override func close() {
        isClosing = true
        client = nil
        context?.close(promise: nil)
    }

    /// Back-pressure was lifted, or a new exchange begins.
    override func resumeReading() {
        guard isReadPending, let context else { return }
        isReadPending = false
        context.read()
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        if !isTLSConnection { becomeReady() }
    }

    private func becomeReady() {
        guard !isReady else { return }
        isReady = true
        bump(worker.counters.upstreamConnections)
        guard !isClosing, let client else {
            context?.close(promise: nil)
            return
        }
        client.upstreamReady(self)
    }

    func read(context: ChannelHandlerContext) {
        if client?.mayReadUpstream ?? true { context.read() } else { isReadPending = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if let client {
            client.upstreamRead(self, bytes)
        } else {
            // Nobody asked for anything: whatever this is, it must never become the answer to the next request.
            discard()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { client?.upstreamReadComplete(self) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { client?.upstreamWritable(self) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            becomeReady()
        case ChannelEvent.inputClosed:
            isInputClosed = true
            if let client {
                client.upstreamInputClosed(self)
            } else {
                if !isClosing { worker.pool(for: member).closedByMember(self, now: worker.now()) }
                discard()
            }
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that closes without close_notify: the end of the input says the same.
        if let error = error as? NIOSSLError, case .uncleanShutdown = error {
            return
        }
        // Told at once: closing a TLS connection waits for the peer, and the request should not.
        ended(failure: error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { ended(failure: nil) }

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
