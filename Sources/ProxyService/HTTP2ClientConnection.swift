import HTTPWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import Sockets

/// A client's HTTP/2 connection: the table of its streams, each with a ``ClientConnection`` that serves its request.
///
/// Frames, HPACK, the states of streams and the windows towards the client are NIOHTTP2's; it also cuts floods of
/// resets, of control frames, of empty frames, of CONTINUATION and of malformed streams. Here are the order to end
/// (RFC 9113 section 6.8: a first GOAWAY that says so, a second that names the last stream when the client must have
/// read the first), the windows from the client, and the floods that only a server sees.
final class HTTP2ClientConnection: ChannelInboundHandler, NIOHTTP2FrameDelegate {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Ending { case no, announced, last }

    private let worker: ProxyWorker
    private let carrier: ClientConnection
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2StreamID: ClientConnection] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    private var accepted = 0
    private var ending = Ending.no
    /// A GOAWAY with an error has left: the connection ends with what was written.
    private var hasFailed = false
    /// It was ended for that.
    private var isOver = false
    private var isFlushScheduled = false
    /// Streams whose data has left, to go on outside of the write that it left with.
    private var woken: [ClientConnection] = []
    private var resets: RateWindow
    private var window = ReceiveWindow(size: HTTP2ClientConnection.connectionWindow)
    /// Bytes that a stream may hand over before its client takes any.
    let highWater: Int

    /// What all streams together may send before it is read. It is read at once: the streams' own windows bound what
    /// is kept.
    private static let connectionWindow = 1 << 20
    private static let defaultWindow = 65_535
    /// Resets in thirty seconds, either side's (CVE-2023-44487, CVE-2025-8671): a browser that leaves a page full of
    /// pictures behind sends a hundred, an attack thousands each second.
    private static let resetLimit = 500
    /// PING, SETTINGS and PRIORITY in thirty seconds: gRPC measures the path with up to ten PINGs a second.
    private static let controlLimit = 1000
    private static let span: Int64 = 30_000_000_000

    init(carrier: ClientConnection) {
        self.carrier = carrier
        worker = carrier.worker
        highWater = carrier.worker.settings.bufferBytes
        resets = RateWindow(limit: Self.resetLimit, span: UInt64(Self.span))
    }

    /// The codec below this handler.
    func makeCodec() -> NIOHTTP2Handler {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: worker.settings.streams),
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
            HTTP2Setting(parameter: .maxHeaderListSize, value: worker.settings.limits.bytes * 2),
            HTTP2Setting(parameter: .enableConnectProtocol, value: 1),
        ]
        connection.controlFrameRateLimit.maximumCount = Self.controlLimit
        connection.controlFrameRateLimit.windowLength = .nanoseconds(Self.span)
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = Self.resetLimit
        stream.streamResetFrameRateLimit.windowLength = .nanoseconds(Self.span)
        return NIOHTTP2Handler(
            mode: .server, frameDelegate: self, connectionConfiguration: connection, streamConfiguration: stream)
    }

    private var streamWindow: Int { min(worker.settings.bufferBytes, 1 << 20) }

    var isIdle: Bool { streams.isEmpty }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: Frames that come

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    /// The codec is in place, too.
    func start() { sendWindowUpdate(.rootStream, Self.connectionWindow - Self.defaultWindow) }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard !hasFailed else { return }
        switch frame.payload {
        case .headers(let headers):
            if let client = streams[frame.streamID] {
                client.receiveTrailers(headers.headers)
            } else {
                begin(frame.streamID, headers)
            }
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            let count = bytes.readableBytes + (data.paddingBytes.map { $0 + 1 } ?? 0)
            window.received(count)
            let increment = window.consumed(count)
            if increment > 0 { sendWindowUpdate(.rootStream, increment) }
            streams[frame.streamID]?.receive(bytes, padding: count - bytes.readableBytes, isEnd: data.endStream)
        case .ping(_, ack: true):
            if ending == .announced { sayLast() }
        case .goAway:
            leave()
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wake()
        context.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard isWritable else { return }
        for client in Array(streams.values) { client.streamMoved() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as StreamClosedEvent:
            closed(event.streamID)
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What the codec still finds in the bytes that came with the last straw has been counted.
        guard !isOver else { return }
        guard hasFailed else {
            // One stream's: it was reset, and its closing says the rest.
            bump(worker.counters.malformed)
            return
        }
        switch error {
        case is NIOHTTP2Errors.ExcessiveRSTFrames, is NIOHTTP2Errors.ExcessiveControlFrames,
            is NIOHTTP2Errors.ExcessiveEmptyDataFrames, is NIOHTTP2Errors.ExcessiveContinuationFrames,
            is NIOHTTP2Errors.ExcessiveStreamErrors, is NIOHTTP2Errors.ExcessiveNumberOfGlitches,
            is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock, is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering,
            is NIOHPACKErrors.MaxHeaderListSizeViolation:
            bump(worker.counters.floods)
        default:
            bump(worker.counters.malformed)
        }
        fail()
    }

    private func begin(_ id: HTTP2StreamID, _ headers: HTTP2Frame.FramePayload.Headers) {
        guard streams.count < worker.settings.streams else {
            // NIOHTTP2 holds clients to what they have acknowledged; some never do.
            countReset()
            return write(id, .rstStream(.refusedStream))
        }
        lastStream = id
        accepted += 1
        var head = ByteBuffer()
        head.reserveCapacity(64 * headers.headers.count)
        let isWhole = HTTP2RequestHead.write(
            headers.headers, isEnd: headers.endStream, nonce: worker.nextIdentifier(), to: &head)
        guard isWhole else {
            bump(worker.counters.malformed)
            countReset()
            return write(id, .rstStream(.protocolError))
        }
        let stream = ClientStream(id: id, connection: self, window: streamWindow)
        stream.isInputEnded = headers.endStream
        let client = ClientConnection(stream: stream, of: carrier)
        streams[id] = client
        carrier.setDeadline(at: .max)
        if accepted >= worker.settings.requestsPerConnection || carrier.isSurplus { drain() }
        client.beginStream(head)
    }

    // MARK: What streams ask for

    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
        context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
        flushSoon()
    }

    func sendWindowUpdate(_ id: HTTP2StreamID, _ increment: Int) {
        write(id, .windowUpdate(windowSizeIncrement: increment))
    }

    func reset(_ stream: ClientStream, _ code: HTTP2ErrorCode) {
        write(stream.id, .rstStream(code))
    }

    /// Once for all that is written in this turn of the loop.
    func flushSoon() {
        guard !isFlushScheduled, let context else { return }
        isFlushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.isFlushScheduled = false
            bound.value.context?.flush()
            bound.value.wake()
        }
    }

    private func countReset() {
        guard resets.isExceeded(worker.now()), !hasFailed else { return }
        bump(worker.counters.floods)
        write(.rootStream, .goAway(lastStreamID: lastStream, errorCode: .enhanceYourCalm, opaqueData: nil))
        fail()
    }

    // MARK: Frames that leave

    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let data):
            left(frame.streamID, data.data.readableBytes, isEnd: data.endStream)
        case .headers(let headers):
            if headers.endStream { left(frame.streamID, 0, isEnd: true) }
        case .goAway(_, let code, _):
            if code != .noError { hasFailed = true }
        default:
            break
        }
    }

    private func left(_ id: HTTP2StreamID, _ count: Int, isEnd: Bool) {
        guard let client = streams[id], let stream = client.stream else { return }
        stream.left(count, isEnd: isEnd)
        guard !stream.isWoken else { return }
        stream.isWoken = true
        woken.append(client)
    }

    private func wake() {
        while !woken.isEmpty {
            let clients = woken
            woken.removeAll(keepingCapacity: true)
            for client in clients {
                client.stream?.isWoken = false
                client.streamMoved()
            }
        }
    }

    // MARK: Ends

    private func closed(_ id: HTTP2StreamID) {
        guard let client = streams.removeValue(forKey: id) else { return }
        client.streamClosed()
        if streams.isEmpty { becameIdle() }
    }

    private func becameIdle() {
        if ending == .no { carrier.setDeadline(worker.settings.idleTimeout) } else { finishSoon() }
    }

    /// Says that the connection ends, and ends it when its streams have.
    func drain() {
        guard ending == .no else { return }
        ending = .announced
        // Past the codec, which takes no further stream once it has sent one.
        carrier.writePast(Self.farewell)
        // Its answer shows that the client has read that.
        write(.rootStream, .ping(HTTP2PingData(withInteger: 0), ack: false))
        if streams.isEmpty { carrier.setDeadline(Self.goAwayPatience) }
    }

    /// GOAWAY that names the last stream that there can be, and no error.
    private static let farewell = ByteBuffer(bytes: [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])

    /// For the answer of an idle client to the first GOAWAY.
    private static let goAwayPatience: UInt64 = 1_000_000_000

    private func sayLast() {
        ending = .last
        write(.rootStream, .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
        if streams.isEmpty { finishSoon() }
    }

    /// The connection ends now: says what was the last request.
    func sayFarewell() {
        if ending != .last, !hasFailed { sayLast() }
        context?.flush()
    }

    /// The client sends no more requests.
    private func leave() {
        if ending == .no { ending = .last }
        if streams.isEmpty { finishSoon() }
    }

    /// Nothing happened for too long.
    func deadlinePassed() {
        guard streams.isEmpty else { return }
        if ending == .no { return drain() }
        if ending == .announced { sayLast() } else { carrier.abort() }
    }

    private func finishSoon() {
        if ending == .announced { return carrier.setDeadline(Self.goAwayPatience) }
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute {
            guard bound.value.streams.isEmpty else { return }
            bound.value.context?.flush()
            bound.value.carrier.closeGracefully()
        }
    }

    /// Ends with what was written so far.
    private func fail() {
        hasFailed = true
        isOver = true
        abortStreams()
        context?.flush()
        carrier.closeGracefully()
    }

    func abortStreams() {
        let all = Array(streams.values)
        streams.removeAll()
        for client in all { client.streamClosed() }
    }
}
