import Addresses
import Balancing
import HTTPWire
import NIOCore
import Sockets
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
    var context: ChannelHandlerContext?
    var phase = Phase.idle
    var isInputClosed = false
    var isReadPending = false
    var isProcessing = false
    /// Bytes that were read and not consumed.
    var inbox = ByteBuffer()
    /// How much of the inbox was searched in vain for the end of a line.
    var searched = 0
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
    /// In use or being connected. What it said in part goes with it.
    var upstream: UpstreamLink? {
        didSet { if responseInbox.readableBytes > 0 { responseInbox = ByteBuffer() } }
    }
    /// For the access log.
    var note = RequestNote()

    /// Requests so far.
    var requestCount = 0
    /// While something is awaited: since when, in monotonic nanoseconds. For the first request, since the connection
    /// began; for further ones since the last was over, and for the rest of a head since its beginning came.
    var waitingSince: UInt64 = 0
    /// Accepted although there were too many connections, to be told so.
    private(set) var isSurplus = false
    /// One of this process's own health checks, which is no client.
    private(set) var isProbe = false
    /// Counted in the table of sources.
    private var isSourceCounted = false
    /// While memory is short: what had gone through at the last look, and whether nothing had since the one before.
    var movedBytes: Int?
    var isStalled = false
    /// What the client had acknowledged when it began to be waited for; `nil` while it keeps up.
    var acknowledged: UInt64?

    /// What was read and forgotten after the last response.
    var discarded = 0

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
        isProbe = connection.isProbe
        worker.register(self)
    }

    var isTCP: Bool {
        if case .tcp = listener.snapshot.mode { return true }
        return false
    }

    // MARK: Life

    func socketConnected() {
        guard let channel else { return }
        (client, clientPort) = (channel.remote.address.unmapped, channel.remote.port)
        let bound = listener.shared.boundEndpoint
        destination = bound.address.isUnspecified ? channel.local : bound
        isProbe = worker.shared.isOwnProbe(Endpoint(address: client, port: clientPort))
        worker.register(self)
        phase = .handshake
        waitingSince = worker.now()
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

    /// The client has shown whose certificate it has; empty: in no words.
    func note(certificateSubject: [UInt8]) {
        forwarding = forwarding.with(certificateSubject: certificateSubject)
    }

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
        isSurplus = worker.isOverfull && !worker.evict(for: self)
        // A forwarded connection has no words to be told in.
        guard isSurplus, isTCP else { return true }
        bump(worker.counters.overloaded)
        abort()
        return false
    }

    func ready() {
        if isTCP {
            beginTunnel()
        } else {
            beginIdle(at: worker.now())
        }
    }

    /// Waits for the next request.
    func beginIdle(at now: UInt64) {
        phase = .idle
        if hasAsked { waitingSince = now }
        setDeadline(worker.settings.idleTimeout)
    }

    func socketClosed(_ error: (any Error)?) {
        if error is IOError { clientBroke() }
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

    /// The client's connection has broken.
    func clientBroke() {
        switch phase {
        case .exchange where isInputClosed:
            // It had not only ended its side: it was gone, and has what it is known to have taken.
            if exchange.awaitsReceipt || exchange.bytesTaken == 0 { exchange.status = 0 }
            exchange.bytesOut = exchange.bytesTaken
        case .tunnel where !isInputClosed:
            // What it sent must not look whole.
            breakTunnel()
        default: break
        }
    }

    func socketInputClosed() {
        isInputClosed = true
        switch phase {
        case .idle where inbox.readableBytes > 0:
            // Requests wait behind answers that are not taken. The end is behind them.
            break
        case .idle, .head:
            // What is still on its way to the client goes first.
            if channel?.unsentBytes ?? 0 > 0 { closeGracefully() } else { abort() }
        case .handshake, .closed:
            abort()
        case .closing:
            closeChannel()
        case .exchange:
            // RFC 9112 section 9.6: a client that sent its whole request may close its side and wait for the response.
            guard exchange.isBodyComplete, !worker.settings.abortsHalfClosed else { return abort() }
            if inbox.readableBytes == 0 { exchange.keepsAlive = false }
            noteTaken()
        case .tunnel:
            if exchange.isUpstreamReady { upstream?.closeOutput() }
        case .streams:
            // What was said of requests that came before it leaves. Without a word from the client no window opens any
            // more: nothing else can be brought to an end.
            http2?.flush()
            if http2?.isIdle ?? false { closeGracefully() } else { abort() }
        }
    }
}
