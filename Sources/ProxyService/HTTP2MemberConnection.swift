import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore
import Sockets

/// A connection to a member that speaks HTTP/2: the table of the requests that share it.
///
/// In clear text it is served by its channel directly; with TLS it is a handler of SwiftNIO.
final class HTTP2MemberConnection: ChannelInboundHandler, SocketDelegate, TurnDelegate, FrameReceiver {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let worker: ProxyWorker
    let member: MemberState
    let isTLS: Bool
    let highWater: Int
    let session: HTTP2Session
    var channel: StreamChannel?
    var context: ChannelHandlerContext?
    /// By place.
    var streams: [UpstreamStream?] = []
    /// Those that came before the connection stood, and those that rest until the member takes requests again.
    var waiting: [UpstreamStream] = []
    var pending = ByteBuffer()
    var isReady = false
    var isOver = false
    private var isFlushScheduled = false
    /// What was collected is on its way to the channel.
    var isEmitting = false
    /// Someone has been told that nothing can be written for all that is collected here.
    var isHeldBack = false
    /// The member takes no further request here, or none is to be sent.
    private(set) var isLeaving = false
    /// The member has said so.
    private var hasLeft = false
    /// HEADERS and DATA that came.
    var frameCount = 0
    var readStreams: [UpstreamStream] = []
    var toldStreams: [UpstreamStream] = []
    /// Those whose requests the member has not acted on.
    var refused: [UpstreamStream] = []
    /// While no request is on it: since when.
    private(set) var idleSince: UInt64 = 0
    var turn = 0

    /// What a member may send of one response before its client takes anything: all that waits of it here, also for the
    /// client's own windows.
    let streamWindow: Int
    private static let connectionWindow = 16 << 20
    /// More on one connection than this, and what one lost segment holds up is too much.
    private static let mostStreams = 256
    /// Requests at once that a member is taken to allow before it says so.
    private static let usualStreams = 100
    /// What is left of the numbers of streams from here on is spared for those that are on their way.
    private static let lastStream: UInt32 = 1 << 30
    /// A member's connection carries everybody's requests, day after day: what would be a flood from one client is not
    /// one here. In thirty seconds.
    private static let unsuspicious = 100_000
    /// How long a stream waits for its end that has got all else, in nanoseconds.
    private static let mostLingering: UInt64 = 5_000_000_000
    /// Collected for one turn of the loop, before clients are not read from.
    private static let mostCollected = 256 << 10
    /// Memory for what is collected that is kept for the next turn.
    private static let keptMemory = 64 << 10
    /// The same while nothing is to be sent.
    private static let idleMemory = 4 << 10

    init(worker: ProxyWorker, member: MemberState, isTLS: Bool) {
        self.worker = worker
        self.member = member
        self.isTLS = isTLS
        highWater = worker.settings.bufferBytes
        streamWindow = min(worker.settings.bufferBytes, ReceiveWindow.largest)
        idleSince = worker.now()
        var limits = HTTP2Session.Limits()
        limits.fieldBytes = HeadLimits.largestHead
        limits.streamWindow = streamWindow
        limits.connectionWindow = Self.connectionWindow
        limits.controls = Self.unsuspicious
        session = HTTP2Session(role: .client, limits: limits, fields: worker.fieldSection)
    }

    /// Whether one more request may go here.
    var hasRoom: Bool {
        !isLeaving
            && session.streamCount + waiting.count < min(session.peerStreams ?? Self.usualStreams, Self.mostStreams)
    }

    /// Whether it was used before and is not in use: one that the member may be closing at this moment.
    var isKept: Bool { session.streamCount == 0 && session.lastStream > 0 }

    var isIdle: Bool { session.streamCount == 0 && waiting.isEmpty }

    var isWritable: Bool {
        guard channel?.isWritable ?? false else { return false }
        guard session.output.count >= Self.mostCollected else { return true }
        isHeldBack = true
        return false
    }

    var stands: Bool { isReady }

    var trailerFields: TrailerFields { worker.trailerFields }

    // MARK: Requests

    func add(_ stream: UpstreamStream) {
        waiting.append(stream)
        if stream.isResting { worker.pool(for: member).resting = self }
    }

    /// Whether requests may wait here for the member to take some again.
    var mayRest: Bool { takesNothing && !hasLeft && !isOver && waiting.count < Self.mostStreams }

    /// Nobody waits any more: the next request finds out on a connection of its own what the member takes by then.
    func endRest() {
        let pool = worker.pool(for: member)
        if waiting.isEmpty, pool.resting === self { pool.resting = nil }
    }

    /// Begins a request with a head that was written for HTTP/1.1.
    ///
    /// - Parameter asksForTunnel: WebSocket is asked for with extended CONNECT.
    /// - Returns: the stream's place; `nil` when the head cannot be read, which cannot be: it was written here.
    func open(_ stream: UpstreamStream, _ head: ByteBuffer, isEnd: Bool, asksForTunnel: Bool) -> Int? {
        let parsed = worker.memberHead
        guard parsed.parse(head.readableBytesUInt8Span, limits: Self.ownLimits) == .complete else { return nil }
        let place = session.open(isHead: parsed.method == .head)
        while streams.count <= place { streams.append(nil) }
        streams[place] = stream
        session.beginFields()
        if asksForTunnel { stream.webSocketAccept = parsed.webSocketAccept(head.readableBytesUInt8Span) }
        HTTP2MemberRequest.write(head, parsed, isTLS: isTLS, asksForTunnel: asksForTunnel, to: session)
        session.endFields(place, isEnd: isEnd)
        flushSoon()
        if session.lastStream >= Self.lastStream { retire() }
        return place
    }

