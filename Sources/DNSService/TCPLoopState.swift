import Addresses
import Authority
import NIOCore
import Telemetry
import TrafficModel

/// What the connections of one event loop share: the responder, its output, and one timer for all deadlines.
///
/// Everything that a connection waits for takes the same time for each, so connections that wait for the same thing lie
/// in a list in the order of their deadlines, and only the first of each list matters. A message costs no timer.
final class TCPLoopState {
    var responder: Responder
    private var log: QueryLogWriter?
    private var pin: Pin<AuthoritySnapshot>
    private let published: Published<AuthoritySnapshot>
    /// The largest DNS message over TCP.
    private var output = [UInt8](repeating: 0, count: 65_535)
    let limits: TCPLimits
    let proxies: [IPPrefix]
    private let loop: any EventLoop
    private var lists: [WaitingList]
    private var timer: (deadline: UInt64, scheduled: Scheduled<Void>)?
    /// Monotonic nanoseconds.
    private(set) var now: UInt64 = 0

    /// What a connection waits for.
    enum Wait: Int, CaseIterable {
        /// The next message.
        case message
        /// The rest of a message, or of a proxy's header.
        case rest
        /// That the client takes its answers.
        case room
    }

    init(
        published: Published<AuthoritySnapshot>, responder: consuming Responder, limits: TCPLimits,
        settings: NameServer, loop: any EventLoop, log: QueryLog? = nil
    ) {
        self.published = published
        self.responder = responder
        self.limits = limits
        self.loop = loop
        proxies = settings.proxies
        self.log = log.map(QueryLogWriter.init)
        pin = published.pin()
        lists = Wait.allCases.map { wait in
            let time = wait == .message ? settings.tcpIdle : settings.tcpMessageTime
            return WaitingList(time: UInt64(max(0, time / .nanoseconds(1))))
        }
    }

    // MARK: Answers

    /// Once per batch: looks for a new snapshot and at the clocks.
    func refresh() {
        published.refresh(&pin)
        now = MonotonicClock.now
        responder.time = now
        responder.wallTime = WallClock.seconds
    }

    /// Appends the answer to the message of `length` bytes that `input` begins with, its length before it.
    func answer(_ input: inout ByteBuffer, length: Int, from source: Endpoint, into answers: inout ByteBuffer) {
        let sequence = responder.sequence
        let count = unsafe input.withUnsafeReadableBytes { readable in
            unsafe output.withUnsafeMutableBytes { output in
                // `length` bytes are readable: the caller checked it.
                unsafe responder.respond(
                    to: UnsafeRawBufferPointer(rebasing: readable[..<length]).bytes, from: source.address,
                    port: source.port, overTCP: true, snapshot: pin.value, into: output)
            }
        }
        let end = MonotonicClock.now
        responder.counters.count(queries: 1, nanoseconds: end &- now)
        if log?.takes(responder.outcome) == true {
            unsafe output.withUnsafeBytes { output in
                // `count` bytes were written.
                unsafe log?.add(
                    &responder, since: sequence,
                    .init(client: source.address, port: source.port, overTCP: true), query: length,
                    answer: UnsafeRawBufferPointer(rebasing: output[..<count]).bytes, snapshot: pin.value)
            }
            log?.flush(at: end, since: now)
        }
        guard count > 0 else { return }
        answers.writeInteger(UInt16(count))
        answers.writeBytes(output[..<count])
    }

    // MARK: Deadlines

    /// From now on the connection waits for this, and for nothing else.
    func wait(_ connection: TCPConnection, for wait: Wait) {
        end(connection)
        connection.wait = wait
        connection.waitsSince = now
        lists[wait.rawValue].append(connection)
        arm(at: now &+ lists[wait.rawValue].time)
    }

    func end(_ connection: TCPConnection) {
        guard let wait = connection.wait else { return }
        lists[wait.rawValue].remove(connection)
        connection.wait = nil
    }

    private func arm(at deadline: UInt64) {
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.scheduled.cancel()
        }
        let state = NIOLoopBound(self, eventLoop: loop)
        timer = (
            deadline,
            loop.scheduleTask(deadline: .uptimeNanoseconds(deadline)) { state.value.closeLate() }
        )
    }

    private func closeLate() {
        timer = nil
        now = MonotonicClock.now
        for wait in Wait.allCases {
            while let first = lists[wait.rawValue].first, first.waitsSince &+ lists[wait.rawValue].time <= now {
                switch wait {
                case .message: limits.counters.count(.idleClosed)
                case .rest: limits.counters.count(.incompleteClosed)
                case .room: limits.counters.count(.unreadClosed)
                }
                first.close()
            }
        }
        let next = lists.compactMap { list in list.first.map { $0.waitsSince &+ list.time } }.min()
        if let next { arm(at: next) }
    }

    // MARK: Places

    /// A place for a new connection; at the limit the connection of this loop that has been idle for longest makes room,
    /// or else the one that owes us the rest of a message for longest.
    func enter(_ source: IPAddress?) -> Bool {
        switch limits.enter(source) {
        case .taken:
            limits.counters.count(.accepted)
            return true
        case .sourceFull:
            limits.counters.count(.refusedPerSource)
            return false
        case .full:
            guard let victim = lists[Wait.message.rawValue].first ?? lists[Wait.rest.rawValue].first else {
                limits.counters.count(.refusedTotal)
                return false
            }
            victim.close()
            guard case .taken = limits.enter(source) else {
                // Another loop was faster.
                limits.counters.count(.refusedTotal)
                return false
            }
            limits.counters.count(.displaced)
            limits.counters.count(.accepted)
            return true
        }
    }
}

/// Connections that wait for the same thing for the same time, the one that began first in front.
struct WaitingList {
    /// Nanoseconds.
    let time: UInt64
    private(set) var first: TCPConnection?
    private var last: TCPConnection?

    init(time: UInt64) { self.time = time }

    mutating func append(_ connection: TCPConnection) {
        connection.previous = last
        connection.next = nil
        if let last { last.next = connection } else { first = connection }
        last = connection
    }

    mutating func remove(_ connection: TCPConnection) {
        if let next = connection.next { next.previous = connection.previous } else { last = connection.previous }
        if let previous = connection.previous { previous.next = connection.next } else { first = connection.next }
        connection.previous = nil
        connection.next = nil
    }
}
