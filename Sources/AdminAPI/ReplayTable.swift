import Synchronization

/// Answers to changes that came with a key, so that one that is sent again is not made again.
///
/// It is in memory and bounded in entries, in bytes and in time; at a bound the oldest answers are forgotten. Who tries
/// again within a day, and is not one of thousands, is known.
final class ReplayTable: Sendable {
    static let lifetime = Duration.seconds(24 * 3600)
    static let capacity = 4096
    /// Of all bodies together.
    static let byteLimit = 8 << 20
    /// Longer keys are refused.
    static let keyLimit = 128

    struct Answer: Sendable {
        var status: Int
        var contentType: String?
        var body: [UInt8]
    }

    /// Whose key it is, and the key.
    struct Key: Hashable, Sendable {
        var owner: String
        var key: String
    }

    enum Verdict: Sendable {
        /// It is new: make it, then call ``finish(_:with:)``.
        case go
        case replay(Answer)
        /// The key was given to another request.
        case other
        /// The same request is being made.
        case busy
        /// All places are taken by requests that are being made.
        case full
    }

    private struct Entry {
        var fingerprint: [UInt8]
        var answer: Answer?
        var began: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var bytes = 0
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let byteLimit: Int

    init(capacity: Int = ReplayTable.capacity, byteLimit: Int = ReplayTable.byteLimit) {
        self.capacity = capacity
        self.byteLimit = byteLimit
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// - Parameter fingerprint: of all that makes the request what it is.
    func begin(_ key: Key, fingerprint: [UInt8], now: ContinuousClock.Instant = .now) -> Verdict {
        state.withLock { state in
            if let known = state.entries[key], known.answer == nil || now - known.began <= Self.lifetime {
                guard known.fingerprint == fingerprint else { return .other }
                return known.answer.map { .replay($0) } ?? .busy
            }
            Self.forget(key, &state)
            if state.entries.count >= capacity {
                for (old, entry) in state.entries where entry.answer != nil && now - entry.began > Self.lifetime {
                    Self.forget(old, &state)
                }
                if state.entries.count >= capacity { Self.forgetOldest(&state) }
            }
            guard state.entries.count < capacity else { return .full }
            state.entries[key] = Entry(fingerprint: fingerprint, answer: nil, began: now)
            return .go
        }
    }

    /// - Parameter answer: `nil`: the request may be tried again as if it had not been made.
    func finish(_ key: Key, with answer: Answer?) {
        state.withLock { state in
            guard let answer, answer.body.count <= byteLimit else { return Self.forget(key, &state) }
            while state.bytes + answer.body.count > byteLimit, Self.forgetOldest(&state) {}
            guard state.bytes + answer.body.count <= byteLimit, state.entries[key] != nil else {
                return Self.forget(key, &state)
            }
            state.entries[key]?.answer = answer
            state.bytes += answer.body.count
        }
    }

    private static func forget(_ key: Key, _ state: inout State) {
        guard let entry = state.entries.removeValue(forKey: key) else { return }
        state.bytes -= entry.answer?.body.count ?? 0
    }

    @discardableResult
    private static func forgetOldest(_ state: inout State) -> Bool {
        guard
            let oldest = state.entries.lazy.filter({ $0.value.answer != nil }).min(by: {
                $0.value.began < $1.value.began
            })
        else { return false }
        forget(oldest.key, &state)
        return true
    }
}
