import Addresses
import NIOCore
import NIOHTTP1
import NIOPosix

/// A client's keep-alive connection to one VIP: one request at a time, no retries.
///
/// It speaks through NIO's own HTTP client and not through the codec of the proxy, so that the two ends of the demo
/// are independent implementations.
final class HTTPExchange: Sendable {
    struct Response: Sendable {
        var status: Int
        var region: String
        var member: String
    }

    enum Failure: Error, CustomStringConvertible {
        case connect
        case closed
        case timeout
        case status(Int)

        var description: String {
            switch self {
            case .connect: "connection refused"
            case .closed: "connection closed"
            case .timeout: "timeout"
            case .status(let code): "status \(code)"
            }
        }
    }

    let endpoint: Endpoint
    private let channel: any Channel

    private init(endpoint: Endpoint, channel: any Channel) {
        self.endpoint = endpoint
        self.channel = channel
    }

    static func connect(
        to endpoint: Endpoint, on group: any EventLoopGroup, timeout: Duration
    ) async throws(Failure) -> HTTPExchange {
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(TimeAmount(timeout))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(ExchangeHandler())
                    }
                }
                .connect(to: SocketAddress(endpoint)).get()
            return HTTPExchange(endpoint: endpoint, channel: channel)
        } catch is ChannelError {
            throw .timeout
        } catch {
            throw .connect
        }
    }

    var isOpen: Bool { channel.isActive }

    func get(_ path: String, host: String, timeout: Duration) async throws(Failure) -> Response {
        do {
            let promise = channel.eventLoop.makePromise(of: Response.self)
            let channel = channel
            channel.eventLoop.execute {
                // The handler stands in the pipeline from the start, so this cannot fail before the channel closed.
                guard
                    let handler = try? channel.pipeline.syncOperations.handler(type: ExchangeHandler.self),
                    let context = try? channel.pipeline.syncOperations.context(handler: handler)
                else { return promise.fail(Failure.closed) }
                handler.send(path, host: host, timeout: timeout, promise: promise, context: context)
            }
            return try await promise.futureResult.get()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .closed
        }
    }

    func close() { channel.close(mode: .all, promise: nil) }
}

private final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private var waiting: EventLoopPromise<HTTPExchange.Response>?
    private var deadline: Scheduled<Void>?
    private var head: HTTPResponseHead?
    private var isClosed = false

    func send(
        _ path: String, host: String, timeout: Duration, promise: EventLoopPromise<HTTPExchange.Response>,
        context: ChannelHandlerContext
    ) {
        guard !isClosed, waiting == nil else { return promise.fail(HTTPExchange.Failure.closed) }
        waiting = promise
        let channel = context.channel
        let loopBound = NIOLoopBound(self, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            loopBound.value.finish(.failure(.timeout))
            channel.close(mode: .all, promise: nil)
        }
        var request = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
        request.headers.add(name: "host", value: host)
        request.headers.add(name: "user-agent", value: "meridian-demo")
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            if head.status.code == 200 {
                finish(
                    .success(
                        .init(
                            status: 200, region: head.headers.first(name: "x-region") ?? "?",
                            member: head.headers.first(name: "x-member") ?? "?")))
            } else {
                finish(.failure(.status(Int(head.status.code))))
            }
            if !head.isKeepAlive {
                isClosed = true
                context.close(promise: nil)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        finish(.failure(.closed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isClosed = true
        finish(.failure(.closed))
        context.close(promise: nil)
    }

    private func finish(_ result: Result<HTTPExchange.Response, HTTPExchange.Failure>) {
        deadline?.cancel()
        deadline = nil
        let promise = waiting
        waiting = nil
        switch result {
        case .success(let response): promise?.succeed(response)
        case .failure(let failure): promise?.fail(failure)
        }
    }
}
