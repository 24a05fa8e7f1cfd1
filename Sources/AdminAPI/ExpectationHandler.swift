import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `Expect: 100-continue` (RFC 9110 section 10.1.1), which the server behind it does not: clients that are strict
/// about it wait for ever.
///
/// A body that says that it is too large is not asked for: its refusal comes at once.
final class ExpectationHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests whose answers were not written to their end.
    private var requests = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            requests += 1
            let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
            // Behind other requests its turn is not yet; by then it has sent its body or will be refused in time.
            if requests == 1, head.headerFields[.expect]?.lowercased() == "100-continue",
                length <= AdminService.bodyLimit
            {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { requests = max(requests - 1, 0) }
        context.write(data, promise: promise)
    }
}
