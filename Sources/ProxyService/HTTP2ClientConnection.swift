import HTTP2Wire
import HTTPWire
import NIOCore
import Sockets

/// A client's HTTP/2 connection: the table of its streams, each with a ``ClientConnection`` that serves its request.
///
/// What the protocol demands of both sides is kept by ``HTTP2Session``. Here are the order to end (RFC 9113 section
/// 6.8: a first GOAWAY that says so, a second that names the last stream when the client must have read the first),
/// and what streams wait for.
final class HTTP2ClientConnection: TurnDelegate, FrameReceiver {
    private enum Ending { case no, announced, last }

    let worker: ProxyWorker
    let carrier: ClientConnection
    let session: HTTP2Session
    /// By place.
    private var clients: [ClientConnection?] = []
    var pending = ByteBuffer()
    private var accepted = 0
    /// When a connection without requests has waited for too long.
    private var restDeadline = UInt64.max
    /// When what the client is in the middle of should have come.
    private var headDeadline = UInt64.max
    private var ending = Ending.no
    private(set) var isOver = false
    private var isFlushScheduled = false
    /// What was collected is on its way to the channel.
    private var isEmitting = false
    /// Someone has been told that nothing can be written for all that is collected here.
    private var isHeldBack = false
    /// Bytes that a stream may hand over before its client takes any.
    let highWater: Int
    private let streamWindow: Int

    /// What all streams together may send before it is read. It is read at once: the streams' own windows bound what
    /// is kept.
    private static let connectionWindow = 1 << 20
    /// Resets in thirty seconds, either side's (CVE-2023-44487, CVE-2025-8671), beyond those that served requests pay for:
    /// a browser that leaves a page full of pictures behind sends a hundred, an attack thousands each second. nghttp2
    /// allows as many a second in the long run.
    private static let resetLimit = 1000
    /// PING, SETTINGS and PRIORITY in thirty seconds: gRPC measures the path with up to ten PINGs a second.
    private static let controlLimit = 1000
    /// Collected for one turn of the loop, before members are not read from.
    private static let mostCollected = 256 << 10
    /// Unsent bytes from which on a further request ends the connection: reading has stopped long before, and what one
    /// read brought comes to less for any client that reads.
    private static let mostUnsent = 4 << 20
    /// Memory for what is collected that is kept for the next turn.
    private static let keptMemory = 32 << 10
    /// The same while there is no request.
    private static let idleMemory = 2 << 10

    init(carrier: ClientConnection) {
        self.carrier = carrier
        worker = carrier.worker
        highWater = worker.settings.bufferBytes
        streamWindow = min(worker.settings.bufferBytes, ReceiveWindow.largest)
        var limits = HTTP2Session.Limits()
        limits.streams = worker.settings.streams
        limits.fieldBytes = worker.settings.limits.bytes * 2
        limits.streamWindow = streamWindow
        limits.connectionWindow = Self.connectionWindow
        limits.resets = Self.resetLimit
        limits.controls = Self.controlLimit
        session = HTTP2Session(role: .server, limits: limits, fields: worker.fieldSection)
    }

    var isIdle: Bool { session.streamCount == 0 }

    /// Since when a frame, or a head, has begun to come that is not whole.
    var isStalledSince: UInt64? { session.unfinished?.since }

    /// Whether any request has come.
    var hasAsked: Bool { accepted > 0 }

    /// Bytes that wait for more of their frame, or to be written.
    var bufferedBytes: Int { pending.readableBytes + session.heldBytes }

    var trailerFields: TrailerFields { worker.trailerFields }

    var isWritable: Bool {
        guard carrier.channel?.isWritable ?? false else { return false }
        guard session.output.count >= Self.mostCollected else { return true }
        isHeldBack = true
        return false
    }

    // MARK: Bytes that come

    func start() {
        session.start()
        flushSoon()
        rest(for: worker.settings.idleTimeout)
    }

    func receive(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        takeFrames(bytes, now: worker.now())
        watchHead()
    }

    func take(_ data: ByteBuffer, padding: Int, isEnd: Bool, on place: Int) {
        // When all end, one may take others along that have not been told yet.
        guard place < clients.count else { return }
        clients[place]?.receive(data, padding: padding, isEnd: isEnd)
    }

