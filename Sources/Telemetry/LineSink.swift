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
    /// How often the thread looks for lines, in microseconds: the longest time that a line is held back.
    private static let interval: UInt32 = 50_000

    private struct Waiting {
        var bytes: [UInt8] = []
        var lines: UInt64 = 0
        var dropped: UInt64 = 0
        var failures: UInt64 = 0
        var wantsReopening = false
        var isClosing = false
        var isClosed = false
    }

    private let waiting: Mutex<Waiting>
    private let path: String
    private let rotation: Rotation?
    private let closesDescriptor: Bool
    /// Of the file that is open, and its size.
    private let file: Mutex<(descriptor: Int32, size: Int)>

    /// - Parameters:
    ///   - path: a file to append to, or `-` for standard output.
    ///   - rotation: of a file; standard output has none.
    package init(path: String, rotation: Rotation? = nil) throws(OpenError) {
        var waiting = Waiting()
        waiting.bytes.reserveCapacity(64 << 10)
        self.waiting = Mutex(waiting)
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
        startThread()
    }

    /// Adds lines, each of which ends with a line feed. Callable from any thread; takes a lock for the time of a copy.
    package func append(_ bytes: Span<UInt8>, lines: Int = 1) {
        waiting.withLock { waiting in
            guard !waiting.isClosing, waiting.bytes.count + bytes.count <= Self.capacity else {
                waiting.dropped += UInt64(lines)
                return
            }
            waiting.lines += UInt64(lines)
            unsafe bytes.withUnsafeBufferPointer { unsafe waiting.bytes.append(contentsOf: $0) }
        }
    }

    /// Lines that were taken.
    package var lineCount: UInt64 { waiting.withLock { $0.lines } }
    /// Lines that were not taken because too many waited, or because they came after ``close()``.
    package var droppedCount: UInt64 { waiting.withLock { $0.dropped } }
    /// Writes that failed, and files that could not be opened again or set aside.
    package var failureCount: UInt64 { waiting.withLock { $0.failures } }

    /// Has the file opened again by its path, before the next line is written: somebody has renamed it.
    package func reopen() { waiting.withLock { $0.wantsReopening = true } }

    /// Has everything written and ends the thread; returns when that is done. Lines that come later are dropped.
    package func close() {
        waiting.withLock { $0.isClosing = true }
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

    private func run() {
        var batch: [UInt8] = []
        batch.reserveCapacity(64 << 10)
        while true {
            let (isClosing, reopens) = waiting.withLock { waiting in
                swap(&waiting.bytes, &batch)
                defer { waiting.wantsReopening = false }
                return (waiting.isClosing, waiting.wantsReopening)
            }
            if reopens { openAgain() }
            if batch.isEmpty {
                if isClosing { break }
                usleep(Self.interval)
                continue
            }
            write(batch)
            batch.removeAll(keepingCapacity: batch.capacity <= 1 << 20)
        }
        if closesDescriptor { _ = Glibc.close(file.withLock { $0.descriptor }) }
        waiting.withLock { $0.isClosed = true }
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
