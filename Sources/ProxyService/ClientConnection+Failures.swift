import Balancing
import Glibc
import HTTP2Wire
import HTTPWire
import NIOCore
import NIOSSL
import Sockets

/// What goes wrong between here and a member, and what is done about it.
extension ClientConnection {
    /// The connection that this was to share did not come to be. One of those that waited tells of it.
    func sharedConnectFailed(_ connection: UpstreamLink, _ error: any Error, isFirst: Bool) {
        guard upstream === connection else { return }
        upstream = nil
        guard !isOwnShortage(error) else { return }
        let reason =
            (error as? CertificateRefusal)?.reason
            ?? (error is NIOSSLError || error is BoringSSLError ? .handshake : Self.failure(of: error))
        if isFirst { return memberFailed(reason) }
        exchange.lastFailure = reason
        exchange.hasTimedOut = false
        retryElsewhere()
    }

    /// The member did not act on the request and says so: it goes to the same member again, a few times, and then
    /// elsewhere.
    func upstreamRefused(_ connection: UpstreamLink) {
        guard upstream === connection else { return }
        upstream = nil
        exchange.wasSent = false
        exchange.isUpstreamReady = false
        guard !exchange.hasResponseBytes, exchange.canReplay, let snapshot = upstreamSnapshot, exchange.member >= 0
        else {
            return memberFailed(.reset)
        }
        guard exchange.refusals < Self.refusalLimit, let member = memberAgain else {
            exchange.lastFailure = .reset
            return retryElsewhere()
        }
        exchange.refusals += 1
        if let place = connection.restingPlace { return holdOff(place, snapshot) }
        bump(worker.counters.replays)
        share(snapshot, member)
    }

    /// The member says that it takes no requests for now. Others go elsewhere from now on, and so does this one; where there
    /// is nobody else, it waits as long as for a connection.
    func holdOff(_ connection: HTTP2MemberConnection, _ snapshot: UpstreamSnapshot) {
        reportFailure(.refused)
        if mayRetry, goElsewhere() { return }
        guard connection.mayRest else {
            exchange.lastFailure = .refused
            exchange.hasTimedOut = false
            return fail()
        }
        let link = UpstreamStream(connection: connection, client: self, isResting: true)
        upstream = link
        exchange.isUpstreamReady = false
        setDeadline(UInt64(max(snapshot.connectTimeout, 0)))
        connection.add(link)
    }

    /// One for a limit that was not known here, one for the GOAWAY behind it.
    private static let refusalLimit = 2

    func connectFailed(_ connection: UpstreamLink, _ error: any Error) {
        connection.client = nil
        guard upstream === connection else { return }
        upstream = nil
        guard !isOwnShortage(error) else { return }
        memberFailed(Self.failure(of: error))
    }

    /// Whether this machine had nothing left to connect with, which is no member's fault. It is seen to then.
    private func isOwnShortage(_ error: any Error) -> Bool {
        switch (error as? IOError)?.errnoCode {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            lackDescriptor()
        case ENOSPC, EADDRNOTAVAIL:
            // Ports are used up towards this member; there are others towards the next.
            exchange.lastFailure = .unreachable
            exchange.hasTimedOut = false
            retryElsewhere()
        default: return false
        }
        return true
    }

    /// The member was not even asked: it gets the request if something can be given up for that.
    private func lackDescriptor() {
        guard !exchange.lacksDescriptor, let snapshot = upstreamSnapshot, exchange.member >= 0 else { return beBusy() }
        let member = snapshot.members[exchange.member].state
        // Of those that waited for the same connection, one gives something up for all.
        let isShared = exchange.isRaw && worker.pool(for: member).takeShared() != nil
        guard isShared || worker.freeDescriptor() else { return beBusy() }
        exchange.lacksDescriptor = true
        connect(snapshot, member)
    }

    private func beBusy() { fail(503, "This server is busy; try again in a moment.") }

