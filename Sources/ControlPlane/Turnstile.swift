import DequeModule
import Synchronization

/// Lets so many in at a time, in the order they came: an actor alone does not, for others run while one waits.
package final class Turnstile: Sendable {
    /// Who waits for a change longer than this line takes is better told to come again: operators' tools that try again
    /// and again would otherwise pile up behind a slow reload.
    static let changeLine = 64

    private struct State {
        var free: Int
        var waiting: Deque<CheckedContinuation<Void, Never>> = []
        var refused: UInt64 = 0
    }

    private let state: Mutex<State>
    private let lineLimit: Int

    /// - Parameters:
    ///   - places: how many may be in at once.
    ///   - line: how many may wait.
    package init(places: Int = 1, line: Int) {
        state = Mutex(State(free: places))
        lineLimit = line
    }

    /// Those that were turned away since the start.
    package var refusedCount: UInt64 { state.withLock { $0.refused } }

    /// Returns when the caller's turn has come; ``leave()`` must follow. `false` at once, without a turn, when the line
    /// is full.
    package func enter() async -> Bool { await enter(limit: lineLimit) }

    /// Waits however long the line is: for what the node does itself, one at a time.
    func enterAnyway() async { _ = await enter(limit: .max) }

    private func enter(limit: Int) async -> Bool {
        var isTurnedAway = false
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
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

    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty { state.free += 1 }
            return state.waiting.popFirst()
        }
        next?.resume()
    }
}
