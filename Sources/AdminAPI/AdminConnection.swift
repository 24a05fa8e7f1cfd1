import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// A connection to a node, over a socket, TCP or TLS, to be written to and read from in turn. Blocking: not for servers.
final class AdminConnection {
    static let connectTimeout = TimeAmount.seconds(5)

    private let channel: any Channel
    private let inbox: NIOLoopBoundBox<Inbox>
    private let address: AdminAddress

    /// - Parameters:
    ///   - timeout: for the connection, and as much again for the handshake.
    ///   - tls: `nil`: clear text.
    convenience init(_ address: AdminAddress, timeout: TimeAmount, tls: AdminClientTLS?) throws(AdminError) {
        try self.init(address, timeout: timeout, tls: tls.map { tls in { @Sendable in try tls.handler() } })
    }

    init(
        _ address: AdminAddress, timeout: TimeAmount, tls: (@Sendable () throws -> NIOSSLClientHandler)?
    ) throws(AdminError) {
        self.address = address
        // One thread does: a command has one connection at a time.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let inbox = NIOLoopBoundBox.makeBoxSendingValue(Inbox(isSecure: tls != nil), eventLoop: loop)
        self.inbox = inbox
        do {
            let bootstrap = ClientBootstrap(group: loop).connectTimeout(timeout).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(try tls()) }
                    try channel.pipeline.syncOperations.addHandler(inbox.value)
                }
            }
            let connection =
                switch address {
                case .socket(let path): bootstrap.connect(unixDomainSocketPath: path)
                case .network(let host, let port, _): bootstrap.connect(host: host, port: Int(port))
                }
            channel = try connection.wait()
        } catch {
            throw Self.explain(error, address)
        }
        do {
            try loop.flatSubmit { inbox.value.whenReady(on: loop, within: timeout) }.wait()
        } catch {
            channel.close(promise: nil)
            throw Self.explain(error, address)
        }
    }

    deinit { channel.close(promise: nil) }

    /// What the other end has shown; `nil` in clear text.
    var peerCertificate: NIOSSLCertificate? {
        // Fails only where there is no TLS.
        try? channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self).peerCertificate
        }.wait()
    }

    func send(_ bytes: [UInt8]) throws(AdminError) {
        do {
            try channel.writeAndFlush(channel.allocator.buffer(bytes: bytes)).wait()
        } catch {
            throw Self.explain(error, address)
        }
    }

    /// Waits for bytes; `nil`: there are no more.
    func receive(within timeout: TimeAmount) throws(AdminError) -> [UInt8]? {
        do {
            let (inbox, loop) = (inbox, channel.eventLoop)
            return try loop.flatSubmit { inbox.value.next(on: loop, within: timeout) }.wait()
        } catch {
            throw Self.explain(error, address)
        }
    }

    /// Calls something on the connection's thread, unless it is cancelled before.
    func schedule(in time: TimeAmount, _ body: @escaping @Sendable () -> Void) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: time, body)
    }

    // MARK: What went wrong

    fileprivate struct Silence: Error {}

    private static func explain(_ error: any Error, _ address: AdminAddress) -> AdminError {
        if let error = error as? AdminError { return error }
        if let error = AdminClientTLS.explain(error, of: address) { return error }
        let reason: String
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first else {
                return AdminError("\(address): there is no host \(error.host)")
            }
            reason = Self.reason(first.error)
        case is Silence: return AdminError("\(address): does not answer")
        default: reason = Self.reason(error)
        }
        switch address {
        case .socket: return AdminError("\(address): \(reason); is `meridian run` serving with this admin.socket?")
        case .network: return AdminError("\(address): \(reason); is `meridian run` serving with this admin.listen?")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: AdminError.reason(error.errnoCode)
        case ChannelError.connectTimeout: "no answer"
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.alreadyClosed: "the connection was closed"
        case is SocketAddressError: "a socket's path has at most 107 bytes"
        default: "\(error)"
        }
    }
}

/// What came and was not asked for yet. Lives on the connection's loop.
private final class Inbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// More is left in the kernel until some of this is taken.
    private static let limit = 1 << 20

    private var received: [UInt8] = []
    private var isReady: Bool
    private var isOver = false
    private var failure: (any Error)?
    private var ready: EventLoopPromise<Void>?
    private var waiting: EventLoopPromise<[UInt8]?>?
    private var context: ChannelHandlerContext?

    init(isSecure: Bool) { isReady = !isSecure }

    // MARK: Who waits

    func whenReady(on loop: any EventLoop, within timeout: TimeAmount) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        if let failure {
            promise.fail(failure)
        } else if isReady {
            promise.succeed()
        } else {
            ready = promise
            fail(promise, on: loop, after: timeout)
        }
        return promise.futureResult
    }

    func next(on loop: any EventLoop, within timeout: TimeAmount) -> EventLoopFuture<[UInt8]?> {
        let promise = loop.makePromise(of: [UInt8]?.self)
        if !received.isEmpty {
            promise.succeed(take())
        } else if let failure {
            promise.fail(failure)
        } else if isOver {
            promise.succeed(nil)
        } else {
            waiting = promise
            fail(promise, on: loop, after: timeout)
        }
        return promise.futureResult
    }

    private func fail<Value>(_ promise: EventLoopPromise<Value>, on loop: any EventLoop, after timeout: TimeAmount) {
        let alarm = loop.scheduleTask(in: timeout) { promise.fail(AdminConnection.Silence()) }
        promise.futureResult.whenComplete { _ in alarm.cancel() }
    }

    private func take() -> [UInt8] {
        let all = received
        received = []
        if let context, !isOver { setReading(true, context) }
        return all
    }

    private func setReading(_ isOn: Bool, _ context: ChannelHandlerContext) {
        // Fails only on a closed channel, which reads nothing in any case.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isOn)
    }

    // MARK: What comes

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else { return context.fireUserInboundEventTriggered(event) }
        isReady = true
        ready?.succeed()
        ready = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(buffer: unwrapInboundIn(data))
        if received.count >= Self.limit { setReading(false, context) }
        waiting?.succeed(take())
        waiting = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end without a farewell is an end: lengths tell whether all has come.
        if case NIOSSLError.uncleanShutdown = error { return }
        end(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(isReady ? nil : ChannelError.eof)
        context.fireChannelInactive()
    }

    private func end(_ error: (any Error)?) {
        guard !isOver else { return }
        isOver = true
        failure = error
        ready?.fail(error ?? ChannelError.eof)
        if let error { waiting?.fail(error) } else { waiting?.succeed(nil) }
        (ready, waiting) = (nil, nil)
    }
}
