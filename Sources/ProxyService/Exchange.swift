import Addresses
import Balancing
import HTTPWire

/// What is known of the request at hand, and of the tunnel that it may become.
struct Exchange {
    // What the client asked.
    var view: SnapshotView?
    /// A newer one that `upstream` and `member` are of, because the request waited for its member or is on a further
    /// try; `nil`: they are of `view`.
    var newerView: SnapshotView?
    /// The listener's place in `view`; in a newer snapshot it can have another.
    var listenerPosition = 0
    var route: Int = -1
    var upstream: Int = -1
    var method = Method.other
    /// Whose request it is, where a trusted proxy has passed it on and says so.
    var origin: IPAddress?
    var isOldClient = false
    var keepsAlive = false
    /// The client asked for the connection to end with this request, and all of it is here.
    var isClientLeaving = false
    var wantsWebSocket = false
    /// Why that cannot be where a member speaks HTTP/2 and the client does not.
    var webSocketFault: RequestHead.WebSocketFault?
    /// With what the member must agree to that, where the client cannot see it (RFC 8441 section 5); else empty.
    var webSocketAccept: [UInt8] = []
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
    /// It was sent again because a kept connection had ended; once is enough.
    var isReplayed = false
    /// How often the member has said that it did not act on the request.
    var refusals = 0
    /// 100 was sent on or made here.
    var continueSent = false

    // The tries.
    var tried = TriedMembers()
    var tries = 0
    /// The balancer has counted it as a request.
    var isCounted = false
    /// Every member is full: the queue that it waits in, and where there.
    var queue: WaitingQueue<ClientConnection>?
    var place = 0
    var isUpstreamReady = false
    /// A member may have acted on it: bytes of it went to one that has not said that it did nothing.
    var wasSent = false
    var lastFailure: PassiveFailure?
    /// Something was given up for it once, when there was no descriptor for a member's connection.
    var lacksDescriptor = false
    /// The last try got no response in time.
    var hasTimedOut = false

    // The response.
    /// When the member's time to send the final head is up; 0: it begins with the next look at the time, because the
    /// member has got more of the request, or was not listened to.
    var headDeadline: UInt64 = 0
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
    /// All was sent to a client that has ended its side; whether it takes it is not known yet.
    var awaitsReceipt = false
    var receiptLooks = 0
    /// Of `bytesOut`, what such a client had taken at the last look.
    var bytesTaken = 0

    // For the log.
    var began: UInt64 = 0
    var upstreamBegan: UInt64 = 0
    var upstreamAnswered: UInt64 = 0
    var bytesOut = 0
    /// `bytesOut` when the final head was about to leave: as long as it is the same, the client has nothing of it.
    var bytesBeforeHead = 0
    /// Where `X-Request-Id` of a trusted client is in the logged request; empty: `identifier` is the one.
    var member: Int = -1

    /// What `upstream` and `member` are of.
    var upstreamView: SnapshotView? { newerView ?? view }

    var isWaiting: Bool { queue != nil }
}
