import CLinux
package import Dispatch
import Glibc
package import NIOCore
import Synchronization
import Telemetry

/// An event loop for plain TCP at the kernel's price: one thread, one epoll instance, edge-triggered.
///
/// SwiftNIO's handlers (TLS, HTTP/2), futures and timers work on it like on SwiftNIO's own loops, because it is an
/// `EventLoop`; what it does differently is the way between the kernel and the first handler: a socket is registered
/// once for good, is read into a buffer that stays in the processor's cache, and is written to without a queue as long
/// as the kernel takes what comes.
///
/// Unchecked: all but ``inbox`` and what is constant is touched on the loop's own thread only.
package final class SocketLoop: EventLoop, @unchecked Sendable {
    /// Unchecked: it runs on the loop only, whoever made it.
    private struct Job: @unchecked Sendable {
        let run: () -> Void
    }

    private struct Inbox {
        var tasks: [Job] = []
        /// The loop was told to look here and has not done so.
        var isAnnounced = false
        var state = State.running
    }

    private enum State {
        case running, stopped
    }

    private struct Slot {
        var source: SocketSource?
        /// Events of a source that had the place before carry another number.
        var generation: UInt32 = 0
    }

    private let inbox = Mutex(Inbox())
    private let epoll: Int32
    private let wakeup: Int32
    private let thread = Atomic<UInt>(0)
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var timers = TimerQueue()
    private let timerNumbers = Atomic<UInt64>(0)
    /// Those with more to read than their turn allowed.
    private var unfinished: [SocketSource] = []
    private var running: [Job] = []
    /// Those to be told when what has happened in this turn was handed out.
    private var turnDelegates: [any TurnDelegate] = []
    private var toldDelegates: [any TurnDelegate] = []
    private var stopped: [((any Error)?) -> Void] = []
    private var receiveBuffer = ByteBuffer()

    /// Sockets that are told about in one call.
    private static let eventsAtOnce: Int32 = 128
    /// Bytes read at once: what a fast peer has ready, with few calls; more would leave the processor's cache.
    static let receiveBytes = 64 << 10

    /// - Throws: when the process has no descriptors left.
    init() throws(SocketError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SocketError(errno) }
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        // What was made so far is closed with this.
        guard wakeup >= 0, clinux_epoll_add(epoll, wakeup, CLINUX_EPOLL_IN, .max) == 0 else {
            throw SocketError(errno)
        }
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeup)
    }

    // MARK: The thread

    func start() {
        // The thread takes over the reference.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        var handle = pthread_t()
        let result = unsafe pthread_create(
            &handle, nil,
            { context in
                // Non-nil: it is the pointer passed below.
                let loop = unsafe Unmanaged<SocketLoop>.fromOpaque(context!).takeRetainedValue()
                loop.run()
                return nil
            }, context)
        precondition(result == 0, "no thread for connections: the process is at its limit")
        pthread_detach(handle)
    }

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Int(Self.eventsAtOnce))
        defer { unsafe events.deallocate() }
        var hasLookedAgain = false
        while true {
            runTasks()
            runTimers()
            if isStopping {
                endTurn()
                if finishStopping() { return }
            }
            var count: Int32 = 0
            // What has come meanwhile belongs to this turn too: to look again costs less than to send twice. But once,
            // so that what is to be sent does not wait for others.
            if !turnDelegates.isEmpty, !hasLookedAgain {
                count = unsafe epoll_wait(epoll, events, Self.eventsAtOnce, 0)
            }
            hasLookedAgain = count > 0
            if count <= 0 {
                endTurn()
                count = unsafe epoll_wait(epoll, events, Self.eventsAtOnce, patience)
            }
            // Only a signal can be the reason.
            guard count > 0 || !unfinished.isEmpty else { continue }
            let again = unfinished
            unfinished.removeAll(keepingCapacity: true)
            for index in 0..<Int(max(count, 0)) {
                let event = unsafe events + index
                unsafe dispatch(clinux_event_key(event), clinux_event_mask(event))
            }
            for source in again { source.proceed() }
        }
    }

    private func dispatch(_ key: UInt64, _ mask: UInt32) {
        guard key != .max else { return drainWakeup() }
        let index = Int(truncatingIfNeeded: key & 0xffff_ffff)
        guard slots[index].generation == UInt32(truncatingIfNeeded: key >> 32) else { return }
        slots[index].source?.ready(mask)
    }

    private func drainWakeup() {
        var value: UInt64 = 0
        _ = unsafe read(wakeup, &value, 8)
    }

    /// Milliseconds until something must be done without an event; -1: never.
    private var patience: Int32 {
        if !unfinished.isEmpty || !running.isEmpty || !turnDelegates.isEmpty { return 0 }
        let hasTasks = inbox.withLock { box in
            if !box.tasks.isEmpty { return true }
            box.isAnnounced = false
            return false
        }
        if hasTasks { return 0 }
        guard let next = timers.next else { return -1 }
        let now = MonotonicClock.now
        guard next > now else { return 0 }
        return Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func runTasks() {
        inbox.withLock { box in
            box.isAnnounced = true
            swap(&box.tasks, &running)
        }
        // What these add waits for the next turn, so that sockets get theirs.
        for task in running { task.run() }
        running.removeAll(keepingCapacity: true)
    }

    private func runTimers() {
        guard let next = timers.next else { return }
        let now = MonotonicClock.now
        guard next <= now else { return }
        while let timer = timers.popDue(now) { timer.run() }
    }

    // MARK: Sources

    /// Tells `source` of everything that happens to its descriptor, from now until it is removed.
    func add(_ source: SocketSource, events: UInt32) throws(SocketError) {
        let index = freeSlots.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        let key = UInt64(slots[index].generation) << 32 | UInt64(index)
        guard clinux_epoll_add(epoll, source.descriptor, events, key) == 0 else {
            let code = errno
            freeSlots.append(index)
            throw SocketError(code)
        }
        slots[index].source = source
        source.slot = index
    }

    /// Asks for other events of a source.
    func change(_ source: SocketSource, events: UInt32) {
        let key = UInt64(slots[source.slot].generation) << 32 | UInt64(source.slot)
        // Cannot fail for a descriptor that is registered.
        _ = clinux_epoll_change(epoll, source.descriptor, events, key)
    }

    /// Events that were collected for it are not delivered any more. The descriptor is closed right after, which takes
    /// it out of epoll's list.
    func remove(_ source: SocketSource) {
        let index = source.slot
        guard index >= 0 else { return }
        source.slot = -1
        slots[index].source = nil
        slots[index].generation &+= 1
        freeSlots.append(index)
    }

    /// Lets `source` go on after the others had their turn.
    func resumeLater(_ source: SocketSource) { unfinished.append(source) }

    /// Tells `delegate` once when all that has happened in this turn was handed out, before the loop waits again:
    /// who collects bytes to be sent then sends them together. On the loop only.
    package func atEndOfTurn(_ delegate: any TurnDelegate) { turnDelegates.append(delegate) }

    private func endTurn() {
        guard !turnDelegates.isEmpty else { return }
        swap(&turnDelegates, &toldDelegates)
        // Those that these add are told in the next turn, which comes at once.
        for delegate in toldDelegates { delegate.turnEnded() }
        toldDelegates.removeAll(keepingCapacity: true)
    }

    /// A buffer to read into. It is the same each time as long as nobody keeps what was read.
    func takeReceiveBuffer() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &receiveBuffer)
        buffer.clear(minimumCapacity: Self.receiveBytes)
        return buffer
    }

    func giveBack(_ buffer: consuming ByteBuffer) { receiveBuffer = buffer }

    // MARK: EventLoop

    package var inEventLoop: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    package var now: NIODeadline { .uptimeNanoseconds(MonotonicClock.now) }

    /// As SwiftNIO's loops do, one that has ended drops what comes; a promise of its could not be kept either.
    package func execute(_ task: @escaping @Sendable () -> Void) { enqueue(task) }

    /// - Parameter refused: called instead, on the caller's thread, when the loop has ended.
    private func enqueue(_ task: @escaping () -> Void, refused: (() -> Void)? = nil) {
        let job = Job(run: task)
        // The loop itself looks here before it waits.
        let isOutside = !inEventLoop
        let (isAccepted, mustWake) = inbox.withLock { box -> (Bool, Bool) in
            guard box.state != .stopped else { return (false, false) }
            box.tasks.append(job)
            guard isOutside else { return (true, false) }
            defer { box.isAnnounced = true }
            return (true, !box.isAnnounced)
        }
        guard isAccepted else {
            refused?()
            return
        }
        guard mustWake else { return }
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the loop wakes anyway.
        _ = unsafe write(wakeup, &one, 8)
    }

    @discardableResult
    package func scheduleTask<T>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        schedule(deadline, task)
    }

    @discardableResult
    package func scheduleTask<T>(
        in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        schedule(now + delay, task)
    }

    private func schedule<T>(_ deadline: NIODeadline, _ task: @escaping () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let number = timerNumbers.wrappingAdd(1, ordering: .relaxed).newValue
        let timer = TimerQueue.Timer(
            deadline: deadline.uptimeNanoseconds, number: number,
            run: {
                do { promise.assumeIsolatedUnsafeUnchecked().succeed(try task()) } catch { promise.fail(error) }
            },
            fail: { promise.fail($0) })
        onLoop {
            if self.isStopping { timer.fail(EventLoopError.cancelled) } else { self.timers.add(timer) }
        }
        return Scheduled(promise: promise, cancellationTask: { self.onLoop { self.timers.cancel(number) } })
    }

    /// At once when called on the loop.
    private func onLoop(_ body: @escaping () -> Void) {
        if inEventLoop { body() } else { enqueue(body) }
    }

    package func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) { enqueue(task) }

    package func _submitIsolatedUnsafeUnchecked<T>(_ task: @escaping () throws -> T) -> EventLoopFuture<T> {
        let promise = makePromise(of: T.self)
        enqueue {
            do { promise.assumeIsolatedUnsafeUnchecked().succeed(try task()) } catch { promise.fail(error) }
        }
        return promise.futureResult
    }

    @discardableResult
    package func _scheduleTaskIsolatedUnsafeUnchecked<T>(
        deadline: NIODeadline, _ task: @escaping () throws -> T
    ) -> Scheduled<T> {
        schedule(deadline, task)
    }

    @discardableResult
    package func _scheduleTaskIsolatedUnsafeUnchecked<T>(
        in delay: TimeAmount, _ task: @escaping () throws -> T
    ) -> Scheduled<T> {
        schedule(now + delay, task)
    }

    package func _preconditionSafeToWait(file: StaticString, line: UInt) {
        precondition(!inEventLoop, "a loop must not wait for itself", file: file, line: line)
    }

    package func _promiseCreated(futureIdentifier: _NIOEventLoopFutureIdentifier, file: StaticString, line: UInt) {}

    package func _promiseCompleted(
        futureIdentifier: _NIOEventLoopFutureIdentifier
    ) -> (file: StaticString, line: UInt)? { nil }

    // MARK: The end

    private var isStopping: Bool { !stopped.isEmpty }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        enqueue {
            self.stopped.append { error in queue.async { callback(error) } }
        } refused: {
            queue.async { callback(nil) }
        }
    }

    /// Closes what is left; `true` when nothing is.
    private func finishStopping() -> Bool {
        for slot in slots { slot.source?.shutdown() }
        for timer in timers.removeAll() { timer.fail(EventLoopError.cancelled) }
        let isDone = inbox.withLock { box in
            guard box.tasks.isEmpty else { return false }
            box.state = .stopped
            return true
        }
        guard isDone else { return false }
        for callback in stopped { callback(nil) }
        stopped = []
        return true
    }
}
