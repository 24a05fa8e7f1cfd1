import ControlPlane
import HTTPTypes
import TrafficModel

/// Who asks, and what they may do.
struct AdminIdentity: Sendable {
    enum Proof: String, Sendable {
        /// The Unix socket, which only its owner can open.
        case socket
        case token, session, certificate
    }

    /// What the proof rests on: when that is gone, streams end that it let in.
    enum Credential: Sendable {
        case owner
        case token(AdminTokenHash)
        /// By the session's key.
        case session([UInt8])
        /// By the subject, believed by the authorities of this number.
        case certificate(subject: String, trust: Int)
    }

    var name: String
    var role: AdminRole
    var credential: Credential
    /// The address; empty for the socket.
    var source: String

    /// Apart from all who have other rights or prove them by something else, for answers that are kept for somebody.
    var key: String {
        let credential =
            switch credential {
            case .owner: ""
            case .token(let hash): hash.text
            case .session(let key): "\(key)"
            case .certificate(_, let trust): "\(trust)"
            }
        return [proof.rawValue, role.rawValue, credential, name].joined(separator: " ")
    }

    var proof: Proof {
        switch credential {
        case .owner: .socket
        case .token: .token
        case .session: .session
        case .certificate: .certificate
        }
    }
}

/// A request that is refused, with all that its answer needs.
struct Refusal: Error {
    var status: HTTPResponse.Status
    var detail: String
    /// What it counts as.
    var reason: AdminCounters.Name
    /// Seconds until it is worth to ask again.
    var retryAfter: Int?
    /// Methods that the path has.
    var allow: [String] = []

    /// - Parameter reason: `nil`: what the status is for.
    init(
        _ status: HTTPResponse.Status, _ detail: String, reason: AdminCounters.Name? = nil, retryAfter: Int? = nil,
        allow: [String] = []
    ) {
        self.status = status
        self.detail = detail
        self.reason = reason ?? Self.reason(for: status)
        self.retryAfter = retryAfter
        self.allow = allow
    }

    static func reason(for status: HTTPResponse.Status) -> AdminCounters.Name {
        switch status {
        case .unauthorized: .unauthenticated
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .conflict: .conflicts
        case .preconditionFailed: .staleTags
        case .contentTooLarge: .tooLarge
        case .tooManyRequests: .rateLimited
        case .serviceUnavailable: .busy
        default: status.kind == .serverError ? .failures : .badRequests
        }
    }
}
