import Authority
import Glibc
import TrafficModel

/// Starts a worker on a thread of its own.
final class UDPThread: Sendable {
    private let sockets: [UDPSocket]
    private let wakeUp: Int32
    private let published: Published<AuthoritySnapshot>
    private let counters: WorkerCounters
    private let sequence: UInt64

    init(
        sockets: [UDPSocket], wakeUp: Int32, published: Published<AuthoritySnapshot>, counters: WorkerCounters,
        sequence: UInt64
    ) {
        self.sockets = sockets
        self.wakeUp = wakeUp
        self.published = published
        self.counters = counters
        self.sequence = sequence
    }

    /// The thread, to be joined once.
    func start() -> pthread_t {
        var thread = pthread_t()
        // The thread takes over the reference.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                // Non-nil: it is the pointer passed below.
                let worker = unsafe Unmanaged<UDPThread>.fromOpaque(context!).takeRetainedValue()
                worker.run()
                return nil
            }, context)
        precondition(result == 0, "no thread for DNS over UDP: the process is at its limit")
        return thread
    }

    private func run() {
        UDPWorker(
            sockets: sockets, wakeUp: wakeUp, published: published,
            responder: Responder(counters: counters, sequence: sequence)
        ).run()
    }
}
