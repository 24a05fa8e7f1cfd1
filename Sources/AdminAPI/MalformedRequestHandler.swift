import ControlPlane
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Answers what is no request of HTTP/1.1, or too large a head, in the form of all other refusals, and counts it.
///
/// The server behind it would answer 400 and say nothing. It still does where an answer to an earlier request is under
/// way: what follows must not go before it.
final class MalformedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    static let fieldLimit = 16 * 1024
    static let headLimit = 32 * 1024
    static let fieldCountLimit = 100

    private let counters: AdminCounters
    /// Requests whose answers were not written to their end.
    private var requests = 0
    private var isOver = false

    init(counters: AdminCounters) { self.counters = counters }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { requests += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { requests = max(requests - 1, 0) }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        guard !isOver else { return }
        isOver = true
        let isTooLarge = error == .headerOverflow
        counters.count(isTooLarge ? .tooLarge : .badRequests)
        guard requests == 0 else { return context.fireErrorCaught(error) }
        let (status, detail): (HTTPResponse.Status, String) =
            switch error {
            case .headerOverflow:
                (
                    .requestHeaderFieldsTooLarge,
                    "a head has at most \(Self.headLimit) bytes and \(Self.fieldCountLimit) fields of \(Self.fieldLimit) bytes"
                )
            // Also what is no HTTP at all, such as TLS: the parser looks no further than its first bytes.
            case .invalidMethod:
                (.notImplemented, "this begins with no method of HTTP that is known here")
            default: (.badRequest, "this is no request of HTTP/1.1: \(error)")
            }
        let problem = Problem(title: status.reasonPhrase, status: status.code, detail: detail, field: nil)
        // Encoding fails for numbers without an end only, of which it has none.
        let body = (try? AdminService.encode(problem)).map { ByteBuffer(bytes: $0) } ?? ByteBuffer()
        let fields: HTTPFields = [
            .contentType: AdminService.problemType, .contentLength: "\(body.readableBytes)", .connection: "close",
            .cacheControl: "no-store", .contentTypeOptions: "nosniff",
        ]
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }
}
