import Addresses
import Balancing
import Glibc
import HTTPWire
import NIOCore
import NIOSSL
import Sockets

extension ClientConnection {
    func attach(_ connection: UpstreamLink) {
        upstream = connection
        connection.client = self
        sendRequest(connection)
        connection.resumeReading()
    }

    func connect(_ snapshot: UpstreamSnapshot, _ member: MemberState) {
        if exchange.isRaw { return share(snapshot, member) }
        guard let tls = tlsContext(snapshot) else {
            exchange.lastFailure = .handshake
            return fail()
        }
        let connection = UpstreamConnection(worker: worker, member: member, client: self, isTLS: tls != nil)
        upstream = connection
        exchange.isUpstreamReady = false
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
            let handler = try tls.handler()
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
        guard let tls = exchange.upstreamView.flatMap({ worker.tlsContext(of: exchange.upstream, in: $0) }) else {
            return nil
        }
        return tls
    }

    /// Sends the request on a connection that many share, or makes one.
    func share(_ snapshot: UpstreamSnapshot, _ member: MemberState) {
        let pool = worker.pool(for: member)
        if let shared = pool.takeShared() {
            let link = UpstreamStream(connection: shared, client: self)
            upstream = link
            if shared.mayBegin(link) { return sendRequest(link) }
            exchange.isUpstreamReady = false
            setDeadline(UInt64(max(snapshot.connectTimeout, 0)))
            return shared.add(link)
        }
        if let resting = pool.resting { return holdOff(resting, snapshot) }
        guard let tls = tlsContext(snapshot) else {
            exchange.lastFailure = .handshake
            return fail()
        }
        let shared = HTTP2MemberConnection(worker: worker, member: member, isTLS: tls != nil)
        let link = UpstreamStream(connection: shared, client: self)
        upstream = link
        exchange.isUpstreamReady = false
        let timeout = UInt64(max(snapshot.connectTimeout, 0))
        setDeadline(tls == nil ? timeout : timeout &* 2)
        shared.add(link)
        pool.add(shared, limit: snapshot.idleConnections, timeout: UInt64(max(snapshot.idleTimeout, 0)))
        let channel = StreamChannel(
            to: member.endpoint, on: worker.loop, bufferBytes: worker.settings.bufferBytes,
            timeout: Self.connectTimeout(timeout), delegate: tls == nil ? shared : nil
        ) { error in shared.connectFailed(error) }
        shared.channel = channel
        guard let tls else { return }
        do {
            let handler = try tls.handler()
            try channel.pipeline.syncOperations.addHandlers([handler, shared])
        } catch {
            channel.close()
            shared.connectFailed(error)
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
        if !exchange.isBodyComplete { exchange.bodyDeadline = deadline(in: worker.settings.bodyTimeout) }
        connection.send(requestBytes, headLength: exchange.headLength, isEnd: exchange.isBodyComplete)
        connection.flush()
        exchange.headDeadline = 0
        touch()
        // The body may have been kept back while there was nowhere to send it.
        processInbox()
        resumeReading()
    }

    /// The member takes more of the request.
    func upstreamWritable(_ connection: UpstreamLink) {
        guard upstream === connection else { return }
        // The client was not read from meanwhile.
        if !exchange.isBodyComplete { exchange.bodyDeadline = deadline(in: worker.settings.bodyTimeout) }
        processInbox()
        resumeReading()
    }

    /// Gives the connection back to be used again, or closes it.
    func releaseUpstream(keep: Bool) {
        leaveMember()
        stopWaiting()
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
            connection, limit: snapshot.idleConnections, now: worker.now(),
            timeout: UInt64(max(snapshot.idleTimeout, 0)), hint: exchange.idleSeconds)
        worker.noteDeadline(expiry)
        connection.resumeReading()
    }

    /// The member has a place more.
    func leaveMember() {
        if !worker.queues.isEmpty, let member = lease?.state { worker.wake(member.upstreamName) }
        lease = nil
    }
}
