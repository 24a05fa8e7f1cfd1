import Authority
import Glibc
import Synchronization
import TrafficModel

/// Starts a worker on a thread of its own.
final class UDPThread: Sendable {
    private let sockets: [UDPSocket]
    private let isStopping = StopFlag()
    private let pulse = ThreadPulse()
    private let published: Published<AuthoritySnapshot>
    private let counters: WorkerCounters
    private let sequence: UInt64
    private let workers: Int
    private let log: QueryLog?

    /// - Parameter workers: how many such threads there are.
    init(
        sockets: [UDPSocket], published: Published<AuthoritySnapshot>, counters: WorkerCounters,
        sequence: UInt64, workers: Int, log: QueryLog? = nil
    ) {
        self.sockets = sockets
        self.published = published
        self.counters = counters
        self.sequence = sequence
        self.workers = workers
        self.log = log
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

    /// Makes the thread end; its sockets must still be open. What has arrived is answered.
    func stop() {
        isStopping.set()
        for socket in sockets { socket.wake() }
    }

    /// Waits for the thread that ``start()`` gave, and closes the sockets.
    func join(_ handle: pthread_t) {
        pthread_join(handle, nil)
        for socket in sockets { close(socket.descriptor) }
    }

    private func run() {
        UDPWorker(
            sockets: sockets, isStopping: isStopping, pulse: pulse, published: published,
            responder: Responder(counters: counters, sequence: sequence, workers: workers),
            log: log.map(QueryLogWriter.init)
        ).run()
        if !isStopping.isSet { pulse.stop() }
    }

    /// Whether it answers no more, though it should.
    func isStuck(now: UInt64) -> Bool { pulse.isStuck(now: now) }
}

/// Whether a thread shall end.
final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
