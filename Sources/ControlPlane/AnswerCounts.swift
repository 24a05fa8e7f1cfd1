import Authority
import DNSService
import DNSWire

/// Answers of steered names so far, by the name that was asked for and by the pool that was chosen. They only rise.
package struct AnswerCounts: Sendable, Hashable {
    package var pools: [String: UInt64] = [:]
    package var wideIPs: [String: UInt64] = [:]

    package init() {}

    init(_ counters: [WorkerCounters], _ pairs: PairSlots, _ pools: PoolSlots) {
        guard !counters.isEmpty else { return }
        for (slot, pair) in pairs.pairs.enumerated() {
            let count = counters.reduce(0) { $0 &+ $1.value(pairSlot: slot) }
            wideIPs[pair.wideIP.description, default: 0] &+= count
            self.pools[pair.pool, default: 0] &+= count
        }
        // Of names for which there was no place; the first slot is of no pool.
        for (slot, pool) in pools.names.enumerated().dropFirst() {
            self.pools[pool, default: 0] &+= counters.reduce(0) { $0 &+ $1.value(poolSlot: slot) }
        }
    }
}
