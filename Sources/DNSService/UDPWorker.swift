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
    private let wakeUp: Int32
    private let published: Published<AuthoritySnapshot>
    private var responder: Responder

    init(
        sockets: [UDPSocket], wakeUp: Int32, published: Published<AuthoritySnapshot>, responder: consuming Responder
    ) {
        self.sockets = sockets
        self.wakeUp = wakeUp
        self.published = published
        self.responder = responder
    }

    /// Runs until `wakeUp` is written; closes the sockets then, after what had arrived is answered.
    consuming func run() {
        defer { for socket in sockets { close(socket.descriptor) } }
        guard let batch = unsafe clinux_batch_create(Self.batchSize, Self.inputBytes, Self.outputBytes) else { return }
        defer { unsafe clinux_batch_free(batch) }
        var waiting = ([wakeUp] + sockets.map(\.descriptor)).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var pin = published.pin()
        while waiting[0].revents == 0 {
            guard unsafe poll(&waiting, nfds_t(waiting.count), -1) >= 0 else {
                guard errno == EINTR else { return }
                continue
            }
            for index in 1..<waiting.count where waiting[index].revents != 0 {
                unsafe serve(waiting[index].fd, batch, &pin, batches: 16)
            }
        }
        for socket in sockets { unsafe serve(socket.descriptor, batch, &pin, batches: 1024) }
    }

    /// Answers what waits on a socket, at most `batches` times a batch, so that one busy address cannot starve another.
    private mutating func serve(
        _ descriptor: Int32, _ batch: OpaquePointer, _ pin: inout Pin<AuthoritySnapshot>, batches: Int
    ) {
        for _ in 0..<batches {
            let received = unsafe clinux_batch_receive(batch, descriptor)
            guard received > 0 else { return }
            published.refresh(&pin)
            responder.time = MonotonicClock.now
            var answers = 0
            for index in 0..<UInt32(received) {
                var length: UInt32 = 0
                let input = unsafe clinux_batch_input(batch, index, &length)
                let (address, port) = unsafe SocketAddress.read(clinux_batch_source(batch, index))
                // The batch owns `length` received bytes at `input` and `outputBytes` at the output until it is sent.
                let answer = unsafe responder.respond(
                    to: UnsafeRawBufferPointer(start: input, count: Int(length)).bytes, from: address, port: port,
                    overTCP: false, snapshot: pin.value,
                    into: UnsafeMutableRawBufferPointer(
                        start: clinux_batch_output(batch, index), count: Int(Self.outputBytes)))
                guard answer > 0 else { continue }
                unsafe clinux_batch_answer(batch, index, UInt32(truncatingIfNeeded: answer))
                answers += 1
            }
            if answers > 0 {
                let refused = unsafe clinux_batch_send(batch, descriptor, UInt32(received))
                if refused > 0 { responder.counters.count(.sendFailures, Int(refused)) }
            }
            guard received == Int32(Self.batchSize) else { return }
        }
    }
}
