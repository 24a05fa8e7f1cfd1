import Authority
import DNSService
import DNSWire

/// Decisions about wide IPs so far, by the name that was asked for and by the pool that was chosen.
struct DecisionTotals {
    private(set) var byName: [String: UInt64] = [:]
    private(set) var byPool: [String: UInt64] = [:]

    init(_ counters: [WorkerCounters], _ pairs: PairSlots, _ pools: PoolSlots) {
        guard !counters.isEmpty else { return }
        for (slot, pair) in pairs.pairs.enumerated() {
            let count = counters.reduce(0) { $0 &+ $1.value(pairSlot: slot) }
            byName[pair.wideIP.description, default: 0] &+= count
            byPool[pair.pool, default: 0] &+= count
        }
        // Of names for which there was no place.
        for (slot, pool) in pools.names.enumerated().dropFirst() {
            byPool[pool, default: 0] &+= counters.reduce(0) { $0 &+ $1.value(poolSlot: slot) }
        }
    }
}
