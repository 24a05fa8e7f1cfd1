import HTTPTypes
import TrafficModel

/// Who asks, and what they may do.
struct AdminIdentity: Sendable {
    enum Proof: String, Sendable {
        /// The Unix socket, which only its owner can open.
        case socket
        case token, session, certificate
    }

    var name: String
    var role: AdminRole
    var proof: Proof
    /// The address; empty for the socket.
    var source: String
}

/// A request that is refused, with all that its answer needs.
struct Refusal: Error {
    var status: HTTPResponse.Status
    var detail: String
    /// Seconds until it is worth to ask again.
    var retryAfter: Int?
    /// Methods that the path has.
    var allow: [String] = []

    init(_ status: HTTPResponse.Status, _ detail: String, retryAfter: Int? = nil, allow: [String] = []) {
        self.status = status
        self.detail = detail
        self.retryAfter = retryAfter
        self.allow = allow
    }
}
