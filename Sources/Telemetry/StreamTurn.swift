import Glibc
import Synchronization

/// Whose turn it is to write to a stream that several logs share: a line is whole before another begins.
final class StreamTurn: Sendable {
    private let lock = Mutex(())

    /// Of standard output and standard error: one where both lead to the same pipe, socket or terminal.
    static let output = StreamTurn()
    static let error = leadToSame(STDOUT_FILENO, STDERR_FILENO) ? output : StreamTurn()

    func take<Result>(_ body: () -> sending Result) -> sending Result { lock.withLock { _ in body() } }

    private static func leadToSame(_ one: Int32, _ other: Int32) -> Bool {
        var (first, second) = (stat(), stat())
        guard unsafe fstat(one, &first) == 0, unsafe fstat(other, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
}
