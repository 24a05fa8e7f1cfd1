import Balancing
import HTTPWire
import NIOCore
import Sockets

/// How long each part may take.
extension ClientConnection {

    /// Something moved: the time of the present wait begins anew.
    func touch() {
        switch phase {
        case .exchange:
            if exchange.isAnswered, upstream == nil { return }
            if upstream != nil, !exchange.isUpstreamReady { return }
            if exchange.isWaiting { return }
            if !mayReadUpstream {
                awaitTaking()
            } else if exchange.isGRPC {
                setDeadline(at: min(responseDeadline(in: worker.settings.tunnelTimeout), exchange.expiry))
            } else if !exchange.isBodyComplete, exchange.expectsContinue, !exchange.continueSent {
                setDeadline(Self.continueTimeout)
            } else if !exchange.isBodyComplete, upstream?.isWritable ?? true {
                setDeadline(at: exchange.bodyDeadline)
            } else {
                setDeadline(at: responseDeadline(in: UInt64(max(upstreamSnapshot?.responseTimeout ?? 0, 0))))
            }
        case .tunnel:
            setDeadline(worker.settings.tunnelTimeout)
        default:
            break
        }
    }

    /// When the member has taken too long. A part of a head and interim responses buy it no time; behind the head each
    /// read does.
    private func responseDeadline(in timeout: UInt64) -> UInt64 {
        let full = deadline(in: timeout)
        if exchange.isAnswered { return full }
        if exchange.headDeadline == 0 { exchange.headDeadline = full }
        return exchange.headDeadline
    }

    /// How long the member has to answer `Expect: 100-continue` before the client is asked for the body here, where
    /// there is room for it.
    private static let continueTimeout: UInt64 = 1_000_000_000

    /// The present wait took too long.
    func deadlinePassed() {
        deadline = .max
        switch phase {
        case .handshake:
            if tls != nil { bump(worker.counters.tlsFailures) }
            abort()
        case .idle:
            // What is still on its way to the client goes first.
            closeGracefully()
        case .closing:
            guard hasUnsentBytes, takesEnough() else { return abort() }
            setDeadline(worker.settings.bodyTimeout)
        case .head:
            bump(worker.counters.timeouts)
            beginUnknown()
            reply(408, "The head of the request did not arrive in time.", closes: true)
        case .tunnel:
            // A member that does not accept in time is replaced by another, as for a request.
            if !exchange.isUpstreamReady { return exchangeTimedOut() }
            bump(worker.counters.timeouts)
            resetTunnel()
        case .exchange:
            if exchange.awaitsReceipt { lookForReceipt() } else { exchangeTimedOut() }
        case .streams:
            http2?.deadlinePassed()
        case .closed:
            break
        }
    }

    private func exchangeTimedOut() {
        if upstream != nil, exchange.isUpstreamReady, !mayReadUpstream, takesEnough() {
            return setDeadline(worker.settings.bodyTimeout)
        }
        bump(worker.counters.timeouts)
        if exchange.isGRPC, isExpired {
            releaseUpstream(keep: false)
            return reply(504, "The call's deadline has passed.")
        }
        if exchange.isWaiting {
            bump(worker.counters.queueTimeouts)
            return fail(503, "All servers for this request are busy.")
        }
        if let connection = upstream, !exchange.isUpstreamReady {
            // Let go first: closing fails the attempt at once, and that must not count as another failure.
            upstream = nil
            connection.close()
            return memberFailed(.connectTimeout)
        }
        if exchange.isAnswered { return abort() }
        if !exchange.isBodyComplete, exchange.expectsContinue, !exchange.continueSent {
            sendContinue()
            return touch()
        }
        if !exchange.isBodyComplete {
            releaseUpstream(keep: false)
            return reply(408, "The body of the request did not arrive in time.", closes: true)
        }
        if let connection = upstream {
            upstream = nil
            connection.close()
        }
        exchange.hasTimedOut = true
        retryElsewhere()
    }
}
