import CLinux
import Glibc
import Synchronization

/// Writes log lines in a thread of its own, so that nobody who logs ever waits for a disk or a pipe. Its buffer is
/// bounded: lines that do not fit are dropped and counted.
package final class LineSink: Sendable {
    package enum OpenError: Error, CustomStringConvertible {
        case cannotOpen(path: String, errno: Int32)

        package var description: String {
            switch self {
            case .cannotOpen(let path, let code):
                "cannot open \(path) for writing: \(unsafe String(cString: strerror(code)))"
            }
        }
    }

    /// Sets a file aside before it grows beyond a size: `log` becomes `log.1`, that `log.2`, and so on.
    package struct Rotation: Sendable, Hashable {
        package var maximumSize: Int
        /// Files set aside that are kept, 1 at least.
        package var keep: Int

        package init(maximumSize: Int, keep: Int) {
            self.maximumSize = maximumSize
            self.keep = keep
        }
    }

    /// Bytes that may wait to be written.
    package static let capacity = 4 << 20
    /// Bytes that are gathered for one write: few writes, and still warm in the processor's cache when they are written.
    private static let chunkSize = 256 << 10
    /// Emptied chunks that are kept for the next lines; more are given back.
    private static let keptChunks = 2
    /// Milliseconds that the thread lets lines gather: the longest time that a line is held back.
    private static let interval: Int32 = 50

    /// What the thread waits for. Who appends lines wakes it, at most once for each time that it goes to sleep.
    private enum Sleep {
        /// It is awake, or has been woken.
        case none
        /// For a full chunk, or until the interval has passed.
        case untilFull
        /// For any line: there were none for an interval.
        case untilAny
    }

    /// Whole lines, so that a file can be set aside between two of them.
    private struct Chunk {
        var bytes: [UInt8] = []
        var lines = 0
    }

    private struct Waiting {
        /// Is written next, after those that are full.
        var chunk = Chunk()
        var full: [Chunk] = []
        /// Empty, with their memory.
        var spare: [[UInt8]] = []
        /// Bytes of lines that were taken and are not written, also of those that the thread has in hand.
        var count = 0
        var sleep = Sleep.none
        var lines: UInt64 = 0
        /// Of those that were taken: what became of them is known.
        var settled: UInt64 = 0
        var dropped: UInt64 = 0
        var failures: UInt64 = 0
        var wantsReopening = false
        /// Monotonic nanoseconds at which what is left is given up; `nil`: it is not closing.
        var closesBy: UInt64?
        var isClosed = false

        var isClosing: Bool { closesBy != nil }

        /// The chunk is full; the next one begins.
        mutating func turn() {
            full.append(chunk)
            chunk = Chunk(bytes: spare.popLast() ?? [])
            chunk.bytes.reserveCapacity(LineSink.chunkSize)
        }

        /// No more is written. What was not, is lost.
        mutating func end() {
            guard !isClosed else { return }
            dropped += lines - settled
            settled = lines
            isClosed = true
        }

        /// Whether the thread is to be woken, which then is done once.
        mutating func wakes() -> Bool {
            switch sleep {
            case .none: return false
            case .untilFull: guard !full.isEmpty else { return false }
            case .untilAny: break
            }
            sleep = .none
            return true
        }
    }

    private let waiting = Mutex(Waiting())
    /// An eventfd that ends the thread's sleep.
    private let wakeup: Int32
    /// The thread's alone: who else takes the lock may wait for a disk.
    private let file: Mutex<LineFile>

    /// The end of a log may wait for so long for its disk or its reader.
    package static let patience = Duration.seconds(5)
    /// Nanoseconds more in which the thread says what became of its lines, unless the system does not come back.
    private static let grace: UInt64 = 500_000_000

    /// - Parameters:
    ///   - path: a file to append to, or `-` for standard output.
    ///   - rotation: of a regular file; others have none.
    package init(path: String, rotation: Rotation? = nil) throws(OpenError) {
        let opened = try LineFile(path: path, rotation: rotation)
        file = Mutex(opened)
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard wakeup >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        // The thread holds this until its end.
        if !DetachedThread.start({ [self] in run() }) {
            waiting.withLock {
                $0.closesBy = 0
                $0.end()
            }
        }
    }

    deinit { _ = Glibc.close(wakeup) }

    /// Adds lines, each of which ends with a line feed. Callable from any thread; takes a lock for the time of a copy.
    package func append(_ bytes: Span<UInt8>, lines: Int = 1) {
        let wakes = waiting.withLock { waiting in
            guard !waiting.isClosing, waiting.count + bytes.count <= Self.capacity else {
                waiting.dropped += UInt64(lines)
                return false
            }
            waiting.lines += UInt64(lines)
            waiting.count += bytes.count
            if waiting.chunk.bytes.count + bytes.count > Self.chunkSize, !waiting.chunk.bytes.isEmpty {
                waiting.turn()
            }
            unsafe bytes.withUnsafeBufferPointer { unsafe waiting.chunk.bytes.append(contentsOf: $0) }
            waiting.chunk.lines += lines
            return waiting.wakes()
        }
        if wakes { wake() }
    }

    package func append(_ lines: borrowing LogLine, lines count: Int = 1) { append(lines.bytes, lines: count) }

    /// Lines that were taken.
    package var lineCount: UInt64 { waiting.withLock { $0.lines } }
    /// Lines that are not in the file: because too many waited, because they came after the end, or because they could not
    /// be written.
    package var droppedCount: UInt64 { waiting.withLock { $0.dropped } }
    /// Writes that failed, and files that could not be opened again or set aside.
    package var failureCount: UInt64 { waiting.withLock { $0.failures } }

    /// No line is taken any more, and what became of those that were is known.
    package var isClosed: Bool { waiting.withLock { $0.isClosed } }

    /// Has the file opened again by its path, before the next line is written: somebody has renamed it.
    package func reopen() {
        waiting.withLock { $0.wantsReopening = true }
        wake()
    }

    // MARK: The end

    /// Takes no more lines, has those that were taken written, and ends the thread. Waits for none of it.
    ///
    /// - Parameter limit: of the time for that; what is not written by then is dropped.
    package func finish(within limit: Duration = patience) {
        let end = MonotonicClock.now + UInt64(max(0, limit / .nanoseconds(1)))
        waiting.withLock { $0.closesBy = min($0.closesBy ?? .max, end) }
        wake()
    }

    /// Finishes, and waits for that: hardly longer than the limit, even where the system does not come back from a write.
    /// For those who may block.
    package func close(within limit: Duration = patience) {
        finish(within: limit)
        while true {
            let isOver = waiting.withLock { waiting in
                if let end = waiting.closesBy, MonotonicClock.now >= end + Self.grace { waiting.end() }
                return waiting.isClosed
            }
            if isOver { return }
            // At the end of a log only, in a thread that may block; nothing could wake it from a write that hangs.
            usleep(1000)
        }
    }

    /// Finishes, and waits for that in a thread of its own.
    package func close(within limit: Duration = patience) async {
        await withCheckedContinuation { continuation in
            let isWaitedFor = DetachedThread.start { [self] in
                close(within: limit)
                continuation.resume()
            }
            guard !isWaitedFor else { return }
            finish(within: limit)
            continuation.resume()
        }
    }

    // MARK: The thread

    private func run() {
        var chunks: [Chunk] = []
        while true {
            let (isClosing, reopens) = waiting.withLock { waiting in
                swap(&waiting.full, &chunks)
                if !waiting.chunk.bytes.isEmpty {
                    chunks.append(waiting.chunk)
                    waiting.chunk = Chunk(bytes: waiting.spare.popLast() ?? [])
                }
                defer { waiting.wantsReopening = false }
                let rests = chunks.isEmpty && !waiting.isClosing && !waiting.wantsReopening
                waiting.sleep = rests ? .untilAny : .none
                return (waiting.isClosing, waiting.wantsReopening)
            }
            if reopens { note(file.withLock { $0.openAgain(now: MonotonicClock.now) }) }
            if chunks.isEmpty {
                if isClosing { break }
                if !reopens { sleep(milliseconds: -1) }
            }
            // One after the other is let go of: what is written makes room for others.
            chunks.reverse()
            while let chunk = chunks.popLast() {
                guard mayWrite else { break }
                let outcome = file.withLock { file in
                    file.write(chunk.bytes, now: MonotonicClock.now, while: { mayWrite })
                }
                settle(chunk, outcome)
            }
            guard mayWrite else { break }
            letGather()
        }
        waiting.withLock { $0.end() }
    }

    /// Whether the time for it is not over.
    private var mayWrite: Bool {
        waiting.withLock { waiting in
            guard let end = waiting.closesBy else { return true }
            return !waiting.isClosed && MonotonicClock.now < end
        }
    }

    /// The chunk is written, as far as it could be.
    private func settle(_ chunk: consuming Chunk, _ outcome: LineFile.Outcome) {
        note(outcome)
        var memory = chunk.bytes
        let (count, lines) = (memory.count, chunk.lines)
        chunk.bytes = []
        memory.removeAll(keepingCapacity: true)
        waiting.withLock { waiting in
            waiting.count -= count
            // Who closed this has counted them already.
            guard !waiting.isClosed else { return }
            waiting.settled += UInt64(lines)
            waiting.dropped += UInt64(outcome.lost)
            // One that a large line has made larger is not kept.
            guard waiting.spare.count < Self.keptChunks, memory.capacity <= 2 * Self.chunkSize else { return }
            waiting.spare.append(memory)
        }
    }

    private func note(_ outcome: LineFile.Outcome) {
        guard outcome.failures > 0 else { return }
        waiting.withLock { $0.failures += UInt64(outcome.failures) }
    }

    /// Waits until it is worth to write: the interval has passed, a chunk is full, or somebody asks for something else.
    private func letGather() {
        let waits = waiting.withLock { waiting in
            guard waiting.full.isEmpty, !waiting.isClosing, !waiting.wantsReopening else { return false }
            waiting.sleep = .untilFull
            return true
        }
        if waits { sleep(milliseconds: Self.interval) }
    }

    private func sleep(milliseconds: Int32) {
        var waited = pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&waited, 1, milliseconds)
        var count: UInt64 = 0
        // Nothing to read after the interval. Somebody who woke the thread at its end is not heard twice.
        _ = unsafe read(wakeup, &count, 8)
    }

    private func wake() {
        var one: UInt64 = 1
        // Fails only where the thread has been woken 2^64 times.
        _ = unsafe Glibc.write(wakeup, &one, 8)
    }
}