    /// What is written here was within the limits when it came, and got a few fields more.
    private static let ownLimits = HeadLimits(
        bytes: HeadLimits.largestHead, fields: HeadLimits.mostFields, underscores: .keep)

    func forget(_ stream: UpstreamStream) {
        waiting.removeAll { $0 === stream }
        endRest()
        if isIdle, isLeaving { closeNow() }
    }

    func reset(_ place: Int, _ code: ErrorCode) {
        // When all end, one may take others along that have not been told yet.
        guard !isOver else { return }
        session.reset(place, code)
        streams[place]?.lost()
        streams[place] = nil
        flushSoon()
        if isIdle { noteIdle() }
        guard !waiting.isEmpty else { return }
        // Not amid what the stream's client is doing.
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute {
            guard !bound.value.isOver, bound.value.isReady else { return }
            bound.value.serveWaiting()
            bound.value.sendElsewhere()
        }
    }

    /// The member has sent all of a response but its end. One that never says it would keep the connection busy for
    /// ever.
    func noteLingering(_ stream: UpstreamStream) {
        let now = worker.now()
        stream.lingersSince = now
        if isLeaving { return cancelLingering(all: true) }
        worker.noteDeadline(worker.pool(for: member).expire(at: now + Self.mostLingering))
    }

    /// Ends streams that have waited for their end for too long, or all that do.
    func cancelLingering(all: Bool = false) {
        for (place, stream) in streams.enumerated() {
            guard let stream, let since = stream.lingersSince else { continue }
            let end = since + Self.mostLingering
            if all || end <= worker.tickTime {
                reset(place, .cancel)
            } else {
                _ = worker.pool(for: member).expire(at: end)
            }
        }
    }

    func widen(_ place: Int, by increment: Int) {
        session.widen(place, by: increment)
        flushSoon()
    }

    /// Once for all that is written in this turn of the loop.
    func flushSoon() {
        guard !isFlushScheduled, isReady, !isOver else { return }
        isFlushScheduled = true
        worker.loop.atEndOfTurn(self)
    }

    func turnEnded() {
        isFlushScheduled = false
        flushNow()
    }

    func flushNow() {
        let output = session.output
        guard !isOver else { return }
        if output.count > 0 {
            isEmitting = true
            if let context {
                let bytes = unsafe output.bytes.withUnsafeBufferPointer { unsafe ByteBuffer(bytes: $0) }
                context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            } else {
                channel?.send(output.bytes)
            }
            output.removeAll(keeping: isIdle ? Self.idleMemory : Self.keptMemory)
            isEmitting = false
        }
        guard isHeldBack, isWritable else { return }
        isHeldBack = false
        wakeAll()
    }

    // MARK: Ends

    /// Forgets a stream that is over.
    func settle(_ place: Int, _ stream: UpstreamStream) {
        guard place < streams.count, streams[place] === stream, session.closeIfDone(place) else { return }
        streams[place] = nil
        stream.closed(isRefused: false, error: nil)
        if isIdle { noteIdle() }
    }

    /// The stream is gone.
    func closed(_ place: Int, isRefused: Bool) {
        guard place < streams.count, let stream = streams[place] else { return }
        streams[place] = nil
        if isRefused {
            // What came with it may say where the request is not to be sent again.
            stream.lost()
            refused.append(stream)
        } else {
            stream.closed(isRefused: false, error: nil)
        }
        if isIdle { noteIdle() }
    }

    /// The member acts on no request beyond `last`.
    func leave(_ last: UInt32) {
        hasLeft = true
        retire()
        refused += waiting
        waiting = []
        endRest()
        let all = streams
        for (place, stream) in all.enumerated() {
            guard stream != nil, place < streams.count, streams[place] === stream, session.id(of: place) > last else {
                continue
            }
            session.forget(place)
            closed(place, isRefused: true)
        }
        if isIdle { noteIdle() }
    }

    func noteIdle() {
        guard !isOver else { return }
        idleSince = worker.now()
        if isLeaving { closeNow() } else { worker.noteDeadline(worker.pool(for: member).becameIdle(self)) }
    }

    /// Takes no further request.
    func retire() {
        guard !isLeaving else { return }
        isLeaving = true
        worker.pool(for: member).remove(self)
        if isIdle { closeNow() } else { cancelLingering(all: true) }
    }

    private func closeNow() {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute {
            guard !bound.value.isOver, bound.value.isIdle else { return }
            if bound.value.isReady {
                bound.value.session.sendLastGoAway()
                bound.value.flushNow()
            }
            bound.value.closeChannel()
        }
    }

    /// The attempt to connect failed.
    func connectFailed(_ error: any Error) { ended(error) }

    func ended(_ error: (any Error)?) {
        guard !isOver else { return }
        isOver = true
        isLeaving = true
        worker.pool(for: member).remove(self)
        let queue = waiting
        waiting = []
        endRest()
        for (index, stream) in queue.enumerated() {
            stream.connectFailed(error ?? ChannelError.eof, isFirst: index == 0)
        }
        let all = streams
        streams = []
        for stream in all { stream?.closed(isRefused: false, error: error) }
    }
}
