import Addresses
import Balancing
import Glibc
import HTTPWire
import NIOCore
import NIOSSL
import Sockets

extension ClientConnection {
    private var upstreamSnapshot: UpstreamSnapshot? {
        guard let view = exchange.view, exchange.upstream >= 0 else { return nil }
        return view.snapshot.upstreams[exchange.upstream]
    }

    /// Chooses a member and sends it the request, on a kept connection if there is one.
    func tryMember() {
        guard let snapshot = upstreamSnapshot else { return }
        follow(
            worker.balancer.choose(from: snapshot, excluding: exchange.tried, now: worker.now()), in: snapshot)
    }

    /// Looks again for a member, after all were full.
    ///
    /// - Returns: `false` when they still are.
    func tryWaiting() -> Bool {
        guard exchange.isWaiting, let snapshot = upstreamSnapshot else { return true }
        exchange.isWaiting = false
        follow(
            worker.balancer.choose(from: snapshot, excluding: exchange.tried, now: worker.now(), again: true),
            in: snapshot, again: true)
        return !exchange.isWaiting
    }

    /// Whether this waits for a place on a member of the upstream.
    func waits(for snapshot: UpstreamSnapshot) -> Bool { upstreamSnapshot?.name == snapshot.name }

    private func follow(_ choice: consuming MemberChoice, in snapshot: UpstreamSnapshot, again: Bool = false) {
        switch consume choice {
        case .none(let reason):
            noMember(reason, in: snapshot, again: again)
        case .member(let chosen):
            exchange.tries += 1
            exchange.tried.insert(chosen.member)
            exchange.member = chosen.member
            exchange.upstreamBegan = worker.now()
            let state = chosen.state
            lease = consume chosen
            if exchange.isRaw {
                share(snapshot, state)
            } else if !exchange.isTunnel, snapshot.proxyProtocol == nil, let kept = worker.pool(for: state).take() {
                attach(kept)
            } else {
                connect(snapshot, state)
            }
        }
    }

    private func noMember(_ reason: NoMember, in snapshot: UpstreamSnapshot, again: Bool) {
        if exchange.tries > 0 { return fail() }
        if reason == .full, again || worker.wait(self, for: snapshot) {
            exchange.isWaiting = true
            if !again { setDeadline(snapshot.queueTimeout) }
            return
        }
        switch reason {
        case .down, .tried: fail(503, "No server for this request is up.")
        case .full: fail(503, "All servers for this request are busy.")
        }
    }

    private func attach(_ connection: UpstreamLink) {
        upstream = connection
        connection.client = self
        sendRequest(connection)
        connection.resumeReading()
    }

    private func connect(_ snapshot: UpstreamSnapshot, _ member: MemberState) {
        if exchange.isRaw { return share(snapshot, member) }
        guard let tls = tlsContext(snapshot) else {
            exchange.lastFailure = .handshake
            return fail()
        }
        let connection = UpstreamConnection(worker: worker, member: member, client: self, isTLS: tls != nil)
        upstream = connection
        exchange.isUpstreamReady = false
        exchange.wasSent = false
        let timeout = UInt64(max(snapshot.connectTimeout, 0))
        setDeadline(tls == nil ? timeout : timeout &* 2)

        let channel = StreamChannel(
            to: member.endpoint, on: worker.loop, bufferBytes: worker.settings.bufferBytes,
            timeout: Self.connectTimeout(timeout), delegate: tls == nil ? connection : nil
        ) { [self] error in connectFailed(connection, error) }
        connection.channel = channel
        if let version = snapshot.proxyProtocol {
            let header = ProxyHeader.bytes(
                version, client: Endpoint(address: client, port: clientPort),
                destination: destination ?? listener.shared.boundEndpoint, extensions: proxyExtensions)
            channel.write(ByteBuffer(bytes: header))
        }
        guard let tls else { return }
        do {
            let handler = try NIOSSLClientHandler(context: tls.context, serverHostname: tls.serverName)
            try channel.pipeline.syncOperations.addHandlers([handler, connection])
        } catch {
            channel.close()
            upstream = nil
            memberFailed(.handshake)
        }
    }

    /// Whoever asks for a connection has a deadline; this one is for those that nobody asks about any more.
    private static func connectTimeout(_ timeout: UInt64) -> TimeAmount {
        .nanoseconds(Int64(min(timeout, 1 << 60))) + .seconds(1)
    }

    /// TLS towards the members: `nil` when it cannot be used, none in it when there is none.
    private func tlsContext(_ snapshot: UpstreamSnapshot) -> UpstreamTLS?? {
        guard snapshot.tls != nil else { return .some(nil) }
        guard let tls = exchange.view.flatMap({ worker.tlsContext(of: exchange.upstream, in: $0) }) else { return nil }
        return tls
    }

