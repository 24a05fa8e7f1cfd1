package import Addresses
import NIOCore
import Synchronization

/// Where this process's probes of its own listeners come from, so that those do not take them for clients.
///
/// A probe says so before it connects, and the listener that accepts its connection takes the note away. So the notes
/// are few, and a port that is used again is nobody's probe any more.
package final class ProbeSources: Sendable {
    private let notes = Mutex<[Endpoint: NIODeadline]>([:])
    /// As many as there are notes: listeners look here first, without a lock.
    private let count = Atomic<Int>(0)

    /// More than may be on their way at once. A probe beyond it counts as a client.
    static let limit = 4096
    /// How long a connection may wait to be accepted. The kernel keeps a port that a probe closed from others for longer.
    static let patience = TimeAmount.seconds(10)

    init() {}

    func note(_ source: Endpoint, now: NIODeadline = .now()) {
        notes.withLock { notes in
            if notes.count >= Self.limit { notes = notes.filter { now - $0.value < Self.patience } }
            guard notes.count < Self.limit else { return }
            notes[source] = now
            count.store(notes.count, ordering: .releasing)
        }
    }

    /// It did not get as far as a listener.
    func forget(_ source: Endpoint) {
        notes.withLock { notes in
            notes[source] = nil
            count.store(notes.count, ordering: .releasing)
        }
    }

    /// Whether a connection that was accepted is a probe's. The answer is `true` once.
    package func take(_ source: Endpoint) -> Bool { take(source, now: .now()) }

    func take(_ source: Endpoint, now: NIODeadline) -> Bool {
        guard count.load(ordering: .acquiring) > 0 else { return false }
        return notes.withLock { notes in
            guard let time = notes.removeValue(forKey: source) else { return false }
            count.store(notes.count, ordering: .releasing)
            return now - time < Self.patience
        }
    }
}
