import Addresses
import Sockets

/// Accepts for one listener on one loop, but not while there are too many connections or no descriptors left.
final class AcceptGate {
    private let worker: ProxyWorker
    private let acceptor: Acceptor
    private let rest: Rest
    private var hasBegun = false

    /// Times without accepting.
    private final class Rest {
        /// After an error: until then, in monotonic nanoseconds.
        var end: UInt64 = 0
        /// There were too many connections when the next might have been accepted.
        var isFull = false
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
            mayAccept: {
                guard rest.end <= worker.tickTime else { return false }
                rest.isFull = !worker.mayAccept
                return !rest.isFull
            },
            accepted: { descriptor, peer in
                worker.accepted()
                let channel = StreamChannel(
                    accepted: descriptor, from: peer, on: worker.loop, bufferBytes: worker.settings.bufferBytes)
                channel.onClose = { worker.ended() }
                setUp(channel)
            },
            failed: { _ in
                bump(worker.counters.descriptorPauses)
                // Its end goes on with accepting.
                if worker.makeRoom() { return }
                rest.end = worker.now() &+ Self.restTime
                worker.noteDeadline(rest.end)
            })
    }

    /// As bound.
    var endpoint: Endpoint { acceptor.endpoint }

    /// Whether some may wait because there are too many connections.
    var isHoldingBack: Bool { hasBegun && rest.isFull }

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
