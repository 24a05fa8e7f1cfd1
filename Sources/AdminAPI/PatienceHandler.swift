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

    struct Limits: Sendable {
        /// From the head of a request to its end.
        var body = TimeAmount.seconds(20)
        var answer = AnswerPatience.Limits()
    }

    private let limits: Limits
    private let counters: AdminCounters
    private var bodyDeadline: Scheduled<Void>?
    /// Of an answer that waits for its client.
    private var patience: AnswerPatience?
    private var look: Scheduled<Void>?

    init(counters: AdminCounters, limits: Limits = .init()) {
        self.counters = counters
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bodyDeadline?.cancel()
            bodyDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: limits.body) {
                self.close(context)
            }
        case .body: break
        case .end:
            bodyDeadline?.cancel()
            bodyDeadline = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard patience != nil else { return context.write(data, promise: promise) }
        let before = Self.waiting(context)
        context.write(data, promise: promise)
        patience?.add(Self.waiting(context) - before)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stopLooking()
        } else if patience == nil {
            let patience = AnswerPatience(limits.answer, waiting: Self.waiting(context), now: context.eventLoop.now)
            self.patience = patience
            schedule(context, patience.next)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        bodyDeadline?.cancel()
        bodyDeadline = nil
        stopLooking()
    }

    private func stopLooking() {
        look?.cancel()
        look = nil
        patience = nil
    }

    private func schedule(_ context: ChannelHandlerContext, _ time: NIODeadline) {
        look = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            guard var patience = self.patience else { return }
            guard patience.goesOn(waiting: Self.waiting(context), now: context.eventLoop.now) else {
                return self.close(context)
            }
            self.patience = patience
            self.schedule(context, patience.next)
        }
    }

    /// Bytes that were written and that the kernel has not taken.
    private static func waiting(_ context: ChannelHandlerContext) -> Int {
        // Every channel of ours has the option; it fails only on one that is closed, for which nothing waits.
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func close(_ context: ChannelHandlerContext) {
        counters.count(.slowClients)
        context.close(promise: nil)
    }
}
