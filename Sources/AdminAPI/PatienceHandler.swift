import ControlPlane
import NIOCore
import NIOHTTPTypes

/// Waits for clients as long as is fair: for their requests, for the rest of one that began, and for answers to be taken.
///
/// It knows when an answer is out, which the server behind it does not: that one takes it for sent when it was written,
/// and would then close a connection that is idle, or that is to end, before its client has all of it.
final class PatienceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        /// How long a connection with nothing to do may wait for a request, until its head is complete.
        var idle = TimeAmount.seconds(30)
        /// From the head of a request to its end.
        var body = TimeAmount.seconds(20)
        var answer = AnswerPatience.Limits()
        /// How long a connection that is to end may still take its answer: a shutdown waits for it.
        var farewell = TimeAmount.seconds(20)
    }

    private let limits: Limits
    private let counters: AdminCounters
    private let open: OpenConnections?
    /// Requests whose answers were not written to their end.
    private var requests = 0
    /// Parts of answers that were written and are not with the kernel.
    private var unsent = 0
    private var idle: Scheduled<Void>?
    private var bodyDeadline: Scheduled<Void>?
    /// Of an answer that waits for its client.
    private var patience: AnswerPatience?
    private var look: Scheduled<Void>?
    /// It is to close as soon as the answer is out.
    private var isClosing = false
    private var closePromise: EventLoopPromise<Void>?
    private var farewell: Scheduled<Void>?

    /// - Parameter open: is told when the connection has something to do, and when not.
    init(counters: AdminCounters, limits: Limits = .init(), open: OpenConnections? = nil) {
        self.open = open
        self.counters = counters
        self.limits = limits
    }

    // MARK: The connection

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { beIdle(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        beIdle(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
        closePromise?.fail(ChannelError.alreadyClosed)
        closePromise = nil
    }

    /// Starts to wait for a request, when there is nothing else to wait for.
    private func beIdle(_ context: ChannelHandlerContext) {
        guard requests == 0, unsent == 0, !isClosing, context.channel.isActive else { return }
        open?.set(context.channel, isBusy: false)
        idle?.cancel()
        // Nothing is wrong with a client that keeps a connection: it is not counted.
        idle = context.eventLoop.assumeIsolated().scheduleTask(in: limits.idle) { context.close(promise: nil) }
    }

    private func stop() {
        bodyDeadline?.cancel()
        bodyDeadline = nil
        farewell?.cancel()
        farewell = nil
        stopIdling()
        stopLooking()
    }

    private func stopIdling() {
        idle?.cancel()
        idle = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What comes after the decision to close is of no use to anybody.
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head:
            stopIdling()
            open?.set(context.channel, isBusy: true)
            requests += 1
            bodyDeadline?.cancel()
            bodyDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: limits.body) {
                self.cut(context)
            }
        case .body: break
        case .end:
            bodyDeadline?.cancel()
            bodyDeadline = nil
        }
        context.fireChannelRead(data)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // What is no request has an answer too: then there is none in progress.
        if case .end = unwrapOutboundIn(data) { requests = max(requests - 1, 0) }
        stopIdling()
        unsent += 1
        let promise = promise ?? context.eventLoop.makePromise()
        promise.futureResult.assumeIsolated().whenComplete { _ in self.sent(context) }
        guard patience != nil else { return context.write(data, promise: promise) }
        let before = Self.waiting(context)
        context.write(data, promise: promise)
        patience?.add(Self.waiting(context) - before)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        guard unsent > 0, patience == nil else { return }
        beginLooking(context)
    }

    private func sent(_ context: ChannelHandlerContext) {
        unsent -= 1
        guard unsent == 0 else { return }
        stopLooking()
        guard isClosing else { return beIdle(context) }
        let promise = closePromise
        closePromise = nil
        context.close(promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // The next part of a long answer is asked for: it has its own time.
        if context.channel.isWritable, patience != nil { beginLooking(context) }
        context.fireChannelWritabilityChanged()
    }

    private func beginLooking(_ context: ChannelHandlerContext) {
        let patience = AnswerPatience(limits.answer, waiting: Self.waiting(context), now: context.eventLoop.now)
        self.patience = patience
        schedule(context, patience.next)
    }

    private func stopLooking() {
        look?.cancel()
        look = nil
        patience = nil
    }

    private func schedule(_ context: ChannelHandlerContext, _ time: NIODeadline) {
        look?.cancel()
        look = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            guard var patience = self.patience else { return }
            guard patience.goesOn(waiting: Self.waiting(context), now: context.eventLoop.now) else {
                return self.cut(context)
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

    // MARK: Ends

    /// Holds back the server's wish to close until the answer is out, but not for ever. Closing one way is the same where
    /// something waits: the channel loses it once its client has ended the other way.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        let isHeld = mode == .all || mode == .output && unsent > 0
        guard isHeld, context.channel.isActive, !isClosing || unsent > 0 else {
            return context.close(mode: mode, promise: promise)
        }
        if let closePromise {
            closePromise.futureResult.cascade(to: promise)
        } else {
            closePromise = promise
        }
        guard !isClosing else { return }
        isClosing = true
        stopIdling()
        context.flush()
        guard unsent > 0 else {
            let promise = closePromise
            closePromise = nil
            return context.close(promise: promise)
        }
        farewell = context.eventLoop.assumeIsolated().scheduleTask(in: limits.farewell) { self.cut(context) }
    }

    private func cut(_ context: ChannelHandlerContext) {
        counters.count(.slowClients)
        // A peer that is waited for once more, as TLS does, is not counted again.
        stop()
        let promise = closePromise
        closePromise = nil
        context.close(promise: promise)
    }
}