    static func failure(of error: any Error) -> PassiveFailure {
        switch error {
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED: .refused
            case EHOSTUNREACH, ENETUNREACH: .unreachable
            case ETIMEDOUT: .connectTimeout
            default: .reset
            }
        case ChannelError.connectTimeout: .connectTimeout
        default: .reset
        }
    }

    /// The present try failed on the member's side. Tries another if the request may be repeated.
    func memberFailed(_ reason: PassiveFailure) {
        exchange.lastFailure = reason
        exchange.hasTimedOut = false
        reportFailure(reason)
        retryElsewhere()
    }

    func retryElsewhere() {
        leaveMember()
        upstream = nil
        exchange.isUpstreamReady = false
        guard let snapshot = newestUpstream, mayRetry, exchange.tries < snapshot.tries else { return fail() }
        guard snapshot.takeRetry(now: worker.now()) else { return fail() }
        bump(worker.counters.retries)
        tryMember()
    }

    /// RFC 9110 section 9.2.2: what was sent in part may only be repeated if repeating it does no harm.
    private var mayRetry: Bool {
        if exchange.isTunnel { return !exchange.isUpstreamReady }
        return !exchange.hasResponseBytes && exchange.canReplay && (!exchange.wasSent || exchange.method.isIdempotent)
    }

    /// No try is left: answers for the member.
    func fail() {
        if exchange.hasTimedOut { return fail(504, "The server did not respond in time.") }
        switch exchange.lastFailure {
        case .connectTimeout: fail(504, "The server did not accept the connection in time.")
        case .refused: fail(502, "The server refused the connection.")
        case .handshake: fail(502, "TLS could not be agreed on with the server.")
        case .certificateEnded, .certificateEarly, .certificateName, .certificateUntrusted:
            fail(502, "The certificate of the server is not taken.")
        case .unreachable: fail(502, "The server cannot be reached.")
        case .reset, nil: fail(502, "The server closed the connection without a response.")
        }
    }

    func fail(_ status: UInt16, _ reason: StaticString) {
        releaseUpstream(keep: false)
        bump(worker.counters.failures)
        if exchange.isTunnel {
            abort()
        } else {
            reply(status, reason)
        }
    }

    /// The connection to the member is gone.
    func upstreamClosed(_ connection: UpstreamLink, failure: (any Error)?, wasReady: Bool) {
        guard upstream === connection else { return }
        if !wasReady {
            upstream = nil
            let refusal = failure as? CertificateRefusal
            return memberFailed(refusal?.reason ?? (connection.isTLSConnection ? .handshake : .reset))
        }
        if phase == .tunnel {
            upstream = nil
            // Behind the member's own end, a reset only says that it hears nothing more: what came is whole.
            if connection.isInputClosed { endTunnel() } else { resetTunnel() }
        } else {
            responseEndedByClose(connection, failed: failure != nil)
        }
    }

    /// The tunnel has broken: an orderly end would make what has come look whole. RFC 8441 section 5: what is a reset
    /// for TCP is CANCEL for HTTP/2.
    func resetTunnel() {
        flushOutbox()
        if stream != nil { abort(.cancel) } else { resetClient() }
    }

    /// The same for the member of a tunnel.
    func breakTunnel() {
        guard phase == .tunnel else { return }
        upstream?.reset()
        upstream = nil
    }

    /// Ends so that what has come does not look whole. TLS would say goodbye.
    func resetClient() {
        if phase == .exchange || phase == .tunnel { ended(aborted: true) }
        breakTunnel()
        releaseUpstream(keep: false)
        phase = .closed
        channel?.reset()
    }

    func endTunnel() {
        releaseUpstream(keep: false)
        flushOutbox()
        ended(aborted: false)
        closeGracefully()
    }

    /// The member has said all it will.
    func upstreamInputClosed(_ connection: UpstreamLink) {
        guard upstream === connection else { return connection.close() }
        if phase == .tunnel {
            // WebSocket has its own words for its end.
            if isTCP, connection.isCutOff { return resetTunnel() }
            flushOutbox()
            if let stream {
                stream.end()
                if isInputClosed { endTunnel() }
                return
            }
            // What the client has not taken yet goes first.
            if isInputClosed { return endTunnel() }
            closeOutput()
        } else {
            // RFC 9112 section 9.8: what a length or chunks say is whole has ended before.
            responseEndedByClose(connection, failed: connection.isCutOff)
        }
    }

    /// The member's response ends in its middle, or breaks the rules there. While nothing of it has left, the client gets an
    /// answer that says so; otherwise it gets what there is, and must see that something is missing: no last chunk, no
    /// full length, and where neither says it, a reset.
    func breakOff() {
        guard stream == nil, exchange.bytesOut == exchange.bytesBeforeHead else {
            flushOutbox()
            guard exchange.delivery == .untilClose else { return abort() }
            return resetClient()
        }
        outbox.clear()
        exchange.isAnswered = false
        exchange.isMembers = false
        fail(502, "The response of the server is not whole.")
    }

    private func responseEndedByClose(_ connection: UpstreamLink, failed: Bool) {
        // RFC 9110 section 9.2.2. That no byte came back does not show that the member has done nothing: it may have been
        // at work when it died.
        let isHarmless = exchange.method.isIdempotent || connection.isRequestUnread
        let hasEndedAsKept = connection.hasEndedAsKept
        upstream = nil
        connection.close()
        guard exchange.hasResponseBytes else {
            guard hasEndedAsKept else { return memberFailed(.reset) }
            // A kept connection that the member had closed meanwhile is nobody's failure: the same member gets the
            // request again, once, on another, as long as all of it is here.
            if isHarmless, !exchange.isReplayed, exchange.canReplay, let snapshot = upstreamSnapshot,
                exchange.member >= 0
            {
                exchange.isReplayed = true
                exchange.wasSent = false
                if let member = memberAgain {
                    bump(worker.counters.replays)
                    return connect(snapshot, member)
                }
            }
            // It cannot be repeated there; still no evidence against the member.
            exchange.lastFailure = .reset
            exchange.hasTimedOut = false
            return retryElsewhere()
        }
        if exchange.isAnswered, exchange.responseFraming == .untilClose, !failed {
            finishResponse()
        } else if exchange.isAnswered {
            breakOff()
        } else {
            fail(502, "The server closed the connection within the head of its response.")
        }
    }

}
