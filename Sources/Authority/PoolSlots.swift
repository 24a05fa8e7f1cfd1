import Synchronization

/// Gives each pool, by name, a place in the counters that it keeps over reloads.
package final class PoolSlots: Sendable {
    /// More pools than a node is likely to see in its life; those beyond share place 0. Bounded, because places are never
    /// given back: the counters of all workers have this size.
    package static let capacity = 4096

    private struct State {
        var slots: [String: UInt32] = [:]
        var names: [String] = ["(other)"]
    }
    private let state = Mutex(State())

    package init() {}

    func slot(of name: String) -> UInt32 {
        state.withLock { state in
            if let slot = state.slots[name] { return slot }
            guard state.names.count < Self.capacity else { return 0 }
            let slot = UInt32(state.names.count)
            state.slots[name] = slot
            state.names.append(name)
            return slot
        }
    }

    /// The names, by place.
    package var names: [String] { state.withLock { $0.names } }
}