    /// Sends the request on a connection that many share, or makes one.
    private func share(_ snapshot: UpstreamSnapshot, _ member: MemberState) {
        let pool = worker.pool(for: member)
        if let shared = pool.takeShared() {
            let link = UpstreamStream(connection: shared, client: self)
            upstream = link
            if shared.mayBegin(link) { return sendRequest(link) }
            exchange.isUpstreamReady = false
            exchange.wasSent = false
            setDeadline(UInt64(max(snapshot.connectTimeout, 0)))
            return shared.add(link)
        }
        guard let tls = tlsContext(snapshot) else {
            exchange.lastFailure = .handshake
            return fail()
        }
        let shared = HTTP2MemberConnection(worker: worker, member: member, isTLS: tls != nil)
        let link = UpstreamStream(connection: shared, client: self)
        upstream = link
        exchange.isUpstreamReady = false
        exchange.wasSent = false
        let timeout = UInt64(max(snapshot.connectTimeout, 0))
        setDeadline(tls == nil ? timeout : timeout &* 2)
        shared.add(link)
        pool.add(shared, timeout: UInt64(max(snapshot.idleTimeout, 0)))
        let channel = StreamChannel(
            to: member.endpoint, on: worker.loop, bufferBytes: worker.settings.bufferBytes,
            timeout: Self.connectTimeout(timeout), delegate: tls == nil ? shared : nil
        ) { error in shared.connectFailed(error) }
        shared.channel = channel
        guard let tls else { return }
        do {
            let handler = try NIOSSLClientHandler(context: tls.context, serverHostname: tls.serverName)
            try channel.pipeline.syncOperations.addHandlers([handler, shared])
        } catch {
            channel.close()
            shared.connectFailed(error)
        }
    }

    /// The connection that this was to share did not come to be. One of those that waited tells of it.
    func sharedConnectFailed(_ connection: UpstreamLink, _ error: any Error, isFirst: Bool) {
        guard upstream === connection else { return }
        upstream = nil
        let reason =
            error is NIOSSLError || error is BoringSSLError ? PassiveFailure.handshake : Self.failure(of: error)
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
        // The member had agreed: there is nothing to begin anew.
        if phase == .tunnel { return endTunnel() }
        exchange.wasSent = false
        exchange.isUpstreamReady = false
        guard !exchange.hasResponseBytes, exchange.canReplay, let snapshot = upstreamSnapshot, exchange.member >= 0
        else {
            return memberFailed(.reset)
        }
        guard exchange.refusals < Self.refusalLimit else {
            exchange.lastFailure = .reset
            return retryElsewhere()
        }
        exchange.refusals += 1
        bump(worker.counters.replays)
        share(snapshot, snapshot.members[exchange.member].state)
    }

    /// One for a limit that was not known here, one for the GOAWAY behind it.
    private static let refusalLimit = 2

    private func connectFailed(_ connection: UpstreamLink, _ error: any Error) {
        connection.client = nil
        guard upstream === connection else { return }
        upstream = nil
        guard !Self.isOwnShortage(error) else {
            exchange.lastFailure = .unreachable
            exchange.hasTimedOut = false
            return retryElsewhere()
        }
        memberFailed(Self.failure(of: error))
    }

