import Balancing
import NIOCore
import Sockets

/// Waiting for a place on a member.
extension ProxyWorker {
    /// Requests of one upstream that get their places in one turn of the loop.
    private static let turnLimit = 64

    /// Whether any wait for this upstream: who comes now is behind them.
    @inline(__always)
    func hasQueue(for upstream: UpstreamSnapshot) -> Bool { !queues.isEmpty && queues[upstream.name] != nil }

    /// Lets a request wait for a place on a member; `false` when as many wait already as may.
    func wait(_ client: ClientConnection, for upstream: UpstreamSnapshot) -> Bool {
        guard upstream.queueSize > 0 else { return false }
        let queue =
            queues[upstream.name] ?? WaitingQueue(upstream: upstream.name, timeout: upstream.queueTimeout)
        guard queue.count < upstream.queueSize else {
            bump(counters.queueFull)
            return false
        }
        bump(counters.queued)
        if queue.isEmpty { queues[upstream.name] = queue }
        client.exchange.place = queue.append(client, now: now())
        client.exchange.queue = queue
        return true
    }

    func stopWaiting(in queue: WaitingQueue<ClientConnection>, at place: Int) {
        queue.remove(at: place)
        if queue.isEmpty { queues[queue.upstream] = nil }
    }

    /// There may be a place for those who wait. They are not asked at once: whoever left is not done yet.
    func wake(_ upstream: String) { if let queue = queues[upstream] { wake(queue) } }

    private func wake(_ queue: WaitingQueue<ClientConnection>) {
        guard !queue.isDue else { return }
        queue.isDue = true
        dueQueues.append(queue)
        guard dueQueues.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.serveDue() }
    }

    private func serveDue() {
        let due = dueQueues
        dueQueues.removeAll(keepingCapacity: true)
        for queue in due {
            queue.isDue = false
            serve(queue)
        }
    }

    private func serve(_ queue: WaitingQueue<ClientConnection>) {
        if queue.serve(limit: Self.turnLimit, { $0.takePlace(in: queue) }) { wake(queue) }
    }

    /// Looks for places that other loops have freed.
    func serveWaiting() {
        guard !queues.isEmpty else { return }
        for queue in Array(queues.values) { serve(queue) }
    }

    /// The snapshot is a new one: it may have other members, limits and times for those who wait.
    func renewWaiting() {
        for queue in queues.values {
            if let position = queue.position(in: view) {
                queue.change(timeout: view.snapshot.upstreams[position].queueTimeout) { client, deadline in
                    client.setDeadline(at: min(deadline, client.exchange.expiry))
                }
            }
            wake(queue)
        }
    }

    func endWaiting() {
        for queue in queues.values { queue.removeAll() }
        queues.removeAll()
        dueQueues.removeAll()
    }

    /// Requests that wait now.
    var waitingCount: Int { queues.isEmpty ? 0 : queues.values.reduce(0) { $0 + $1.count } }
}
