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

    init(member: MemberState, client: ClientConnection, isTLS: Bool) {
        self.member = member
        self.client = client
        isTLSConnection = isTLS
    }

    /// Whether it is one of many on its connection, never kept by itself.
    var isShared: Bool { false }

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

    /// Back-pressure was lifted, or a new exchange begins.
    func resumeReading() {}
}