    /// Whether this machine has nothing left to connect with, which is no member's fault.
    private static func isOwnShortage(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EADDRNOTAVAIL].contains(error.errnoCode)
    }

    private static func failure(of error: any Error) -> PassiveFailure {
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

    /// The connection can be written to.
    func upstreamReady(_ connection: UpstreamLink) {
        guard upstream === connection else { return connection.close() }
        if exchange.isTunnel {
            tunnelReady()
        } else {
            sendRequest(connection)
        }
    }

    private func sendRequest(_ connection: UpstreamLink) {
        connection.uses += 1
        exchange.isUpstreamReady = true
        exchange.wasSent = true
        exchange.bodyDeadline = deadline(in: worker.settings.bodyTimeout)
        connection.send(requestBytes, headLength: exchange.headLength, isEnd: exchange.isBodyComplete)
        connection.flush()
        touch()
        // The body may have been kept back while there was nowhere to send it.
        processInbox()
        resumeReading()
    }

    // MARK: Failures

    /// The present try failed on the member's side. Tries another if the request may be repeated.
    func memberFailed(_ reason: PassiveFailure) {
        exchange.lastFailure = reason
        exchange.hasTimedOut = false
        let now = worker.now()
        if let snapshot = upstreamSnapshot, exchange.member >= 0 {
            snapshot.reportFailure(member: exchange.member, reason: reason, now: now)
        }
        retryElsewhere()
    }

    private func retryElsewhere() {
        leaveMember()
        upstream = nil
        exchange.isUpstreamReady = false
        guard let snapshot = upstreamSnapshot, mayRetry, exchange.tries < snapshot.tries else { return fail() }
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
    private func fail() {
        if exchange.hasTimedOut { return fail(504, "The server did not respond in time.") }
        switch exchange.lastFailure {
        case .connectTimeout: fail(504, "The server did not accept the connection in time.")
        case .refused: fail(502, "The server refused the connection.")
        case .handshake: fail(502, "TLS could not be agreed on with the server.")
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
            return memberFailed(connection.isTLSConnection ? .handshake : .reset)
        }
        if phase == .tunnel {
            upstream = nil
            endTunnel()
        } else {
            responseEndedByClose(connection, failed: failure != nil)
        }
    }

    private func endTunnel() {
        releaseUpstream(keep: false)
        flushOutbox()
        ended(aborted: false)
        closeGracefully()
    }

    /// The member has said all it will.
    func upstreamInputClosed(_ connection: UpstreamLink) {
        guard upstream === connection else { return connection.close() }
        if phase == .tunnel {
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
            responseEndedByClose(connection, failed: false)
        }
    }

    private func responseEndedByClose(_ connection: UpstreamLink, failed: Bool) {
        upstream = nil
        connection.close()
        guard exchange.hasResponseBytes else {
            // A kept connection that the member had closed meanwhile is nobody's failure: the same member gets the
            // request again, on a new one. Nothing of the request can have been acted on if not a byte came back and
            // the connection was closed while idle; POST is repeated too, as long as all of it is here.
            if connection.uses > 1, exchange.canReplay, let snapshot = upstreamSnapshot, exchange.member >= 0 {
                bump(worker.counters.replays)
                return connect(snapshot, snapshot.members[exchange.member].state)
            }
            // Too much of the body is gone to repeat it; still no evidence against the member.
            if connection.uses > 1 {
                exchange.lastFailure = .reset
                exchange.hasTimedOut = false
                return retryElsewhere()
            }
            return memberFailed(.reset)
        }
        if exchange.isAnswered, exchange.responseFraming == .untilClose, !failed {
            finishResponse()
        } else if exchange.isAnswered {
            // The client must see that something is missing: no last chunk, no full length.
            abort()
        } else {
            fail(502, "The server closed the connection within the head of its response.")
        }
    }

    /// The member takes more of the request.
    func upstreamWritable(_ connection: UpstreamLink) {
        guard upstream === connection else { return }
        // The client was not read from meanwhile.
        exchange.bodyDeadline = deadline(in: worker.settings.bodyTimeout)
        processInbox()
        resumeReading()
    }

    /// Gives the connection back to be used again, or closes it.
    func releaseUpstream(keep: Bool) {
        leaveMember()
        if exchange.isWaiting {
            exchange.isWaiting = false
            worker.stopWaiting(self)
        }
        guard let link = upstream else { return }
        upstream = nil
        guard let connection = link as? UpstreamConnection else { return link.close() }
        connection.client = nil
        guard keep, worker.isWanted(connection.member.serial), let snapshot = upstreamSnapshot,
            snapshot.proxyProtocol == nil
        else {
            return connection.close()
        }
        let expiry = worker.pool(for: connection.member).put(
            connection, limit: snapshot.idleConnections, now: worker.tickTime,
            timeout: UInt64(max(snapshot.idleTimeout, 0)), hint: exchange.idleSeconds)
        worker.noteDeadline(expiry)
        connection.resumeReading()
    }

    /// The member has a place more.
    private func leaveMember() {
        guard lease != nil else { return }
        lease = nil
        worker.placeFreed()
    }

    // MARK: Time

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
                setDeadline(at: min(deadline(in: worker.settings.tunnelTimeout), exchange.expiry))
            } else if !exchange.isBodyComplete, exchange.expectsContinue, !exchange.continueSent {
                setDeadline(Self.continueTimeout)
            } else if !exchange.isBodyComplete, upstream?.isWritable ?? true {
                setDeadline(at: exchange.bodyDeadline)
            } else {
                setDeadline(UInt64(max(upstreamSnapshot?.responseTimeout ?? 0, 0)))
            }
        case .tunnel:
            setDeadline(worker.settings.tunnelTimeout)
        default:
            break
        }
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
            abort()
        case .exchange:
            exchangeTimedOut()
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

extension SocketAddress {
    fileprivate init(_ endpoint: Endpoint) throws {
        try self.init(packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
    }
}
