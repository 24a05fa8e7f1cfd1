import Balancing
import NIOCore

/// Where a request goes: a connection to a member that is the request's own for the time being, or a stream of one that
/// many share. It moves bytes and events; what they mean is decided by the client connection that it serves, for which
/// both speak HTTP/1.1: a stream translates.
class UpstreamLink {
    let member: MemberState
    let isTLSConnection: Bool
    /// The one that is served; `nil`: this link is kept for the next, or over.
    var client: ClientConnection?
    /// Requests sent on it.
    var uses = 0
    /// The member sends nothing more.
    var isInputClosed = false
    /// With TLS: its bytes have ended without a word that they do, so that anybody on the way may have cut them off.
    var isCutOff = false

    init(member: MemberState, client: ClientConnection, isTLS: Bool) {
        self.member = member
        self.client = client
        isTLSConnection = isTLS
    }

    /// The latest request came on a connection that had been kept, and that has ended. The member may have been closing it
    /// just then, so that it says nothing about the member.
    var hasEndedAsKept: Bool { uses > 1 }

    /// The member had ended its side before a byte of the latest request reached it, so that it cannot have acted on it.
    /// Asked while the connection is still there; `false` when that is not known.
    var isRequestUnread: Bool { false }

    /// Whether it is one of many on its connection, never kept by itself.
    var isShared: Bool { false }

    /// The connection, if the member says that it takes no requests on it for now, and the request may wait there for it
    /// to say otherwise.
    var restingPlace: HTTP2MemberConnection? { nil }

    var isWritable: Bool { false }

    /// Bytes that wait here for one side or the other.
    var unsentBytes: Int { 0 }

    /// Sends a request: its head, and as much of the body as is there.
    ///
    /// - Parameter headLength: how much of `request` is the head.
    func send(_ request: ByteBuffer, headLength: Int, isEnd: Bool) {}

    /// Sends more of the body, or of what a tunnel carries.
    func write(_ bytes: ByteBuffer, isEnd: Bool = false) {}

    func flush() {}

    /// Passes the client's FIN on.
    func closeOutput() {}

    /// Also ends an attempt to connect.
    func close() {}

    /// Closes so that the member sees that something went wrong.
    func reset() { close() }

    /// Back-pressure was lifted, or a new exchange begins.
    func resumeReading() {}
}