    func take(_ event: HTTP2Session.Event) {
        switch event {
        case .request(let stream): begin(stream)
        case .trailers(let stream):
            var lines = ByteBuffer()
            session.fields.writeLines(to: &lines)
            lines.writeStaticString("\r\n")
            clients[stream]?.receiveTrailers(lines)
        case .reset(let stream, _): closed(stream)
        case .broken(let stream):
            bump(worker.counters.malformed)
            if stream >= 0 { closed(stream) }
        case .malformed:
            bump(worker.counters.malformed)
            carrier.passOver(status: 400)
        case .refused: bump(worker.counters.refusedStreams)
        case .windowOpened(let stream):
            if stream >= 0 { push(stream) } else { pushAll() }
        case .settings:
            // The streams' windows may have become larger.
            pushAll()
        case .pong: if ending == .announced { sayLast() }
        case .goAway: leave()
        case .failed(_, let isFlood):
            if isFlood { bump(worker.counters.floods) } else { bump(worker.counters.malformed) }
            fail()
        case .incomplete, .response, .data: break
        }
    }

    /// All that has arrived was handed over.
    func readComplete() { if session.output.count > 0 || isHeldBack { flushSoon() } }

    private func begin(_ place: Int) {
        // Responses that are made here need no window, and many requests come with one read.
        if session.output.count >= Self.mostCollected { emit() }
        guard !isOver else { return }
        guard carrier.channel?.unsentBytes ?? 0 < Self.mostUnsent else {
            session.fail(.enhanceYourCalm)
            return take(.failed(.enhanceYourCalm, isFlood: true))
        }
        accepted += 1
        let isEnd = session.isInputEnded(place)
        var head = worker.takeHeadBuffer()
        defer { worker.giveBack(head) }
        guard HTTP2RequestHead.write(session.fields, isEnd: isEnd, nonce: worker.nextIdentifier(), to: &head) else {
            return take(session.refuse(place))
        }
        let stream = ClientStream(place: place, connection: self, window: streamWindow)
        stream.isInputEnded = isEnd
        let client = ClientConnection(stream: stream, of: carrier)
        while clients.count <= place { clients.append(nil) }
        clients[place] = client
        rest(until: .max)
        if accepted >= worker.settings.requestsPerConnection || carrier.isSurplus { drain() }
        // A client that does not heed the first GOAWAY gets the second when it has had as many requests again as it may
        // have had on their way.
        if ending == .announced, accepted - worker.settings.streams >= worker.settings.requestsPerConnection {
            sayLast()
        }
        client.beginStream(head)
    }

    // MARK: What streams ask for

    func send(_ stream: ClientStream, isEnd: Bool, _ fields: (HTTP2Session) -> Void) {
        session.beginFields()
        fields(session)
        session.endFields(stream.place, isEnd: isEnd)
        flushSoon()
    }

    func widen(_ stream: ClientStream, by increment: Int) {
        session.widen(stream.place, by: increment)
        flushSoon()
    }

    func reset(_ stream: ClientStream, _ code: ErrorCode) {
        session.reset(stream.place, code)
        flushSoon()
        forget(stream.place)
    }

    /// All of the response has left. What is left of the request is not wanted (RFC 9113 section 8.1).
    func finish(_ stream: ClientStream) {
        if !session.closeIfDone(stream.place) { session.reset(stream.place, .noError) }
        flushSoon()
        forget(stream.place)
    }

