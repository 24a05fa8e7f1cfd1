import ControlPlane
import NIOCore
import NIOHTTPTypes

/// Closes connections of clients that do not send the rest of a request, or do not take an answer, in time. How long a
/// connection may wait for the head of a request is the server's own idle timeout.
final class PatienceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// From the head of a request to its end.
    static let bodyTimeout = TimeAmount.seconds(20)
    /// How long a client may take nothing of an answer.
    static let writeTimeout = TimeAmount.seconds(60)

    private let counters: AdminCounters
    private var bodyDeadline: Scheduled<Void>?
    private var writeDeadline: Scheduled<Void>?

    init(counters: AdminCounters) { self.counters = counters }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bodyDeadline?.cancel()
            bodyDeadline = close(context, after: Self.bodyTimeout)
        case .body: break
        case .end:
            bodyDeadline?.cancel()
            bodyDeadline = nil
        }
        context.fireChannelRead(data)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            writeDeadline?.cancel()
            writeDeadline = nil
        } else if writeDeadline == nil {
            writeDeadline = close(context, after: Self.writeTimeout)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        bodyDeadline?.cancel()
        writeDeadline?.cancel()
        context.fireChannelInactive()
    }

    private func close(_ context: ChannelHandlerContext, after time: TimeAmount) -> Scheduled<Void> {
        let (channel, counters) = (context.channel, counters)
        return context.eventLoop.scheduleTask(in: time) {
            counters.count(.slowClients)
            channel.close(promise: nil)
        }
    }
}
