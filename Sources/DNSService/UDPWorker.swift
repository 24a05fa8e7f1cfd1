import Addresses
import Authority
import CLinux
import Glibc
import Telemetry
import TrafficModel

/// Answers UDP on one thread: receives a batch, answers each datagram, sends the batch.
///
/// Nothing on this path allocates, locks or counts references: the arrays live as long as the worker, and the snapshot
/// is looked at once per batch.
struct UDPWorker: ~Copyable {
    /// Datagrams in one system call.
    static let batchSize: UInt32 = 64
    /// Larger queries are dropped: a query is a name, a few options, and seldom over 100 bytes.
    static let inputBytes: UInt32 = 1232
    static let outputBytes = UInt32(Responder.udpBufferSize)

    private let sockets: [UDPSocket]
    private let isStopping: StopFlag
    private let pulse: ThreadPulse
    private let published: Published<AuthoritySnapshot>
    private var responder: Responder
    private var log: QueryLogWriter?
    private var lookahead = BatchLookahead(capacity: Int(Self.batchSize))

    init(
        sockets: [UDPSocket], isStopping: StopFlag, pulse: ThreadPulse, published: Published<AuthoritySnapshot>,
        responder: consuming Responder, log: consuming QueryLogWriter? = nil
    ) {
        self.sockets = sockets
        self.isStopping = isStopping
        self.pulse = pulse
        self.published = published
        self.responder = responder
        self.log = log
    }

    /// Runs until it is stopped, and answers what had arrived by then.
    consuming func run() {
        guard let batch = unsafe clinux_batch_create(Self.batchSize, Self.inputBytes, Self.outputBytes) else { return }
        defer { unsafe clinux_batch_free(batch) }
        var pin = published.pin()
        if sockets.count == 1 {
            unsafe serveAlone(sockets[0], batch, &pin)
        } else {
            unsafe serveInTurn(batch, &pin)
        }
        unsafe drain(batch, &pin)
    }

    /// One socket needs no question which of them has something: the receive itself waits.
    private mutating func serveAlone(
        _ socket: UDPSocket, _ batch: UnsafeMutablePointer<clinux_batch>, _ pin: inout Pin<AuthoritySnapshot>
    ) {
        while !isStopping.isSet { _ = unsafe answerBatch(socket, batch, &pin, waits: true) }
    }

    /// At most so many batches of a socket in turn, so that one busy address cannot starve another.
    private static let batchesInTurn = 16

    private mutating func serveInTurn(
        _ batch: UnsafeMutablePointer<clinux_batch>, _ pin: inout Pin<AuthoritySnapshot>
    ) {
        var waiting = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        // Nothing wakes those who wait for shared sockets alone.
        let patience: Int32 = sockets.allSatisfy(\.isShared) ? 1000 : -1
        while !isStopping.isSet {
            guard unsafe poll(&waiting, nfds_t(waiting.count), patience) >= 0 else {
                guard errno == EINTR else { return }
                continue
            }
            for index in waiting.indices where waiting[index].revents != 0 {
                for _ in 0..<Self.batchesInTurn {
                    // A batch that is not full is the last that waited.
                    guard unsafe answerBatch(sockets[index], batch, &pin, waits: false) else { break }
                }
            }
        }
    }

    /// Longer than another processor takes from finding the socket of a datagram to putting the datagram into its queue.
    private static let graceMicroseconds: UInt32 = 1000

    /// Lets nothing more in, and answers what is in.
    private mutating func drain(_ batch: UnsafeMutablePointer<clinux_batch>, _ pin: inout Pin<AuthoritySnapshot>) {
        for socket in sockets { socket.divert() }
        for _ in 0..<2 {
            for socket in sockets { while unsafe answerBatch(socket, batch, &pin, waits: false) {} }
            usleep(Self.graceMicroseconds)
        }
        for socket in sockets { while unsafe answerBatch(socket, batch, &pin, waits: false) {} }
    }

    /// Receives a batch and answers it; `true` when it was full, so that more may wait.
    private mutating func answerBatch(
        _ socket: UDPSocket, _ batch: UnsafeMutablePointer<clinux_batch>, _ pin: inout Pin<AuthoritySnapshot>,
        waits: Bool
    ) -> Bool {
        let received = unsafe clinux_batch_receive(
            batch, socket.descriptor, waits ? 1 : 0, socket.tellsDestination ? 1 : 0)
        guard received > 0 else { return false }
        published.refresh(&pin)
        responder.time = MonotonicClock.now
        pulse.begin(responder.time)
        responder.wallTime = WallClock.seconds
        if received > 1 {
            for index in 0..<UInt32(received) {
                unsafe lookahead.add(Self.input(batch, index).bytes, snapshot: pin.value)
            }
            lookahead.run(snapshot: pin.value)
        }
        for index in 0..<UInt32(received) {
            let (address, port) = unsafe KernelAddress.read(clinux_batch_source(batch, index))
            let input = unsafe Self.input(batch, index)
            // A worker that is stopped while it waits gets a message without anything in it, not even a source.
            if input.count == 0, isStopping.isSet { continue }
            // The batch owns the input until the next receive, and has room for the largest answer at the output.
            let sequence = responder.sequence
            let answer = unsafe responder.respond(
                to: input.bytes, from: address, port: port, overTCP: false, snapshot: pin.value,
                into: UnsafeMutableRawBufferPointer(start: clinux_batch_output(batch), count: Int(Self.outputBytes)))
            if log?.takes(responder.outcome) == true {
                let output = unsafe UnsafeRawBufferPointer(start: clinux_batch_output(batch), count: answer)
                unsafe log?.add(
                    &responder, since: sequence, .init(client: address, port: port, overTCP: false), query: input.count,
                    answer: output.bytes, snapshot: pin.value)
            }
            guard answer > 0 else { continue }
            unsafe clinux_batch_answer(batch, index, UInt32(truncatingIfNeeded: answer))
        }
        let now = MonotonicClock.now
        responder.counters.count(queries: Int(received), nanoseconds: now &- responder.time)
        log?.flush(at: now, since: responder.time)
        let refused = unsafe clinux_batch_send(batch, socket.descriptor)
        if refused > 0 { responder.counters.count(.sendFailures, Int(refused)) }
        pulse.end()
        return received == Int32(Self.batchSize)
    }

    /// The bytes of a datagram of the batch.
    @inline(__always)
    private static func input(_ batch: UnsafeMutablePointer<clinux_batch>, _ index: UInt32) -> UnsafeRawBufferPointer {
        var length: UInt32 = 0
        let start = unsafe clinux_batch_input(batch, index, &length)
        return unsafe UnsafeRawBufferPointer(start: start, count: Int(length))
    }
}
