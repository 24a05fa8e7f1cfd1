import Balancing
import HTTPWire

/// What is known of the request at hand, and of the tunnel that it may become.
struct Exchange {
    // What the client asked.
    var view: SnapshotView?
    /// The listener's place in `view`; in a newer snapshot it can have another.
    var listenerPosition = 0
    var route: Int = -1
    var upstream: Int = -1
    var method = Method.other
    var isOldClient = false
    var keepsAlive = false
    /// The client asked for the connection to end with this request, and all of it is here.
    var isClientLeaving = false
    var wantsWebSocket = false
    var expectsContinue = false
    var acceptsTrailers = false
    var identifier = RequestID(high: 0, low: 0)
    /// A gRPC call: it may be silent for long, and its errors are in fields of its own.
    var isGRPC = false
    /// When the client stops waiting for it, as it says.
    var expiry: UInt64 = .max

    // Its body.
    var bodyRemaining = 0
    var bodyBytes = 0
    var isChunked = false
    var chunks = ChunkedDecoder()
    var isBodyComplete = true
    /// When the client's time to send more of it is up.
    var bodyDeadline: UInt64 = 0
    /// All that was sent to the member is still in `requestBytes`.
    var canReplay = true
    /// The member speaks HTTP/2: what it gets of the body is not in chunks.
    var isRaw = false
    /// How much of `requestBytes` is the head.
    var headLength = 0
    /// How often the member has said that it did not act on the request.
    var refusals = 0
    /// 100 was sent on or made here.
    var continueSent = false

    // The tries.
    var tried = TriedMembers()
    var tries = 0
    /// Every member is full: one of those that wait for a place.
    var isWaiting = false
    var isUpstreamReady = false
    /// A byte went to the member of the present try.
    var wasSent = false
    var lastFailure: PassiveFailure?
    /// The last try got no response in time.
    var hasTimedOut = false

    // The response.
    var hasResponseBytes = false
    /// The final head was passed on, or a response was made here.
    var isAnswered = false
    /// The response is a member's.
    var isMembers = false
    var status = 0
    var interim = 0
    var responseFraming = BodyFraming.none
    var responseRemaining = 0
    var responseChunks = ChunkedDecoder()
    var delivery = BodyFraming.none
    var upstreamKeepsAlive = false
    /// Seconds that the member says it keeps a connection idle.
    var idleSeconds: Int?
    var isTunnel = false

    // For the log.
    var began: UInt64 = 0
    var upstreamBegan: UInt64 = 0
    var upstreamAnswered: UInt64 = 0
    var bytesOut = 0
    /// Where `X-Request-Id` of a trusted client is in the logged request; empty: `identifier` is the one.
    var member: Int = -1
}
