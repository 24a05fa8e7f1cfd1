/// One side of an HTTP/2 connection, without a socket: bytes that came become events, what is to be sent becomes bytes
/// in ``output``. It keeps to RFC 9113 and holds the peer to it: the order of frames, the states of streams, windows,
/// the form of messages (section 8), and how often what costs work may come.
///
/// A stream is named by its place, a small number that is its own as long as it is open.
package final class HTTP2Session {
    package enum Role: Sendable { case client, server }

    package struct Limits: Sendable {
        /// Requests at once that the peer may make.
        package var streams = 0
        /// What the fields of a message may be together (RFC 9113 section 6.5.2).
        package var fieldBytes = 64 << 10
        /// What the peer may send on a stream before it is given more room.
        package var streamWindow = 65_535
        /// The same on the whole connection.
        package var connectionWindow = 65_535
        /// Resets by the peer of requests that are new and not paid for by others that were served, and errors that make
        /// this side reset, in ``span`` nanoseconds.
        package var resets = 1000
        /// PING, SETTINGS, PRIORITY, needless window updates and frames that nobody knows in ``span`` nanoseconds.
        package var controls = 1000
        package var span: UInt64 = 30_000_000_000

        package init() {}
    }

    package enum Event: Sendable, Hashable {
        /// All that can be consumed was; the bytes from the offset on must be given again, with more behind them.
        case incomplete
        /// A request: its head is in ``HTTP2Session/fields``.
        case request(stream: Int)
        /// A response's head, or an interim one.
        case response(stream: Int)
        /// Fields behind the body. They end the message.
        case trailers(stream: Int)
        /// A part of a body, which has `count` bytes of the peer's window.
        case data(stream: Int, Range<Int>, count: Int, isEnd: Bool)
        /// The peer has reset the stream, which is gone.
        case reset(stream: Int, ErrorCode)
        /// The peer broke the rules on a stream, which was reset and is gone; -1: it was gone before.
        case broken(stream: Int)
        /// A request that is malformed (RFC 9113 section 8.1.1). Its stream was reset.
        case malformed
        /// A request that was not looked at because there are as many as are taken, or none are any more. Its stream was
        /// reset in words that say so, and the peer may send it again (section 8.7).
        case refused
        /// More may be sent on a stream; -1: on the whole connection.
        case windowOpened(stream: Int)
        /// The peer's settings changed.
        case settings
        /// The answer to ``HTTP2Session/sendPing()``.
        case pong
        case goAway(last: UInt32, ErrorCode)
        /// The connection is over: GOAWAY is in the output, and nothing more is to be read.
        case failed(ErrorCode, isFlood: Bool)
    }

    /// A frame, or the fields of a message, of which only the beginning has come.
    package struct Unfinished: Sendable, Hashable {
        /// When that was seen first, by ``HTTP2Session/now``.
        package var since: UInt64
        /// It is known to be a message's fields.
        package var isFields = false
    }

    enum Phase { case preface, settings, frames, failed }

    package let role: Role
    package let limits: Limits
    /// What was decoded last. Shared with other sessions of the loop.
    package let fields: FieldSection
    package let output = OutputBytes()
    /// Monotonic nanoseconds, as of late.
    package var now: UInt64 = 0

    var streams = StreamTable()
    var decoder = FieldDecoder()
    var encoder = FieldEncoder()
    var phase: Phase

    // Reading.

    /// The stream whose field block goes on in CONTINUATION; 0: none.
    var blockStream: UInt32 = 0
    var blockFlags: UInt8 = 0
    var block: [UInt8] = []
    var continuations = 0
    /// What the peer is in the middle of, but for DATA, which goes on as it comes.
    package var unfinished: Unfinished?
    /// Of the DATA that is being read: the stream's place, -1: nobody's; what has not come of the body and of the
    /// padding behind it.
    var dataStream = -1
    var dataRemaining = 0
    var dataPadding = 0
    /// Bytes of the window that count with the last piece.
    var dataExtra = 0
    var dataEnds = false
    var isReadingData = false
    /// As a server: DATA without a byte of a body that came one behind another.
    var emptyFrames = 0
    var receiveWindow = HTTP2Session.defaultWindow
    /// Bytes that the peer has not been given back.
    var owed = 0
    var isAcknowledged = false
    /// Streams that were refused before the peer had read how many this side takes.
    var earlyStreams = 0
    /// Bytes of a body went one way or the other since the peer's last PING.
    var hasMovedData = false
    /// Window updates that what was sent has given reason for.
    var expectedUpdates = 0
    /// PINGs of this side that have not been answered.
    var openPings = 0
    var resetStreams = ResetStreams()
    var resets: RateWindow
    /// Resets that requests which were served to their end have paid for, and may still pay for.
    var paidResets = 0
    var paid: RateWindow
    var controls: RateWindow
    /// The highest number of a stream that the peer, or this side as a client, has opened.
    package internal(set) var lastStream: UInt32 = 0
    /// What the peer may still open is refused.
    var refusesStreams = false

    // Sending.

    var sendWindow = HTTP2Session.defaultWindow
    /// The peer's SETTINGS_INITIAL_WINDOW_SIZE.
    var initialWindow = HTTP2Session.defaultWindow
    var largestPayload = FrameHeader.largestPayload
    /// Requests at once that the peer takes; `nil`: it has not said.
    package internal(set) var peerStreams: Int?
    /// The peer has said what it wants.
    package internal(set) var isSettled = false
    /// The peer takes extended CONNECT (RFC 8441).
    package internal(set) var peerAllowsConnect = false
    var blockStart = 0

    static let defaultWindow = 65_535
    static let mostEarlyStreams = 1000
    /// Window updates for each frame of DATA that was sent: peers give room back as they use bytes up, piece by piece.
    static let updatesPerData = 10
    /// And for each request: some peers open its window before anything comes.
    static let updatesPerRequest = 2
    /// Requests that a client may give up for each that is served: of a call with hedging, gRPC makes five at most and
    /// takes one (its proposal A6).
    static let resetsPerRequest = 4
    /// What is paid for has a bound, too, in multiples of what is free: to have a request answered may cost a client less
    /// than those that it gives up cost the members.
    static let mostPaid = 3
    /// Nanoseconds after which giving up is no flood: who has waited so long has held a stream, of which there are few.
    static let longStream: UInt64 = 1_000_000_000
    static let mostExpectedUpdates = 100_000
    static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    /// Frames in which one field block may go on: more have only been seen in attacks (CVE-2024-27316).
    static let mostContinuations = 5
    /// DATA without a byte of a body and without an end, one behind another.
    static let mostEmptyFrames = 10

    package init(role: Role, limits: Limits, fields: FieldSection) {
        self.role = role
        self.limits = limits
        self.fields = fields
        phase = role == .server ? .preface : .settings
        resets = RateWindow(limit: limits.resets, span: limits.span)
        paid = RateWindow(limit: limits.resets * Self.mostPaid, span: limits.span)
        controls = RateWindow(limit: limits.controls, span: limits.span)
    }

    // MARK: What is asked about streams

    /// Streams that are open.
    package var streamCount: Int { streams.count }

    package func id(of stream: Int) -> UInt32 { streams[stream].id }

    /// Whether nothing more comes from the peer.
    package func isInputEnded(_ stream: Int) -> Bool { streams[stream].isInputEnded }

    /// Bytes of a field block that is not whole, and of what is to be sent.
    package var heldBytes: Int { block.count + output.count }

    package var isFailed: Bool { phase == .failed }

    /// Forgets a stream that both sides have ended.
    ///
    /// - Returns: `false` when they have not.
    package func closeIfDone(_ stream: Int) -> Bool {
        guard streams[stream].isDone else { return false }
        remove(stream)
        paidResets = min(paidResets + Self.resetsPerRequest, limits.resets)
        return true
    }

    func remove(_ stream: Int) {
        if isReadingData, dataStream == stream { dataStream = -1 }
        streams.remove(stream)
    }
}
