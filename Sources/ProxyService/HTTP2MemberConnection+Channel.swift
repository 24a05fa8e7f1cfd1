import HTTP2Wire
import NIOCore
import NIOSSL
import NIOTLS
import Sockets

/// What the channel tells, and what the member's frames mean for the requests.
extension HTTP2MemberConnection {

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) { socketConnected() }

    func socketConnected() { if !isTLS { becomeReady() } }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            guard negotiated == "h2" else {
                // A member that speaks something else would take the preface for a request.
                ended(NIOSSLError.handshakeFailed(.noError))
                closeChannel()
                return
            }
            becomeReady()
        case ChannelEvent.inputClosed:
            socketInputClosed()
        default:
            break
        }
    }

    private func becomeReady() {
        guard !isReady else { return }
        isReady = true
        bump(worker.counters.upstreamConnections)
        session.start()
        flushSoon()
        serveWaiting()
        if isIdle { noteIdle() }
    }

    /// Whether a request can begin: one for WebSocket only when the member has said whether it takes such.
    func mayBegin(_ stream: UpstreamStream) -> Bool { isReady && (session.isSettled || !stream.wantsTunnel) }

    /// The member says that it takes no request here, for now (RFC 9113 section 6.5.2).
    var takesNothing: Bool { session.peerStreams == 0 }

    func serveWaiting() {
        let all = waiting
        waiting = []
        for stream in all {
            let isFull = session.streamCount >= session.peerStreams ?? .max
            if !mayBegin(stream) || (stream.isResting && isFull) {
                waiting.append(stream)
            } else if isFull {
                refused.append(stream)
            } else {
                stream.becomeReady()
            }
        }
        endRest()
    }

    var mayReadSocket: Bool { true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { socketRead(unwrapInboundIn(data)) }

    func socketRead(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        takeFrames(bytes, now: worker.now())
        // Places that streams have left.
        if !waiting.isEmpty, isReady, !isOver { serveWaiting() }
        sendElsewhere()
    }

    func take(_ data: ByteBuffer, padding: Int, isEnd: Bool, on place: Int) {
        frameCount &+= 1
        guard let stream = streams[place] else { return }
        stream.receive(data, padding: padding, isEnd: isEnd)
        settle(place, stream)
    }

    func sendElsewhere() {
        while !refused.isEmpty {
            let all = refused
            refused = []
            for stream in all { stream.closed(isRefused: true, error: nil) }
        }
    }

    func take(_ event: HTTP2Session.Event) {
        switch event {
        case .response(let place):
            frameCount &+= 1
            guard let stream = streams[place] else { return }
            stream.receiveHead(session.fields, isEnd: session.isInputEnded(place), worker)
            settle(place, stream)
        case .trailers(let place):
            frameCount &+= 1
            guard let stream = streams[place] else { return }
            stream.receiveTrailers(session.fields)
            settle(place, stream)
        case .reset(let place, let code):
            closed(place, isRefused: code == .refusedStream)
        case .broken(let place):
            if place >= 0 { closed(place, isRefused: false) }
        case .windowOpened(let place):
            if place >= 0 { push(place) } else { pushAll() }
        case .settings:
            pushAll()
            serveWaiting()
            if takesNothing { retire() }
        case .goAway(let last, _):
            leave(last)
        case .failed:
            flushNow()
            ended(nil)
            closeChannel()
        case .incomplete, .request, .data, .pong, .malformed, .refused:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { socketReadComplete() }

    func socketReadComplete() {
        // Those that are read from meanwhile are others.
        swap(&readStreams, &toldStreams)
        for stream in toldStreams { stream.client?.upstreamReadComplete(stream) }
        toldStreams.removeAll(keepingCapacity: true)
        if session.output.count > 0 || isHeldBack { flushSoon() }
    }

    func noteRead(_ stream: UpstreamStream) { if readStreams.last !== stream { readStreams.append(stream) } }

    func channelWritabilityChanged(context: ChannelHandlerContext) { socketWritabilityChanged() }

    func socketWritabilityChanged() {
        guard channel?.isWritable ?? false else { return }
        if isEmitting {
            isHeldBack = true
            flushSoon()
        } else if isWritable {
            wakeAll()
        }
    }

    func wakeAll() {
        let all = streams
        for stream in all { stream?.noteWritable() }
    }

    private func push(_ place: Int) {
        guard place < streams.count, let stream = streams[place], stream.push() else { return }
        flushSoon()
        stream.noteWritable()
        settle(place, stream)
    }

    /// Each in turn, beginning with another each time, as long as there is room for any.
    private func pushAll() {
        let count = streams.count
        guard count > 0 else { return }
        turn = (turn + 1) % count
        for offset in 0..<count where !session.isWindowClosed { push((turn + offset) % count) }
    }

    func socketInputClosed() { closeChannel() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { return }
        ended(isReady ? error : CertificateRefusal(error, context) ?? error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { ended(nil) }

    func socketClosed(_ error: (any Error)?) { ended(error) }

    func closeChannel() { if let context { context.close(promise: nil) } else { channel?.close() } }

}
