import Addresses
import Sockets

/// Accepts for one listener on one loop, but not while there are too many connections or no descriptors left.
final class AcceptGate {
    private let worker: ProxyWorker
    private let acceptor: Acceptor
    private let rest: Rest
    private var hasBegun = false

    /// A time without accepting, after an error.
    private final class Rest {
        /// Monotonic nanoseconds.
        var end: UInt64 = 0
    }

    /// How long accepting rests when descriptors or memory ran out.
    private static let restTime: UInt64 = 200_000_000

    /// Binds; accepts nothing before ``begin()``.
    ///
    /// - Parameters:
    ///   - original: a socket that listens there already.
    ///   - setUp: sets up a connection that was accepted.
    init(
        binding endpoint: Endpoint, copying original: Int32?, worker: ProxyWorker,
        setUp: @escaping (StreamChannel) -> Void
    ) throws(SocketError) {
        let rest = Rest()
        self.rest = rest
        self.worker = worker
        acceptor = try Acceptor(
            binding: endpoint, copying: original, on: worker.loop,
            mayAccept: { rest.end <= worker.tickTime && worker.mayAccept },
            accepted: { descriptor, peer in
                worker.accepted()
                let channel = StreamChannel(
                    accepted: descriptor, from: peer, on: worker.loop, bufferBytes: worker.settings.bufferBytes)
                channel.onClose = { worker.ended() }
                setUp(channel)
            },
            failed: { _ in
                rest.end = worker.now() &+ Self.restTime
                bump(worker.counters.descriptorPauses)
                worker.noteDeadline(rest.end)
            })
    }

    /// As bound.
    var endpoint: Endpoint { acceptor.endpoint }

    func begin() {
        hasBegun = true
        resumeIfPossible()
    }

    /// Accepts again if that is possible by now.
    func resumeIfPossible() {
        guard hasBegun else { return }
        if rest.end <= worker.tickTime, worker.mayAccept { acceptor.resume() }
    }

    /// Connections that the kernel holds are refused.
    func close() { acceptor.close() }
}
