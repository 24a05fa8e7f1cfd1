import Addresses
import Glibc
import HTTPWire
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import TrafficModel

/// One probe: a connection from its start to its verdict. Lives on its event loop.
final class Probe: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let target: ProbeTarget
    private let tls: NIOSSLClientHandler?
    private var exchange: ProbeExchange
    private var phase = ProbePhase.connecting
    private var channel: (any Channel)?
    private let sources: ProbeSources
    /// Of a probe of one of this process's own listeners: where it comes from.
    private var source: Endpoint?
    /// `nil` once there is a verdict or the probe was cancelled.
    private var onVerdict: ((ProbeOutcome) -> Void)?

    /// - Parameter onVerdict: called once, on the loop, unless the probe is cancelled before.
    init(
        _ target: ProbeTarget, tls: NIOSSLClientHandler?, sources: ProbeSources,
        onVerdict: @escaping (ProbeOutcome) -> Void
    ) {
        self.target = target
        self.sources = sources
        self.tls = tls
        self.onVerdict = onVerdict
        exchange = ProbeExchange(target)
    }

    func start(on loop: any EventLoop) {
        // The port has to be known before the listener sees the connection, so it is chosen first. Of a listener with all of
        // the machine's addresses it is known only now whether the target's is one of them.
        if target.isOwn, IPAddress.isOwn(target.address), let address = IPAddress.source(towards: target.address) {
            source = Endpoint(address: address, port: 0)
        }
        connect(on: loop)
    }

    private func connect(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
        // Without a source it goes out all the same, and is counted as a client.
        if let source, let address = try? ProbeTarget.socketAddress(source.address, port: 0) {
            bootstrap = bootstrap.bind(to: address)
        }
        bootstrap
            // The engine's own limit comes first; this one only must not be shorter.
            .connectTimeout(.nanoseconds(target.timeout) + .seconds(1))
            .channelInitializer { channel in
                let probe = bound.value
                probe.channel = channel
                return channel.eventLoop.makeCompletedFuture {
                    if let tls = probe.tls { try channel.pipeline.syncOperations.addHandler(tls) }
                    try channel.pipeline.syncOperations.addHandler(probe)
                }
            }
            .connect(to: target.address)
            .assumeIsolated()
            .whenFailure { error in
                if let source = self.source {
                    self.source = nil
                    self.sources.forget(source)
                    // Without a port to choose from, it is a probe all the same, and counts as a client.
                    if self.onVerdict != nil, let error = error as? IOError,
                        [EADDRINUSE, EADDRNOTAVAIL].contains(error.errnoCode)
                    {
                        return self.connect(on: loop)
                    }
                }
                // Only a failure to connect is reported here alone; `errorCaught` may have been first.
                self.finish(ProbeOutcome(error, phase: self.phase))
            }
    }

    /// What the response told of the target's load.
    var load: LoadMetrics? { exchange.load }

    /// The time is up.
    func timeOut() { finish(.failure(.timedOut(phase))) }

    /// Ends it without a verdict.
    func cancel() {
        onVerdict = nil
        close()
    }

    func connect(context: ChannelHandlerContext, to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        if let address = source?.address, let port = context.localAddress?.port {
            let source = Endpoint(address: address, port: UInt16(clamping: port))
            self.source = source
            sources.note(source)
        }
        context.connect(to: address, promise: promise)
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .none = exchange { return finish(.success) }
        phase = tls == nil ? .response : .handshake
        // Behind TLS this waits for the handshake.
        sendOutput(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent {
            phase = .response
            if exchange.isHTTP2, agreed != "h2" { finish(.failure(.http2("the target does not agree on HTTP/2"))) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let tell = onVerdict else { return }
        guard let outcome = exchange.receive(unwrapInboundIn(data)) else { return sendOutput(context) }
        // A farewell that cannot be written must not become the verdict.
        onVerdict = nil
        sendOutput(context)
        close()
        tell(outcome)
    }

    private func sendOutput(_ context: ChannelHandlerContext) {
        let output = exchange.takeOutput()
        if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(phase == .response ? exchange.end() : .failure(.closed(phase)))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that closes without close_notify is common, and the end of the body is judged without it.
        if let error = error as? NIOSSLError, case .uncleanShutdown = error { return }
        finish(ProbeOutcome(error, phase: phase))
    }

    private func finish(_ outcome: ProbeOutcome) {
        guard let onVerdict else { return }
        self.onVerdict = nil
        close()
        onVerdict(outcome)
    }

    /// Closes the socket at once: a TLS shutdown would wait for the peer's for up to five seconds.
    private func close() {
        guard let channel else { return }
        self.channel = nil
        if let tls, let context = try? channel.pipeline.syncOperations.context(handler: tls) {
            // Begins at the handler before TLS. `try?`: a handler that left the pipeline has closed already.
            context.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}
