import Synchronization

/// Whether somebody still waits for what is done for him; it goes with the task that does it. Who has gone away is not
/// kept in lines: what he asked for is not done behind his back when its turn comes much later.
package final class Presence: Sendable {
    @TaskLocal package static var current: Presence?

    private struct State {
        var hasEnded = false
        var next = 0
        var watchers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// He has gone away, for good.
    package func end() {
        let watchers = state.withLock { state in
            state.hasEnded = true
            return state.watchers.values
        }
        for watcher in watchers { watcher() }
    }

    /// Has something done when he goes away, until ``unwatch(_:)``. Who had gone before is told by ``hasEnded``.
    func watch(_ action: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.next += 1
            state.watchers[state.next] = action
            return state.next
        }
    }

    func unwatch(_ watcher: Int) { state.withLock { $0.watchers[watcher] = nil } }

    /// How many have something done when he goes away.
    var watcherCount: Int { state.withLock { $0.watchers.count } }
}
