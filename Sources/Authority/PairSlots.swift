package import DNSWire
import FlatTables
import Synchronization
import TrafficModel

/// Gives each wide IP with each of its pools, by name, a place in the counters that it keeps over reloads.
package final class PairSlots: Sendable {
    /// Pairs that are counted by themselves; those beyond are counted by their pools alone. Bounded for the same reason
    /// as ``PoolSlots/capacity``, and because each is a series for those who scrape.
    package static let capacity = 16_384

    package struct Pair: Sendable, Hashable {
        package let wideIP: DomainName
        package let pool: String
    }

    private struct State {
        var slots: [Pair: UInt32] = [:]
        var pairs: [Pair] = []
    }
    private let state = Mutex(State())

    package init() {}

    /// `nil`: there are as many as there may be.
    func slot(of pair: Pair) -> UInt32? {
        state.withLock { state in
            if let slot = state.slots[pair] { return slot }
            guard state.pairs.count < Self.capacity else { return nil }
            let slot = UInt32(state.pairs.count)
            state.slots[pair] = slot
            state.pairs.append(pair)
            return slot
        }
    }

    /// The pairs, by place.
    package var pairs: [Pair] { state.withLock { $0.pairs } }
}

/// Where the counters of each wide IP with its pools are, in one configuration.
struct PairTable: Sendable {
    struct Entry: BitwiseCopyable {
        var pool: Int32
        var slot: UInt32
    }

    private let entries: FlatTable<Entry>
    /// Where the entries of each wide IP begin, and the end of the last. Wide IPs beyond have none.
    private let starts: FlatTable<UInt32>

    init(_ intent: Intent, _ slots: PairSlots) {
        var entries: [Entry] = []
        var starts: [UInt32] = [0]
        for wideIP in intent.wideIPs where entries.count < PairSlots.capacity {
            for pool in wideIP.pools {
                guard let slot = slots.slot(of: .init(wideIP: wideIP.name, pool: intent.pools[pool].name)) else {
                    continue
                }
                entries.append(Entry(pool: Int32(pool), slot: slot))
            }
            starts.append(UInt32(entries.count))
        }
        self.entries = FlatTable(entries)
        self.starts = FlatTable(starts)
    }

    /// A wide IP has few pools, and most clients get one of the first.
    @inline(__always)
    func slot(wideIP: Int, pool: Int32) -> Int? {
        guard wideIP &+ 1 < starts.count else { return nil }
        var index = Int(starts[wideIP])
        let end = Int(starts[wideIP &+ 1])
        while index < end {
            let entry = entries[index]
            if entry.pool == pool { return Int(entry.slot) }
            index &+= 1
        }
        return nil
    }

    func deallocate() {
        entries.deallocate()
        starts.deallocate()
    }
}
