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

    private struct Waiting {
        /// Whole lines, which are written next.
        var chunk: [UInt8] = []
        /// Before it, chunks that are full.
        var full: [[UInt8]] = []
        /// Empty, with their memory.
        var spare: [[UInt8]] = []
        /// In all of them.
        var count = 0
        var sleep = Sleep.none
        var lines: UInt64 = 0
        var dropped: UInt64 = 0
        var failures: UInt64 = 0
        var wantsReopening = false
        var isClosing = false
        var isClosed = false

        /// The chunk is full; the next one begins.
        mutating func turn() {
            full.append(chunk)
            chunk = spare.popLast() ?? []
            chunk.reserveCapacity(LineSink.chunkSize)
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

    private let waiting: Mutex<Waiting>
    private let path: String
    private let rotation: Rotation?
    private let closesDescriptor: Bool
    /// An eventfd that ends the thread's sleep.
    private let wakeup: Int32
    /// Of the file that is open, and its size.
    private let file: Mutex<(descriptor: Int32, size: Int)>

    /// - Parameters:
    ///   - path: a file to append to, or `-` for standard output.
    ///   - rotation: of a file; standard output has none.
    package init(path: String, rotation: Rotation? = nil) throws(OpenError) {
        waiting = Mutex(Waiting())
        self.path = path
        if path == "-" {
            file = Mutex((STDOUT_FILENO, 0))
            closesDescriptor = false
            self.rotation = nil
        } else {
            guard let opened = Self.open(path) else { throw .cannotOpen(path: path, errno: errno) }
            file = Mutex(opened)
            closesDescriptor = true
            self.rotation = rotation
        }
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard wakeup >= 0 else {
            let code = errno
            if closesDescriptor { _ = Glibc.close(file.withLock { $0.descriptor }) }
            throw .cannotOpen(path: path, errno: code)
        }
        startThread()
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
            // A chunk has whole lines, so that a file can be set aside between two chunks.
            if waiting.chunk.count + bytes.count > Self.chunkSize, !waiting.chunk.isEmpty { waiting.turn() }
            unsafe bytes.withUnsafeBufferPointer { unsafe waiting.chunk.append(contentsOf: $0) }
            return waiting.wakes()
        }
        if wakes { wake() }
    }

    package func append(_ lines: borrowing LogLine, lines count: Int = 1) { append(lines.bytes, lines: count) }

    /// Lines that were taken.
    package var lineCount: UInt64 { waiting.withLock { $0.lines } }
    /// Lines that were not taken because too many waited, or because they came after ``close()``.
    package var droppedCount: UInt64 { waiting.withLock { $0.dropped } }
    /// Writes that failed, and files that could not be opened again or set aside.
    package var failureCount: UInt64 { waiting.withLock { $0.failures } }

    /// Has the file opened again by its path, before the next line is written: somebody has renamed it.
    package func reopen() {
        waiting.withLock { $0.wantsReopening = true }
        wake()
    }

    /// Has everything written and ends the thread; returns when that is done. Lines that come later are dropped.
    package func close() {
        waiting.withLock { $0.isClosing = true }
        wake()
        while !waiting.withLock({ $0.isClosed }) { usleep(1000) }
    }

    private func startThread() {
        var thread = pthread_t()
        // The thread's own reference, given back at its end.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let sink = unsafe Unmanaged<LineSink>.fromOpaque(context).takeRetainedValue()
                sink.run()
                return nil
            }, context)
        if result == 0 {
            pthread_detach(thread)
        } else {
            unsafe Unmanaged<LineSink>.fromOpaque(context).release()
            waiting.withLock {
                $0.isClosing = true
                $0.isClosed = true
            }
        }
    }

    // MARK: The thread

    private func run() {
        var chunks: [[UInt8]] = []
        while true {
            let (isClosing, reopens) = waiting.withLock { waiting in
                swap(&waiting.full, &chunks)
                if !waiting.chunk.isEmpty {
                    var last = waiting.spare.popLast() ?? []
                    swap(&last, &waiting.chunk)
                    chunks.append(last)
                }
                waiting.count = 0
                defer { waiting.wantsReopening = false }
                let rests = chunks.isEmpty && !waiting.isClosing && !waiting.wantsReopening
                waiting.sleep = rests ? .untilAny : .none
                return (waiting.isClosing, waiting.wantsReopening)
            }
            if reopens { openAgain() }
            if chunks.isEmpty {
                if isClosing { break }
                if !reopens { sleep(milliseconds: -1) }
            }
            for chunk in chunks { write(chunk) }
            giveBack(&chunks)
            letGather()
        }
        if closesDescriptor { _ = Glibc.close(file.withLock { $0.descriptor }) }
        waiting.withLock { $0.isClosed = true }
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

    private func giveBack(_ chunks: inout [[UInt8]]) {
        waiting.withLock { waiting in
            while var chunk = chunks.popLast() {
                // One that a large line has made larger is not kept.
                guard waiting.spare.count < Self.keptChunks, chunk.capacity <= 2 * Self.chunkSize else { continue }
                chunk.removeAll(keepingCapacity: true)
                waiting.spare.append(chunk)
            }
        }
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

    // MARK: The file. Only the thread comes here.

    private static func open(_ path: String) -> (descriptor: Int32, size: Int)? {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        let isKnown = unsafe fstat(descriptor, &status) == 0
        return (descriptor, isKnown ? Int(status.st_size) : 0)
    }

    /// Goes on with the old file where the new one cannot be had.
    private func openAgain() {
        guard closesDescriptor else { return }
        guard let opened = Self.open(path) else { return fail() }
        file.withLock {
            _ = Glibc.close($0.descriptor)
            $0 = opened
        }
    }

    private func fail() { waiting.withLock { $0.failures += 1 } }

    private func write(_ bytes: [UInt8]) {
        guard let rotation else {
            _ = writeAll(bytes[...])
            return
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let room = rotation.maximumSize - file.withLock { $0.size }
            var part = rest
            if rest.count > room {
                // As many whole lines as fit; none: the next file, and one line at least.
                let last = room > 0 ? rest.prefix(room).lastIndex(of: UInt8(ascii: "\n")) : nil
                if let last {
                    part = rest[...last]
                } else if file.withLock({ $0.size }) > 0 {
                    setAside(rotation)
                    if file.withLock({ $0.size }) == 0 { continue }
                } else {
                    let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex - 1
                    part = rest[...end]
                }
            }
            guard writeAll(part) else { return }
            rest = rest[part.endIndex...]
        }
    }

    /// A file that cannot be renamed is written on.
    private func setAside(_ rotation: Rotation) {
        for number in stride(from: rotation.keep - 1, through: 1, by: -1) {
            // Fails where there are not as many yet.
            _ = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        guard unsafe rename(path, "\(path).1") == 0 else { return fail() }
        openAgain()
    }

    private func writeAll(_ bytes: ArraySlice<UInt8>) -> Bool {
        var offset = 0
        while offset < bytes.count {
            // `offset` stays below the count, and the pointer is used within the closure only.
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    file.withLock { $0.descriptor }, buffer.baseAddress.unsafelyUnwrapped + offset, bytes.count - offset
                )
            }
            if written > 0 {
                offset += written
                file.withLock { $0.size += written }
            } else if errno == EAGAIN {
                usleep(1000)
            } else if errno != EINTR {
                // The disk is full or the reader is gone: nobody can be told here but by the count.
                fail()
                return false
            }
        }
        return true
    }
}
