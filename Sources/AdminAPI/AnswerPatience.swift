import NIOCore

/// Judges how a client takes an answer that does not go out at once: one that takes it slowly is waited for, one that takes
/// next to nothing is not.
struct AnswerPatience {
    struct Limits: Sendable {
        /// How long a client has to take ``least`` more of an answer.
        var window = TimeAmount.seconds(60)
        /// Bytes. Where less waits than that, all of it.
        var least = 16 * 1024
        /// How long an answer may take in all: 3 MB at 5 kB a second.
        var total = TimeAmount.minutes(10)
    }

    private let limits: Limits
    private let end: NIODeadline
    private var windowEnd: NIODeadline
    /// Bytes that waited when the window began.
    private var mark: Int

    /// - Parameter waiting: bytes that the client has not taken.
    init(_ limits: Limits, waiting: Int, now: NIODeadline) {
        self.limits = limits
        end = now + limits.total
        windowEnd = now + limits.window
        mark = waiting
    }

    /// When to look next.
    var next: NIODeadline { min(windowEnd, end) }

    /// More waits than before.
    mutating func add(_ bytes: Int) { mark += bytes }

    /// Whether to wait on; call it at ``next``.
    mutating func goesOn(waiting: Int, now: NIODeadline) -> Bool {
        guard now < end, mark - waiting >= min(limits.least, mark) else { return false }
        mark = waiting
        windowEnd = now + limits.window
        return true
    }
}
