import Glibc
import HTTP2Wire
import NIOCore
import NIOSSL
import NIOTLS
import Sockets
import TLSWire

/// What the channel tells where there are other handlers.
extension ClientConnection {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) { socketConnected() }

    func channelInactive(context: ChannelHandlerContext) {
        socketClosed(nil)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        http2 = nil
        worker.unregister(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { return clientWasCutOff() }
        if phase == .handshake, tls != nil { bump(worker.counters.tlsFailures) }
        // Records that were tampered with break a tunnel like anything else.
        if error is IOError || phase == .tunnel { clientBroke() }
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            guard phase == .handshake else { break }
            if tls?.asksForCertificate ?? false, !noteCertificate(context) {
                bump(worker.counters.tlsFailures)
                return context.close(promise: nil)
            }
            countHandshake(context)
            if negotiated == "h2" {
                bump(worker.counters.http2Connections)
                beginStreams()
            } else {
                ready()
            }
        case ChannelEvent.inputClosed:
            socketInputClosed()
        case TLSUserEvent.shutdownCompleted:
            // The client's goodbye behind ours: the channel closes at once, before it says that the input has ended.
            if phase == .tunnel, !isInputClosed { socketInputClosed() }
        default:
            break
        }
    }

    /// The client's bytes have ended without a word that they do. The end of the input is told next. Requests say by
    /// themselves whether they are whole, and WebSocket that it ends; other tunnels say nothing.
    private func clientWasCutOff() {
        guard phase == .tunnel, isTCP else { return }
        // Many say nothing once the member has said all.
        let isOver = upstream?.isInputClosed ?? false
        clientBroke()
        ended(aborted: !isOver)
        phase = .closed
        releaseUpstream(keep: false)
        channel?.reset()
    }

    private func countHandshake(_ context: ChannelHandlerContext) {
        // It cannot fail behind a handshake; the count of the older version would only be one too high.
        let version = try? context.pipeline.syncOperations.nioSSL_tlsVersion()
        if version == .tlsv13 { bump(worker.counters.tls13) } else { bump(worker.counters.tls12) }
    }

    /// - Returns: whether the client may go on.
    private func noteCertificate(_ context: ChannelHandlerContext) -> Bool {
        // There is none where it is optional; one that could not be verified has ended the handshake. Asking fails only
        // where there is no TLS.
        guard let shown = try? context.pipeline.syncOperations.nioSSL_peerCertificate() else { return true }
        // A session that is taken up again brings the certificate of its beginning, which was verified then and may have
        // ended since (RFC 8446 section 4.6.1).
        guard shown.notValidAfter >= time(nil) else { return false }
        // Where it has no text it was still shown: nothing that this client says may stand in its place.
        note(certificateSubject: (try? shown.toDERBytes()).flatMap { CertificateSubject.text(of: $0) } ?? [])
        return true
    }

    func read(context: ChannelHandlerContext) {
        if mayReadSocket { context.read() } else { isReadPending = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { socketRead(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) { socketReadComplete() }

    func channelWritabilityChanged(context: ChannelHandlerContext) { socketWritabilityChanged() }
}

/// The channel, past whatever handlers there are.
extension ClientConnection {
    func write(_ bytes: ByteBuffer) {
        if let context { context.write(wrapOutboundOut(bytes), promise: nil) } else { channel?.write(bytes) }
    }

    /// Writes and flushes bytes that stay with who collected them.
    func send(_ output: OutputBytes) {
        guard let context else { return channel?.send(output.bytes) ?? () }
        context.write(
            wrapOutboundOut(unsafe output.bytes.withUnsafeBufferPointer { unsafe ByteBuffer(bytes: $0) }), promise: nil)
        context.flush()
    }

    func flushChannel() { if let context { context.flush() } else { channel?.flush() } }

    func closeOutput() { if let context { context.close(mode: .output, promise: nil) } else { channel?.closeOutput() } }

    func closeChannel() { if let context { context.close(promise: nil) } else { channel?.close() } }
}
