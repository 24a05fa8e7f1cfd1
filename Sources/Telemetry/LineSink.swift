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

    /// Bytes that may wait to be written.
    package static let capacity = 4 << 20
    /// How often the thread looks for lines, in microseconds: the longest time that a line is held back.
    private static let interval: UInt32 = 50_000

    private struct Waiting {
        var bytes: [UInt8] = []
        var dropped: UInt64 = 0
        var isClosing = false
        var isClosed = false
    }

    private let waiting: Mutex<Waiting>
    private let descriptor: Int32
    private let closesDescriptor: Bool

    /// - Parameter path: a file to append to, or `-` for standard output.
    package init(path: String) throws(OpenError) {
        var waiting = Waiting()
        waiting.bytes.reserveCapacity(64 << 10)
        self.waiting = Mutex(waiting)
        if path == "-" {
            descriptor = STDOUT_FILENO
            closesDescriptor = false
        } else {
            let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
            guard opened >= 0 else { throw .cannotOpen(path: path, errno: errno) }
            descriptor = opened
            closesDescriptor = true
        }
        startThread()
    }

    /// Adds bytes that end with a line feed. Callable from any thread; takes a lock for the time of a copy.
    package func append(_ line: Span<UInt8>) {
        waiting.withLock { waiting in
            guard !waiting.isClosing, waiting.bytes.count + line.count <= Self.capacity else {
                waiting.dropped += 1
                return
            }
            unsafe line.withUnsafeBufferPointer { unsafe waiting.bytes.append(contentsOf: $0) }
        }
    }

    /// Lines that were not written because too many waited, or because they came after ``close()``.
    package var droppedCount: UInt64 { waiting.withLock { $0.dropped } }

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
            let isClosing = waiting.withLock { waiting in
                swap(&waiting.bytes, &batch)
                return waiting.isClosing
            }
            if batch.isEmpty {
                if isClosing { break }
                usleep(Self.interval)
                continue
            }
            write(batch)
            batch.removeAll(keepingCapacity: batch.capacity <= 1 << 20)
        }
        if closesDescriptor { _ = Glibc.close(descriptor) }
        waiting.withLock { $0.isClosed = true }
    }

    private func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            // `offset` stays below the count, and the pointer is used within the closure only.
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.unsafelyUnwrapped + offset, bytes.count - offset)
            }
            if written > 0 {
                offset += written
            } else if errno == EAGAIN {
                usleep(1000)
            } else if errno != EINTR {
                // The disk is full or the reader is gone: nobody can be told here but by the count.
                waiting.withLock { $0.dropped += 1 }
                return
            }
        }
    }
}
