import Synchronization

/// Whether a thread is at work, and since when: for those who look after it. A store at the beginning and one at the end of
/// a batch.
final class ThreadPulse: Sendable {
    /// Nanoseconds. A batch takes a millisecond at most; a machine that is very busy may not run a thread for a while.
    static let limit: UInt64 = 5_000_000_000

    /// Monotonic nanoseconds; 0: it waits for something to do.
    private let since = Atomic<UInt64>(0)

    @inline(__always)
    func begin(_ now: UInt64) { since.store(now, ordering: .relaxed) }

    @inline(__always)
    func end() { since.store(0, ordering: .relaxed) }

    /// The thread ended, and should not have.
    func stop() { since.store(1, ordering: .relaxed) }

    /// Whether it has been at one batch for longer than can be.
    func isStuck(now: UInt64) -> Bool {
        let since = since.load(ordering: .relaxed)
        return since > 0 && now > since && now - since > Self.limit
    }
}
