import Balancing
import HTTPWire
import Logging
import NIOCore

/// Which member gets the request, and the wait for one that has a place.
///
/// A request keeps the snapshot that it began with. Its upstream is another matter: members that are gone by the time
/// of a further try, or of the end of a wait, must not get it, and those that came since may. So both follow the
/// upstream of the same name into the newest snapshot.
extension ClientConnection {
    var upstreamSnapshot: UpstreamSnapshot? {
        guard let view = exchange.upstreamView, exchange.upstream >= 0 else { return nil }
        return view.snapshot.upstreams[exchange.upstream]
    }

    /// The upstream as it is by now; `nil`: it is gone.
    var newestUpstream: UpstreamSnapshot? {
        newestPosition.map { worker.view.snapshot.upstreams[$0] }
    }

    /// The member of the present try, if the request may be sent there again: a reload, or an operator, may have taken it
    /// out since.
    var memberAgain: MemberState? {
        guard let (upstream, place) = newestMember, upstream.members[place].isChoosable else { return nil }
        return upstream.members[place].state
    }

    /// The member of the present try by its place in the upstream as it is by now; `nil`: it is not there any more.
    private var newestMember: (upstream: UpstreamSnapshot, place: Int)? {
        guard let known = upstreamSnapshot, exchange.member >= 0, let newest = newestUpstream else { return nil }
        let state = known.members[exchange.member].state
        return newest.place(of: state, near: exchange.member).map { (newest, $0) }
    }

    /// Tells that the member of the present try has failed. Whether there is another for its requests, and how long it
    /// stays out, is a matter of the newest snapshot that has it.
    func reportFailure(_ reason: PassiveFailure) {
        guard exchange.member >= 0 else { return }
        let now = worker.now()
        if let (upstream, place) = newestMember {
            upstream.reportFailure(member: place, reason: reason, now: now, isProbe: isProbe)
        } else {
            upstreamSnapshot?.reportFailure(member: exchange.member, reason: reason, now: now, isProbe: isProbe)
        }
        if reason.isOfCertificate { tellOfCertificate(reason, now) }
    }

    private func tellOfCertificate(_ reason: PassiveFailure, _ now: UInt64) {
        guard let snapshot = upstreamSnapshot, exchange.member < snapshot.members.count else { return }
        let member = snapshot.members[exchange.member].state
        guard member.isNews(reason, now: now) else { return }
        worker.shared.logger.warning(
            "a member's certificate is refused: \(reason.text)",
            metadata: ["upstream": "\(snapshot.name)", "member": "\(member.endpoint)"])
    }

    private var newestPosition: Int? {
        guard let known = upstreamSnapshot else { return nil }
        let upstreams = worker.view.snapshot.upstreams
        let position = exchange.upstream
        if position < upstreams.count, upstreams[position].name == known.name { return position }
        return worker.view.position(ofUpstream: known.name)
    }

    /// Chooses a member and sends it the request, on a kept connection if there is one.
    func tryMember() {
        guard exchange.tries == 0 else {
            guard let position = newestPosition, ask(worker.view, position) == nil else { return fail() }
            return
        }
        guard let view = exchange.view, let snapshot = upstreamSnapshot else { return }
        if worker.hasQueue(for: snapshot) {
            // Another loop may have freed places: then they are for those who came before.
            worker.wake(snapshot.name)
            return noMember(.full, in: snapshot)
        }
        if let reason = ask(view, exchange.upstream) { noMember(reason, in: snapshot) }
    }

    /// Sends the request to another member, if any takes it and there may be one more try.
    ///
    /// - Returns: `false` when it stays where it is.
    func goElsewhere() -> Bool {
        guard let position = newestPosition else { return false }
        let snapshot = worker.view.snapshot.upstreams[position]
        let tried = triedMembers(of: snapshot)
        guard exchange.tries < snapshot.tries,
            snapshot.members.indices.contains(where: { !tried.contains($0) && snapshot.members[$0].isChoosable }),
            snapshot.takeRetry(now: worker.now()), ask(worker.view, position) == nil
        else { return false }
        bump(worker.counters.retries)
        // The one before has a place more.
        worker.wake(snapshot.name)
        return true
    }

