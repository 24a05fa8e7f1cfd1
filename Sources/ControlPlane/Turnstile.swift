import Synchronization

/// Lets one in at a time, in the order they came: an actor alone does not, for others run while one waits.
final class Turnstile: Sendable {
    /// Who waits longer than this line takes is better told to come again: operators' tools that try again and again
    /// would otherwise pile up behind a slow reload.
    static let lineLimit = 64

    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var refused: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Those that were turned away since the start.
    var refusedCount: UInt64 { state.withLock { $0.refused } }

    /// Returns when the caller's turn has come; ``leave()`` must follow. `false` at once, without a turn, when the line
    /// is full.
    func enter() async -> Bool { await enter(limit: Self.lineLimit) }

    /// Waits however long the line is: for what the node does itself, one at a time.
    func enterAnyway() async { _ = await enter(limit: .max) }

    private func enter(limit: Int) async -> Bool {
        var isTurnedAway = false
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                guard state.isTaken else {
                    state.isTaken = true
                    return true
                }
                guard state.waiting.count < limit else {
                    state.refused += 1
                    isTurnedAway = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayGo { continuation.resume() }
        }
        return !isTurnedAway
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
