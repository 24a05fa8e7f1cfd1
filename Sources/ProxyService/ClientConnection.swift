import Addresses
import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore
import NIOSSL
import NIOTLS
import Sockets
import Synchronization
import TLSWire
import Telemetry
import TrafficModel

/// A client's connection: the one handler that reads requests, sends them to members and brings back responses, or
/// passes bytes both ways once a connection is a tunnel.
///
///     handshake → idle → head → exchange → idle …
///                  │                └────→ tunnel
///                  └──→ streams
///     any of them → closing → closed
///
/// In clear text it is served by its channel directly. With TLS it is a handler among those of SwiftNIO.
final class ClientConnection: ChannelDuplexHandler, SocketDelegate {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// A PROXY header is awaited, or TLS is being agreed on.
        case handshake
        /// Kept, without a byte of a request.
        case idle
        /// A part of a head is there.
        case head
        /// From a request's head to the end of its response.
        case exchange
        /// Bytes pass both ways as they come: TCP listeners, and WebSocket after 101.
        case tunnel
        /// HTTP/2: each request has a stream, and a `ClientConnection` of its own that serves it.
        case streams
        /// All is said; what the client still sends is read and forgotten, so that it gets to read our last words.
        case closing
        case closed
    }

    let worker: ProxyWorker
    let listener: LoopListener
    /// The place in the worker's list; -1: none.
    var index = -1
    /// Monotonic nanoseconds at which the present phase has lasted too long.
    var deadline = UInt64.max
    /// `nil`: this is a request on a stream.
    let channel: StreamChannel?
    /// The place among handlers, when there are others.
    private(set) var context: ChannelHandlerContext?
    var phase = Phase.idle
    var isInputClosed = false
    private var isReadPending = false
    private var isProcessing = false
    /// Bytes that were read and not consumed.
    var inbox = ByteBuffer()
    /// How much of the inbox was searched in vain for the end of a line.
    private var searched = 0
    /// Bytes for the client, written at the end of a read.
    var outbox = ByteBuffer()
    /// What the member gets: the head, and the body as long as it may have to be sent again.
    var requestBytes = ByteBuffer()
    /// Bytes of the member that were not consumed: a head that is not whole, or trailers.
    var responseInbox = ByteBuffer()

    private(set) var client = IPAddress.v4(0)
    private(set) var clientPort: UInt16 = 0
    /// Where the client connected to.
    private(set) var destination: Endpoint?
    /// Extensions of the PROXY header that came.
    private(set) var proxyExtensions: [UInt8] = []
    /// The peer has to say first whose connection it is.
    var awaitsProxyHeader = false
    private(set) var forwarding = Forwarding.unknown
    /// The certificates that the listener had when the connection began, and which of them the client's server name
    /// chose.
    let tls: ListenerTLS?
    var certificate: Int?

    /// The HTTP/2 stream that the one request of this came on; `nil`: this is a connection.
    let stream: ClientStream?
    /// The connection's streams, once it speaks HTTP/2.
    var http2: HTTP2ClientConnection?

    var exchange = Exchange()
    var lease: MemberLease?
    /// In use or being connected.
    var upstream: UpstreamLink?
    /// For the access log.
    var note = RequestNote()

    /// Requests so far.
    var requestCount = 0
    /// Accepted although there were too many connections, to be told so.
    private(set) var isSurplus = false
    /// Counted in the table of sources.
    private var isSourceCounted = false
    /// What the client had acknowledged when it began to be waited for; `nil` while it keeps up.
    var acknowledged: UInt64?

    private var discarded = 0
    /// What is read and forgotten after the last response.
    private static let discardLimit = 1 << 20
    /// How long that may take.
    private static let lingering: UInt64 = 3_000_000_000

    init(worker: ProxyWorker, listener: LoopListener, channel: StreamChannel) {
        self.worker = worker
        self.listener = listener
        self.channel = channel
        tls = listener.tls
        stream = nil
    }

    /// For a request on a stream of a connection.
    init(stream: ClientStream, of connection: ClientConnection) {
        worker = connection.worker
        listener = connection.listener
        tls = connection.tls
        channel = nil
        self.stream = stream
        client = connection.client
        clientPort = connection.clientPort
        destination = connection.destination
        proxyExtensions = connection.proxyExtensions
        forwarding = connection.forwarding
        certificate = connection.certificate
        isSurplus = connection.isSurplus
        worker.register(self)
    }

    var isTCP: Bool {
        if case .tcp = listener.snapshot.mode { return true }
        return false
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) { socketConnected() }

    func socketConnected() {
        guard let channel else { return }
        (client, clientPort) = (channel.remote.address.unmapped, channel.remote.port)
        let bound = listener.shared.boundEndpoint
        destination = bound.address.isUnspecified ? channel.local : bound
        worker.register(self)
        phase = .handshake
        setDeadline(worker.settings.handshakeTimeout)
        if !awaitsProxyHeader { _ = begin() }
    }

    /// A PROXY header has come: the connection is another's, or the proxy's own.
    ///
    /// - Returns: `false` after closing it.
    func identify(_ header: ProxyHeader, extensions: [UInt8]) -> Bool {
        if let given = header.client { (client, clientPort) = (given.address, given.port) }
        if let given = header.destination { destination = given }
        proxyExtensions = extensions
        return begin()
    }

    func refuseProxyHeader() {
        bump(worker.counters.malformed)
        abort()
    }

    /// It is known whose connection this is.
    private func begin() -> Bool {
        let snapshot = listener.snapshot
        forwarding = Forwarding(
            client: worker.text(of: client), isSecure: tls != nil, isTrusted: snapshot.trusts(client),
            defaultHost: listener.hostText, via: worker.viaName(on: listener))
        guard admit() else { return false }
        if tls == nil { ready() }
        return true
    }

    /// Its requests come over HTTP/2 from now on.
    func becomeHTTP2() { forwarding = forwarding.with(isHTTP2: true) }

    /// Keeps to the limits on connections; `false` after closing this one.
    private func admit() -> Bool {
        if let limit = worker.settings.connectionsPerSource, !forwarding.isTrusted {
            guard worker.shared.sources.enter(client, limit: limit) else {
                bump(worker.counters.sourceLimited)
                abort()
                return false
            }
            isSourceCounted = true
        }
        // This one is not idle yet: its phase is that of a handshake.
        isSurplus = worker.isOverfull && !worker.evictIdle()
        // A forwarded connection has no words to be told in.
        guard isSurplus, isTCP else { return true }
        bump(worker.counters.overloaded)
        abort()
        return false
    }

    private func ready() {
        if isTCP {
            beginTunnel()
        } else {
            phase = .idle
            setDeadline(worker.settings.idleTimeout)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        socketClosed(nil)
        context.fireChannelInactive()
    }

    func socketClosed(_ error: (any Error)?) {
        if phase == .exchange || phase == .tunnel { ended(aborted: true) }
        phase = .closed
        http2?.abortStreams()
        http2 = nil
        releaseUpstream(keep: false)
        if isSourceCounted {
            isSourceCounted = false
            worker.shared.sources.leave(client)
        }
        worker.unregister(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        http2 = nil
        worker.unregister(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { return }
        if phase == .handshake, tls != nil { bump(worker.counters.tlsFailures) }
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            guard phase == .handshake else { break }
            if tls?.asksForCertificate ?? false { noteCertificate(context) }
            countHandshake(context)
            if negotiated == "h2" {
                bump(worker.counters.http2Connections)
                beginStreams()
            } else {
                ready()
            }
        case ChannelEvent.inputClosed:
            socketInputClosed()
        default:
            break
        }
    }

    private func countHandshake(_ context: ChannelHandlerContext) {
        // It cannot fail behind a handshake; the count of the older version would only be one too high.
        let version = try? context.pipeline.syncOperations.nioSSL_tlsVersion()
        if version == .tlsv13 { bump(worker.counters.tls13) } else { bump(worker.counters.tls12) }
    }

    private func noteCertificate(_ context: ChannelHandlerContext) {
        // There is none where it is optional; one that could not be verified has ended the handshake.
        guard let shown = try? context.pipeline.syncOperations.nioSSL_peerCertificate(),
            let bytes = try? shown.toDERBytes()
        else { return }
        forwarding = forwarding.with(certificateSubject: CertificateSubject.text(of: bytes) ?? [])
    }

    func socketInputClosed() {
        isInputClosed = true
        switch phase {
        case .handshake, .idle, .head, .closed:
            abort()
        case .closing:
            closeChannel()
        case .exchange:
            // RFC 9112 section 9.6: a client that sent its whole request may close its side and wait for the response.
            if exchange.isBodyComplete { exchange.keepsAlive = false } else { abort() }
        case .tunnel:
            if exchange.isUpstreamReady { upstream?.closeOutput() }
        case .streams:
            // Without a word from the client no window opens any more: nothing can be brought to an end.
            abort()
        }
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        if mayReadSocket { context.read() } else { isReadPending = true }
    }

    func resumeReading() {
        guard mayReadSocket else { return }
        if let context {
            guard isReadPending else { return }
            isReadPending = false
            context.read()
        } else {
            channel?.resumeReading()
        }
    }

    var mayReadSocket: Bool {
        switch phase {
        case .handshake, .idle, .head, .closing, .closed:
            return true
        case .streams:
            // Whoever does not take answers asks for no more of them.
            return channel?.isWritable ?? true
        case .exchange:
            if exchange.isBodyComplete { return inbox.readableBytes == 0 }
            if exchange.isUpstreamReady { return upstream?.isWritable ?? true }
            return requestBytes.readableBytes < worker.settings.bufferBytes
        case .tunnel:
            return exchange.isUpstreamReady && (upstream?.isWritable ?? false)
        }
    }

    /// Whether the member may send more: not while the client does not take what it sent.
    var mayReadUpstream: Bool {
        if let stream { return stream.isWritable }
        return channel?.isWritable ?? true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { socketRead(unwrapInboundIn(data)) }

    func socketRead(_ bytes: ByteBuffer) {
        bump(worker.counters.bytesIn, by: bytes.readableBytes)
        switch phase {
        case .tunnel where !exchange.isUpstreamReady:
            // What came with the words that made this a tunnel; more is not read before the member is there.
            inbox.writeImmutableBuffer(bytes)
        case .tunnel:
            upstream?.write(bytes)
            setDeadline(worker.settings.tunnelTimeout)
        case .closing:
            discarded += bytes.readableBytes
            if discarded > Self.discardLimit { closeChannel() }
        case .handshake, .closed:
            break
        case .streams:
            http2?.receive(bytes)
        case .idle, .head, .exchange:
            if inbox.readableBytes == 0 {
                inbox = bytes
                searched = 0
            } else {
                inbox.writeImmutableBuffer(bytes)
            }
            processInbox()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { socketReadComplete() }

    func socketReadComplete() {
        if phase == .tunnel { upstream?.flush() }
        if phase == .streams { return http2?.readComplete() ?? () }
        if inbox.readableBytes == 0 {
            // Not to hold what the channel wants to read into next.
            inbox = ByteBuffer()
        } else if inbox.storageCapacity > 4 * inbox.readableBytes {
            inbox = ByteBuffer(bytes: inbox.readableBytesView)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { socketWritabilityChanged() }

    func socketWritabilityChanged() {
        if let http2 { return http2.writabilityChanged() }
        guard channel?.isWritable ?? false else { return touch() }
        acknowledged = nil
        upstream?.resumeReading()
        touch()
    }

    /// Reads as many requests from the inbox as can be begun: one, unless its response is made here.
    func processInbox() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        worker.refresh()
        if let stream { return processStream(stream) }
        while inbox.readableBytes > 0 {
            switch phase {
            case .idle, .head:
                guard readHead() else { return }
            case .exchange:
                guard !exchange.isBodyComplete else { return }
                guard readBody() else { return }
            default:
                return
            }
        }
    }

    /// - Returns: whether there was a whole head.
    private func readHead() -> Bool {
        let settings = worker.settings
        if requestCount == 0, tls == nil, listener.offersHTTP2 {
            switch beginsHTTP2 {
            case true?:
                beginStreams()
                return false
            case nil:
                if phase == .idle {
                    phase = .head
                    setDeadline(settings.headTimeout)
                }
                return false
            case false?:
                break
            }
        }
        if phase == .idle {
            phase = .head
            searched = 0
            setDeadline(settings.headTimeout)
        } else if inbox.readableBytes < settings.limits.bytes {
            // Bounds the work on a head that trickles in: each attempt needs a new end of a line.
            let bytes = inbox
            let isNew = containsLineFeed(bytes.readableBytesUInt8Span.extracting(searched..<bytes.readableBytes))
            searched = bytes.readableBytes
            guard isNew else { return false }
        }
        let bytes = inbox
        searched = bytes.readableBytes
        switch worker.requestHead.parse(bytes.readableBytesUInt8Span, limits: settings.limits) {
        case .incomplete:
            return false
        case .failed(let error):
            bump(worker.counters.malformed)
            beginUnknown()
            refuse(error)
            return false
        case .complete:
            inbox.moveReaderIndex(forwardBy: worker.requestHead.byteCount)
            searched = 0
            begin(bytes)
            return true
        }
    }

    // MARK: Ends

    func deadline(in timeout: UInt64) -> UInt64 {
        let (sum, overflow) = worker.tickTime.addingReportingOverflow(timeout)
        return overflow ? .max : sum
    }

    func setDeadline(_ timeout: UInt64) { setDeadline(at: deadline(in: timeout)) }

    func setDeadline(at time: UInt64) {
        deadline = time
        worker.noteDeadline(time)
    }

    /// The listener goes away: what runs may end.
    func drain() {
        switch phase {
        case .idle where isIdle:
            // Half-closed rather than closed: a request that is on its way is read and lost, but the client sees an
            // orderly end before any byte of a response, which is the case that clients repeat a request in.
            closeGracefully()
        case .streams:
            http2?.drain()
        case .tunnel, .handshake, .idle, .head, .exchange, .closing, .closed:
            exchange.keepsAlive = false
        }
    }

    /// Between requests, with nothing begun.
    var isIdle: Bool { phase == .streams ? http2?.isIdle ?? false : phase == .idle && inbox.readableBytes == 0 }

    /// Whether this connection takes no further request.
    var isLeaving: Bool { listener.isDraining || worker.shared.isStopping.load(ordering: .relaxed) }

    /// Closes at once, whatever is unsaid.
    func abort() {
        guard phase != .closed else { return }
        if phase == .exchange || phase == .tunnel { ended(aborted: true) }
        phase = .closed
        http2?.abortStreams()
        releaseUpstream(keep: false)
        if let stream {
            stream.reset(.internalError)
            worker.unregister(self)
        }
        closeChannel()
    }

    /// Whether the connection ends right behind the response: the client said that it sends nothing more, so that nothing
    /// can arrive that would be answered by a reset and cost it the response. Behind a body something may: clients have
    /// sent an empty line there.
    var endsWithResponse: Bool {
        exchange.isClientLeaving && exchange.isBodyComplete && inbox.readableBytes == 0 && tls == nil && stream == nil
            && (exchange.method == .get || exchange.method == .head) && exchange.bodyBytes == 0 && !exchange.isChunked
    }

    /// Closes when all that was written has been sent.
    func closeGracefully() {
        if let stream { return closeStream(stream) }
        guard phase != .closed, phase != .closing, let channel else { return }
        if endsWithResponse, channel.unsentBytes == 0 {
            // All is with the kernel, which sees to it that it arrives.
            phase = .closed
            channel.close()
            return
        }
        http2?.sayFarewell()
        phase = .closing
        inbox = ByteBuffer()
        setDeadline(Self.lingering)
        if isInputClosed {
            let promise = worker.loop.makePromise(of: Void.self)
            let bound = NIOLoopBound(self, eventLoop: worker.loop)
            promise.futureResult.whenComplete { _ in bound.value.closeChannel() }
            channel.whenSent(promise)
        } else {
            closeOutput()
            resumeReading()
        }
    }
}

// MARK: The channel, past whatever handlers there are

extension ClientConnection {
    func write(_ bytes: ByteBuffer) {
        if let context { context.write(wrapOutboundOut(bytes), promise: nil) } else { channel?.write(bytes) }
    }

    /// Writes and flushes bytes that stay with who collected them.
    func send(_ output: OutputBytes) {
        guard let context else { return channel?.send(output.bytes) ?? () }
        context.write(
            wrapOutboundOut(unsafe output.bytes.withUnsafeBufferPointer { unsafe ByteBuffer(bytes: $0) }), promise: nil)
        context.flush()
    }

    func flushChannel() { if let context { context.flush() } else { channel?.flush() } }

    func closeOutput() { if let context { context.close(mode: .output, promise: nil) } else { channel?.closeOutput() } }

    func closeChannel() { if let context { context.close(promise: nil) } else { channel?.close() } }
}