    /// Looks again for a member, after all were full.
    ///
    /// - Returns: `false` when they still are.
    func takePlace(in queue: WaitingQueue<ClientConnection>) -> Bool {
        guard let position = queue.position(in: worker.view) else {
            stopWaiting()
            noMember(.down)
            return true
        }
        guard let reason = ask(worker.view, position) else { return true }
        if reason == .full { return false }
        stopWaiting()
        noMember(reason)
        return true
    }

    func stopWaiting() {
        guard let queue = exchange.queue else { return }
        exchange.queue = nil
        worker.stopWaiting(in: queue, at: exchange.place)
    }

    /// No member takes the request, which was not tried yet.
    private func noMember(_ reason: NoMember, in snapshot: UpstreamSnapshot? = nil) {
        if reason == .full, let snapshot, worker.wait(self, for: snapshot) {
            return setDeadline(at: min(deadline(in: snapshot.queueTimeout), exchange.expiry))
        }
        switch reason {
        case .down, .tried: fail(503, "No server for this request is up.")
        case .full: fail(503, "All servers for this request are busy.")
        }
    }

    /// Asks for a member of the upstream at `position` of `view`, which is the request's own or a newer one, and sends
    /// it the request.
    ///
    /// - Returns: why there is none.
    private func ask(_ view: SnapshotView, _ position: Int) -> NoMember? {
        let snapshot = view.snapshot.upstreams[position]
        let tried = triedMembers(of: snapshot)
        let isCounted = exchange.isCounted
        exchange.isCounted = true
        let now = worker.now()
        switch worker.balancer.choose(
            from: snapshot, excluding: tried, now: now, again: isCounted, isProbe: isProbe)
        {
        case .none(let reason):
            return reason
        case .member(let chosen):
            stopWaiting()
            exchange.newerView = view === exchange.view ? nil : view
            exchange.upstream = position
            if !exchange.isTunnel { speak(http2: snapshot.http2) }
            exchange.tried = tried
            exchange.tried.insert(chosen.member)
            exchange.tries += 1
            exchange.member = chosen.member
            exchange.upstreamBegan = now
            let state = chosen.state
            lease = consume chosen
            if exchange.isRaw {
                share(snapshot, state)
            } else if !exchange.isTunnel, snapshot.proxyProtocol == nil, let kept = worker.pool(for: state).take() {
                attach(kept)
            } else {
                connect(snapshot, state)
            }
            return nil
        }
    }

    /// The members that were tried, by their places in `snapshot`, where they can be others.
    private func triedMembers(of snapshot: UpstreamSnapshot) -> TriedMembers {
        guard !exchange.tried.isEmpty, let known = upstreamSnapshot, known !== snapshot else { return exchange.tried }
        var tried = TriedMembers()
        for (index, member) in known.members.enumerated() where exchange.tried.contains(index) {
            if let place = snapshot.place(of: member.state, near: index) { tried.insert(place) }
        }
        return tried
    }

    /// Puts what is there of the body into the form that the member gets it in: members of HTTP/2 get no chunks.
    private func speak(http2: Bool) {
        guard http2 != exchange.isRaw else { return }
        exchange.isRaw = http2
        guard exchange.isChunked else { return }
        let old = requestBytes
        let body =
            old.getSlice(
                at: old.readerIndex + exchange.headLength, length: old.readableBytes - exchange.headLength)
            ?? ByteBuffer()
        var new = old.getSlice(at: old.readerIndex, length: exchange.headLength) ?? ByteBuffer()
        if http2 {
            var chunks = ChunkedDecoder()
            var offset = 0
            while case .data(let range) = chunks.next(body.readableBytesUInt8Span, offset: &offset) {
                new.writeImmutableBuffer(
                    body.getSlice(at: body.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer())
            }
        } else {
            if body.readableBytes > 0 { new.writeChunk(body, 0..<body.readableBytes) }
            if exchange.isBodyComplete { new.writeStaticString("0\r\n\r\n") }
        }
        requestBytes = new
    }
}
