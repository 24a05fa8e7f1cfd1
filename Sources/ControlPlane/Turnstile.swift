import DequeModule
import Synchronization

/// Lets so many in at a time, in the order they came: an actor alone does not, for others run while one waits.
package final class Turnstile: Sendable {
    /// Who waits for a change longer than this line takes is better told to come again: operators' tools that try again
    /// and again would otherwise pile up behind a slow reload.
    static let changeLine = 64

    /// What became of somebody who wanted to enter.
    package enum Entry: Sendable {
        /// His turn has come; ``leave()`` must follow.
        case entered
        /// The line is full: turned away at once.
        case full
        /// He left the line before his turn: his task was cancelled, or nobody waits for it any more.
        case gone
    }

    private struct Waiting {
        var ticket: UInt64
        var continuation: CheckedContinuation<Entry, Never>
    }

    private struct State {
        var free: Int
        var tickets: UInt64 = 0
        var waiting: Deque<Waiting> = []
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

    /// How many stand in the line.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Waits for the caller's turn, for as long as the task is not cancelled and its ``Presence`` has not ended. A place
    /// that is free is taken in any case.
    package func enter() async -> Entry {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        let presence = Presence.current
        let watcher = presence?.watch { self.giveUp(ticket) }
        defer { if let watcher { presence?.unwatch(watcher) } }
        return await withTaskCancellationHandler {
            await stand(ticket, limit: lineLimit) { Task.isCancelled || presence?.hasEnded ?? false }
        } onCancel: {
            giveUp(ticket)
        }
    }

    /// Waits however long the line is, and is not to be called out of it: for what the node does itself, one at a time.
    func enterAnyway() async { _ = await stand(0, limit: .max) { false } }

    private func stand(_ ticket: UInt64, limit: Int, isGone: () -> Bool) async -> Entry {
        await withCheckedContinuation { continuation in
            let entry: Entry? = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return .entered
                }
                // Asked in here: who goes away after this finds his ticket in the line.
                guard !isGone() else { return .gone }
                guard state.waiting.count < limit else {
                    state.refused += 1
                    return .full
                }
                state.waiting.append(Waiting(ticket: ticket, continuation: continuation))
                return nil
            }
            if let entry { continuation.resume(returning: entry) }
        }
    }

    private func giveUp(_ ticket: UInt64) {
        let waiting = state.withLock { state -> Waiting? in
            guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: place)
        }
        waiting?.continuation.resume(returning: .gone)
    }

    package func leave() {
        let next = state.withLock { state -> Waiting? in
            if state.waiting.isEmpty { state.free += 1 }
            return state.waiting.popFirst()
        }
        next?.continuation.resume(returning: .entered)
    }
}
