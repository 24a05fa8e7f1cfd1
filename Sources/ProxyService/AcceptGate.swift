import Glibc
import NIOCore

/// Sits in a listening channel and stops it from accepting while there are too many connections, or no descriptors
/// left: a level-triggered loop would spin on a connection that cannot be accepted.
final class AcceptGate: ChannelDuplexHandler {
    typealias InboundIn = Channel
    typealias InboundOut = Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let worker: ProxyWorker
    private var context: ChannelHandlerContext?
    private var isReadPending = false
    /// The channel was told not to read by itself.
    private var isSwitchedOff = false
    /// Monotonic nanoseconds until which accepting rests after an error.
    private var restsUntil: UInt64 = 0

    /// How long accepting rests when descriptors or memory ran out.
    private static let rest: UInt64 = 200_000_000

    init(worker: ProxyWorker) { self.worker = worker }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if mayAccept { context.read() } else { isReadPending = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) {
            restsUntil = worker.now() &+ Self.rest
            bump(worker.counters.descriptorPauses)
            worker.noteDeadline(restsUntil)
            // The channel counts a failed accept as one that it still owes, and would try again at once and forever.
            isSwitchedOff = setAutoRead(false)
        }
        // Any other error concerns one connection that went away before it was accepted.
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Counted here, before the channel is set up, so that the next connection is not accepted past the limit.
        let worker = NIOLoopBound(self.worker, eventLoop: context.eventLoop)
        worker.value.accepted()
        unwrapInboundIn(data).closeFuture.whenComplete { _ in worker.value.ended() }
        context.fireChannelRead(data)
    }

    private func setAutoRead(_ value: Bool) -> Bool {
        guard let options = context?.channel.syncOptions else { return false }
        return (try? options.setOption(.autoRead, value: value)) != nil
    }

    /// Accepts again if that is possible by now.
    func resumeIfPossible() {
        if isSwitchedOff, mayAccept {
            isSwitchedOff = false
            _ = setAutoRead(true)
        }
        guard isReadPending, mayAccept, let context else { return }
        isReadPending = false
        context.read()
    }

    private var mayAccept: Bool { restsUntil <= worker.tickTime && worker.mayAccept }
}