    /// Once for all that is written in this turn of the loop.
    func flushSoon() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        worker.loop.atEndOfTurn(self)
    }

    func turnEnded() {
        isFlushScheduled = false
        flush()
    }

    /// Hands over what was collected, and lets those go on who waited for that.
    func flush() {
        emit()
        guard isHeldBack, isWritable else { return }
        isHeldBack = false
        wakeAll()
    }

    /// Hands over what was collected. What is written by those that this wakes would be thrown away with it.
    private func emit() {
        guard session.output.count > 0 else { return }
        isEmitting = true
        carrier.send(session.output)
        session.output.removeAll(keeping: isIdle ? Self.idleMemory : Self.keptMemory)
        isEmitting = false
    }

    // MARK: Streams that go on

    /// The client's kernel takes more, or does not.
    func writabilityChanged() {
        guard carrier.channel?.isWritable ?? false else { return }
        restartHead()
        carrier.resumeReading()
        if isEmitting {
            isHeldBack = true
            flushSoon()
        } else if isWritable {
            wakeAll()
        }
    }

    private func wakeAll() {
        for client in clients { client?.streamMoved() }
    }

    private func push(_ place: Int) {
        guard place < clients.count, let client = clients[place], client.stream?.push() ?? false else { return }
        flushSoon()
        client.streamMoved()
    }

    /// Each in turn, beginning with another each time, as long as there is room for any.
    private func pushAll() {
        guard !clients.isEmpty else { return }
        turn = (turn + 1) % clients.count
        let count = clients.count
        for offset in 0..<count where !session.isWindowClosed { push((turn + offset) % count) }
    }

    private var turn = 0

    // MARK: Ends

    /// The stream is gone.
    private func closed(_ place: Int) {
        guard place < clients.count, let client = clients[place] else { return }
        clients[place] = nil
        client.streamClosed()
        if isIdle { becameIdle() }
    }

    private func forget(_ place: Int) {
        // When all end, one may take others along that have not been told yet.
        guard place < clients.count else { return }
        clients[place] = nil
        if isIdle { becameIdle() }
    }

    private func becameIdle() {
        guard !isOver else { return }
        carrier.waitingSince = worker.tickTime
        if ending == .no { rest(for: worker.settings.idleTimeout) } else { finishSoon() }
    }

    /// Says that the connection ends, and ends it when its streams have.
    func drain() {
        guard ending == .no, !isOver else { return }
        ending = .announced
        session.sendGoAway(last: 0x7fff_ffff, .noError)
        // Its answer shows that the client has read that.
        session.sendPing()
        flushSoon()
        if isIdle { rest(for: Self.goAwayPatience) }
    }

    /// For the answer of an idle client to the first GOAWAY.
    private static let goAwayPatience: UInt64 = 1_000_000_000

    private func sayLast() {
        ending = .last
        session.sendLastGoAway()
        flushSoon()
        if isIdle { finishSoon() }
    }

    /// The connection ends now: says what was the last request.
    func sayFarewell() {
        isOver = true
        if ending != .last, !session.isFailed { session.sendLastGoAway() }
        ending = .last
        flush()
    }

    /// The client sends no more requests.
    private func leave() {
        if ending == .no { ending = .last }
        if isIdle { finishSoon() }
    }

    // MARK: Time

    private func rest(for timeout: UInt64) { rest(until: carrier.deadline(in: timeout)) }

    private func rest(until deadline: UInt64) {
        restDeadline = deadline
        arm()
    }

    private func arm() {
        guard !isOver else { return }
        carrier.setDeadline(at: min(restDeadline, headDeadline))
    }

    /// What has begun to come, a head above all, has so much time, however it trickles in.
    private func watchHead() {
        let begun = session.unfinished?.since ?? .max
        let (sum, overflow) = begun.addingReportingOverflow(worker.settings.headTimeout)
        let deadline = overflow ? .max : sum
        guard deadline != headDeadline else { return }
        headDeadline = deadline
        arm()
    }

    /// It was not the client's fault that no more of a head has come: it was not read from.
    private func restartHead() {
        guard session.unfinished != nil else { return }
        session.unfinished?.since = worker.now()
        watchHead()
    }

    /// A head did not come in time; nothing else can come before it.
    private func headTimedOut() {
        guard carrier.mayReadSocket else { return restartHead() }
        bump(worker.counters.timeouts)
        if session.unfinished?.isFields ?? false { carrier.passOver(status: 408) }
        session.fail(.enhanceYourCalm)
        fail()
    }

    /// Nothing happened for too long.
    func deadlinePassed() {
        if headDeadline <= worker.tickTime { return headTimedOut() }
        guard isIdle else { return rest(until: .max) }
        if ending == .no { return drain() }
        if ending == .announced { sayLast() } else { carrier.abort() }
    }

    private func finishSoon() {
        if ending == .announced { return rest(for: Self.goAwayPatience) }
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute {
            guard bound.value.isIdle else { return }
            bound.value.flush()
            bound.value.carrier.closeGracefully()
        }
    }

    /// Ends with what was written so far.
    private func fail() {
        isOver = true
        abortStreams()
        flush()
        carrier.closeGracefully()
    }

    /// Its streams hold too much: says so, as far as the client listens. The connection is to be closed behind it.
    func sayExcess() {
        session.fail(.enhanceYourCalm)
        ending = .last
        isOver = true
        flush()
    }

    func abortStreams() {
        isOver = true
        let all = clients
        clients = []
        for client in all { client?.streamClosed() }
    }
}
