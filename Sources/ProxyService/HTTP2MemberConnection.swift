import Balancing
import HTTPWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import NIOTLS
import Sockets

/// A connection to a member that speaks HTTP/2: the table of the requests that share it.
final class HTTP2MemberConnection: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let worker: ProxyWorker
    let member: MemberState
    let isTLS: Bool
    let highWater: Int
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: UpstreamStream] = [:]
    /// Those that came before the connection stood.
    private var waiting: [UpstreamStream] = []
    private var isReady = false
    private var isFlushScheduled = false
    private var nextID = HTTP2StreamID(1)
    /// The member takes no further request here, or none is to be sent.
    private(set) var isLeaving = false
    /// The member acts on none beyond.
    private var lastAccepted = HTTP2StreamID.maxID
    /// Requests at once that the member allows, or that are taken to be before it says so.
    private var limit = 100
    /// HEADERS and DATA that came.
    private(set) var frameCount = 0
    private var window = ReceiveWindow(size: HTTP2MemberConnection.connectionWindow)
    private var readStreams: [UpstreamStream] = []
    private var moved: [HTTP2StreamID] = []
    /// While no request is on it: since when.
    private(set) var idleSince: UInt64 = 0

    /// What a member may send of one response before its client takes it.
    static let streamWindow = 256 << 10
    private static let connectionWindow = 16 << 20
    private static let defaultWindow = 65_535
    /// More on one connection than this, and what one lost segment holds up is too much.
    private static let mostStreams = 256

    init(worker: ProxyWorker, member: MemberState, isTLS: Bool) {
        self.worker = worker
        self.member = member
        self.isTLS = isTLS
        highWater = worker.settings.bufferBytes
        idleSince = worker.tickTime
    }

    func makeCodec() -> NIOHTTP2Handler {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.streamWindow),
            HTTP2Setting(parameter: .maxHeaderListSize, value: HeadLimits.largestHead),
        ]
        // A member's connection carries everybody's requests, day after day: what would be a flood from one client is
        // not one here.
        connection.maximumConnectionGlitches = Self.unsuspicious
        connection.controlFrameRateLimit.maximumCount = Self.unsuspicious
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = Self.unsuspicious
        stream.streamErrorRateLimit.maximumCount = Self.unsuspicious
        return NIOHTTP2Handler(
            mode: .client, frameDelegate: self, connectionConfiguration: connection, streamConfiguration: stream)
    }

    /// In thirty seconds.
    private static let unsuspicious = 100_000

    /// Whether one more request may go here.
    var hasRoom: Bool { !isLeaving && streams.count + waiting.count < min(limit, Self.mostStreams) }

    /// Whether it was used before and is not in use: one that the member may be closing at this moment.
    var isKept: Bool { streams.isEmpty && nextID > HTTP2StreamID(1) }

    var isIdle: Bool { streams.isEmpty && waiting.isEmpty }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: Requests

    func add(_ stream: UpstreamStream) { waiting.append(stream) }

    var stands: Bool { isReady }

    func open(_ stream: UpstreamStream) -> HTTP2StreamID {
        let id = nextID
        nextID = id.advanced(by: 2)
        // What is left of the numbers is spared for those that are on their way.
        if Int(id) > 1 << 30 { retire() }
        streams[id] = stream
        return id
    }

    /// Pseudo-fields and fields in HTTP/2 of a head that was written for HTTP/1.1.
    func fields(of head: ByteBuffer) -> HPACKHeaders? {
        let parsed = worker.memberHead
        guard parsed.parse(head.readableBytesUInt8Span, limits: Self.ownLimits) == .complete else { return nil }
        return HTTP2MemberRequest.fields(head, parsed, isTLS: isTLS)
    }

    /// What is written here was within the limits when it came, and got a few fields more.
    private static let ownLimits = HeadLimits(
        bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields, underscores: .keep)

    func forget(_ stream: UpstreamStream) {
        waiting.removeAll { $0 === stream }
        if isIdle, isLeaving { closeNow() }
    }

    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
        context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
        flushSoon()
    }

    func sendWindowUpdate(_ id: HTTP2StreamID, _ increment: Int) {
        write(id, .windowUpdate(windowSizeIncrement: increment))
    }

    /// Once for all that is written in this turn of the loop.
    func flushSoon() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.isFlushScheduled = false
            bound.value.context?.flush()
            bound.value.noteMoved()
        }
    }

    func noteRead(_ stream: UpstreamStream) { if readStreams.last !== stream { readStreams.append(stream) } }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { if !isTLS { becomeReady() } }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            guard negotiated == "h2" else {
                // A member that speaks something else would take the preface for a request.
                ended(NIOSSLError.handshakeFailed(.noError))
                context.close(promise: nil)
                return
            }
            becomeReady()
        case let event as StreamClosedEvent:
            closed(event)
        case ChannelEvent.inputClosed:
            context.close(promise: nil)
        default:
            break
        }
    }

    private func becomeReady() {
        guard !isReady else { return }
        isReady = true
        bump(worker.counters.upstreamConnections)
        sendWindowUpdate(.rootStream, Self.connectionWindow - Self.defaultWindow)
        let all = waiting
        waiting = []
        for stream in all { stream.becomeReady() }
        if isIdle { noteIdle() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers):
            frameCount &+= 1
            streams[frame.streamID]?.receive(headers.headers, isEnd: headers.endStream)
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            frameCount &+= 1
            let count = bytes.readableBytes + (data.paddingBytes.map { $0 + 1 } ?? 0)
            window.received(count)
            let increment = window.consumed(count)
            if increment > 0 { sendWindowUpdate(.rootStream, increment) }
            streams[frame.streamID]?.receive(bytes, padding: count - bytes.readableBytes, isEnd: data.endStream)
        case .settings(.settings(let settings)):
            if let most = settings.last(where: { $0.parameter == .maxConcurrentStreams })?.value { limit = most }
        case .goAway(let last, _, _):
            if last < lastAccepted { lastAccepted = last }
            retire()
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let all = readStreams
        readStreams.removeAll(keepingCapacity: true)
        for stream in all { stream.client?.upstreamReadComplete(stream) }
        noteMoved()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard isWritable else { return }
        for stream in Array(streams.values) { stream.noteWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { return }
        guard hasFailed || !isReady || !(isOneStream(error)) else { return }
        ended(error)
        context.close(promise: nil)
    }

    /// A GOAWAY with an error has left.
    private var hasFailed = false

    /// The codec has reset that stream, and its closing says the rest.
    private func isOneStream(_ error: any Error) -> Bool { !(error is IOError) && !(error is NIOSSLError) }

    func channelInactive(context: ChannelHandlerContext) { ended(nil) }

    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let data):
            guard let stream = streams[frame.streamID] else { return }
            stream.left(data.data.readableBytes)
            moved.append(frame.streamID)
        case .goAway(_, let code, _):
            if code != .noError { hasFailed = true }
        default:
            break
        }
    }

    private func noteMoved() {
        guard !moved.isEmpty else { return }
        let all = moved
        moved.removeAll(keepingCapacity: true)
        for id in all { streams[id]?.noteWritable() }
    }

    // MARK: Ends

    private func closed(_ event: StreamClosedEvent) {
        guard let stream = streams.removeValue(forKey: event.streamID) else { return }
        let isRefused = event.reason == .refusedStream || event.streamID > lastAccepted
        stream.closed(isRefused: isRefused, error: nil)
        if isIdle { noteIdle() }
    }

    private func noteIdle() {
        idleSince = worker.tickTime
        if isLeaving { closeNow() } else { worker.noteDeadline(worker.pool(for: member).sharedExpiry(of: self)) }
    }

    /// Takes no further request.
    func retire() {
        guard !isLeaving else { return }
        isLeaving = true
        worker.pool(for: member).remove(self)
        if isIdle { closeNow() }
    }

    private func closeNow() {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute {
            guard let context = bound.value.context else { return }
            if bound.value.isReady {
                bound.value.write(.rootStream, .goAway(lastStreamID: .rootStream, errorCode: .noError, opaqueData: nil))
                context.flush()
            }
            context.close(promise: nil)
        }
    }

    /// The attempt to connect failed.
    func connectFailed(_ error: any Error) { ended(error) }

    private func ended(_ error: (any Error)?) {
        isLeaving = true
        worker.pool(for: member).remove(self)
        let queue = waiting
        waiting = []
        for (index, stream) in queue.enumerated() {
            stream.connectFailed(error ?? ChannelError.eof, isFirst: index == 0)
        }
        let all = Array(streams.values)
        streams.removeAll()
        for stream in all { stream.closed(isRefused: false, error: error) }
    }
}
