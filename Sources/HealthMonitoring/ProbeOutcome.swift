import Glibc
package import HTTPWire
import NIOCore
package import TrafficModel

/// How far a probe had come.
package enum ProbePhase: Sendable, Hashable {
    case connecting
    case handshake
    case response

    fileprivate var text: String {
        switch self {
        case .connecting: "connecting"
        case .handshake: "in the TLS handshake"
        case .response: "waiting for the response"
        }
    }
}

/// What a probe found wrong with its target.
package enum ProbeFailure: Sendable, Hashable {
    case refused
    case reset
    case unreachable
    case timedOut(ProbePhase)
    /// The peer closed the connection before the verdict.
    case closed(ProbePhase)
    case handshake(String)
    case status(Int)
    /// The expected text is not in the body, or not in the part that is read.
    case body
    /// Not an HTTP/1 response, or one that breaks a rule.
    case malformed(HeadError)
    /// The connection ended before the body did.
    case cutOff
    /// Over HTTP/2, in words of our own.
    case http2(String)
    /// What gRPC's health service says, in words of our own.
    case service(String)
    case other(String)

    /// The reason as operators read it.
    package func text(_ monitor: Monitor) -> String {
        switch self {
        case .refused: return "connection refused"
        case .reset: return "connection reset"
        case .unreachable: return "no route to the target"
        case .timedOut(let phase): return "timed out after \(monitor.timeout.shortText) \(phase.text)"
        case .closed(let phase): return "connection closed \(phase.text)"
        case .handshake(let detail): return "TLS handshake failed: \(detail)"
        case .malformed(.headTooLarge): return "not a valid HTTP response: the head is too large"
        case .malformed(.tooManyFields): return "not a valid HTTP response: too many fields"
        case .malformed(let error): return "not a valid HTTP response: \(error.reason)"
        case .cutOff: return "the connection ended before the body did"
        case .http2(let detail), .service(let detail), .other(let detail): return detail
        case .status(let status):
            guard case .http(let check) = monitor.check else { return "status \(status), expected 200" }
            let expected = check.expectedStatus.map {
                $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
            }
            return "status \(status), expected \(expected.joined(separator: ", "))"
        case .body:
            guard case .http(let check) = monitor.check, let text = check.expectedBody else { return "other body" }
            return "\"\(text)\" is not in the first \(ProbeExpectation.bodyLimit / 1024) KiB of the body"
        }
    }
}

/// How a probe ended.
package enum ProbeOutcome: Sendable, Hashable {
    case success
    case failure(ProbeFailure)
    /// It could not be made, for a reason on this side (no file descriptors, no free port): it says nothing about
    /// the target.
    case inconclusive(String)

    /// What an error of the connection means in `phase`.
    init(_ error: any Error, phase: ProbePhase) {
        guard let code = (error as? IOError)?.errnoCode else {
            self = .failure(phase == .handshake ? .handshake(Self.short(error)) : .other(Self.short(error)))
            return
        }
        switch code {
        case ECONNREFUSED: self = .failure(.refused)
        case ECONNRESET, EPIPE: self = .failure(.reset)
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: self = .failure(.unreachable)
        case ETIMEDOUT: self = .failure(.timedOut(phase))
        case EMFILE, ENFILE: self = .inconclusive("no file descriptor left for the probe")
        case EADDRNOTAVAIL: self = .inconclusive("no local address or port for the probe")
        case ENOBUFS, ENOMEM: self = .inconclusive("no memory for the probe's socket")
        case EACCES, EPERM: self = .inconclusive("the probe was forbidden on this machine")
        default: self = .failure(.other(Self.short(error)))
        }
    }

    /// Errors of libraries can run to a page.
    private static func short(_ error: any Error) -> String { String("\(error)".prefix(200)) }
}

extension Duration {
    /// `2 s`, `500 ms`, `1.5 s`.
    fileprivate var shortText: String {
        let milliseconds = nanoseconds / 1_000_000
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        guard rest > 0 else { return "\(whole) s" }
        var digits = String(repeating: "0", count: 3 - "\(rest)".count) + "\(rest)"
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits) s"
    }
}
