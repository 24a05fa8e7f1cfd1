import NIOCore

/// Counts when a listener could not accept for the want of file descriptors or memory. NIO's own handler behind it lets
/// accepting rest for a second then, instead of spinning on a connection that cannot be accepted.
final class AcceptWatch: ChannelInboundHandler, Sendable {
    typealias InboundIn = any Channel

    private let counters: TCPCounters

    init(counters: TCPCounters) { self.counters = counters }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is IOError { counters.count(.acceptPauses) }
        context.fireErrorCaught(error)
    }
}
