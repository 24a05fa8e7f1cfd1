import Synchronization

/// Theoretical arrival times by client, for the generic cell rate algorithm (ITU-T I.371; one number per client).
///
/// Sixteen shards, each behind its own lock, so that loops seldom wait for one another. A shard is a set-associative
/// table: eight entries per set. An entry whose time has passed says no more than none and is taken over first. If
/// all eight still count, the shard doubles, up to its limit; at the limit the one whose time comes first is
/// forgotten, and counted: it is the one that has used least of its allowance, so a flood of new addresses does not
/// clear the record of those that exceed their rate.
final class RateTable: Sendable {
    private struct Entry {
        var key: UInt128 = 0
        /// 0: free.
        var arrival: UInt64 = 0
    }

    private struct Shard {
        var entries: [Entry]
        var evictions: UInt64 = 0
        var refused: UInt64 = 0
    }

    private final class Slot: Sendable {
        let shard: Mutex<Shard>
        init(entries: Int) { shard = Mutex(Shard(entries: Array(repeating: Entry(), count: entries))) }
    }

    static let ways = 8
    static let shardCount = 16

    private let slots: [Slot]
    private let seed: UInt64
    private let largestShard: Int

    /// `capacity` is rounded up to a power of two, at least 128; the default takes 2 MiB when full.
    init(seed: UInt64, capacity: Int = 65_536) {
        self.seed = seed
        var largest = Self.ways
        while largest * Self.shardCount < capacity { largest *= 2 }
        largestShard = largest
        slots = (0..<Self.shardCount).map { _ in Slot(entries: min(64, largest)) }
    }

    var evictionCount: UInt64 { slots.reduce(0) { $0 + $1.shard.withLock { $0.evictions } } }
    var refusedCount: UInt64 { slots.reduce(0) { $0 + $1.shard.withLock { $0.refused } } }

    /// Counts one arrival and returns 0, or returns the nanoseconds after which it would pass, 1 or more.
    func admit(_ key: UInt128, interval: UInt64, tolerance: UInt64, now: UInt64) -> UInt64 {
        let hash = hash(key)
        return slots[Int(hash >> 60)].shard.withLock { shard in
            let position = Self.find(key, hash: hash, in: &shard, limit: largestShard, now: now, self)
            let arrival = max(shard.entries[position].arrival, now) + interval
            guard arrival - now <= tolerance else {
                shard.refused += 1
                return arrival - now - tolerance
            }
            shard.entries[position] = Entry(key: key, arrival: arrival)
            return 0
        }
    }

    /// Nanoseconds by which a key's arrivals run ahead of the clock. Counts nothing.
    func lead(of key: UInt128, now: UInt64) -> UInt64 {
        let hash = hash(key)
        return slots[Int(hash >> 60)].shard.withLock { shard in
            let first = Int(hash & UInt64(shard.entries.count / Self.ways - 1)) * Self.ways
            for entry in shard.entries[first..<first + Self.ways] where entry.key == key && entry.arrival > now {
                return entry.arrival - now
            }
            return 0
        }
    }

    /// The position of the key's entry, or of one that it may take.
    private static func find(
        _ key: UInt128, hash: UInt64, in shard: inout Shard, limit: Int, now: UInt64, _ table: RateTable
    ) -> Int {
        while true {
            let first = Int(hash & UInt64(shard.entries.count / ways - 1)) * ways
            var best = first
            for position in first..<first + ways {
                let entry = shard.entries[position]
                if entry.arrival != 0, entry.key == key { return position }
                if entry.arrival < shard.entries[best].arrival { best = position }
            }
            if shard.entries[best].arrival > now {
                if shard.entries.count < limit {
                    table.grow(&shard)
                    continue
                }
                shard.evictions += 1
            }
            shard.entries[best] = Entry()
            return best
        }
    }

    /// Twice as many sets: the next bit of the hash decides which of two an entry goes to, so all fit.
    private func grow(_ shard: inout Shard) {
        var larger = Array(repeating: Entry(), count: shard.entries.count * 2)
        let sets = UInt64(larger.count / Self.ways - 1)
        for entry in shard.entries where entry.arrival != 0 {
            let first = Int(hash(entry.key) & sets) * Self.ways
            var position = first
            while larger[position].arrival != 0 { position += 1 }
            larger[position] = entry
        }
        shard.entries = larger
    }

    private func hash(_ key: UInt128) -> UInt64 {
        let low = SeededGenerator.mix(UInt64(truncatingIfNeeded: key) ^ seed)
        return SeededGenerator.mix(low ^ UInt64(truncatingIfNeeded: key >> 64) ^ seed.byteSwapped)
    }
}
