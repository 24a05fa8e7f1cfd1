package import Addresses
package import DNSWire
import Synchronization

/// One answer of a steered name, as it was given.
package struct Decision: Sendable, Hashable {
    /// Monotonic nanoseconds, of the batch that the query came in.
    package var time: UInt64
    package var name: DomainName
    package var type: RecordType
    /// The client's network if the query told it, else the resolver.
    package var client: IPAddress
    /// SOURCE PREFIX-LENGTH; `nil`: `client` is the resolver's own address.
    package var source: UInt8?
    /// SCOPE PREFIX-LENGTH that was answered.
    package var scope: UInt8
    /// Position in `Intent.pools` of the pool that was chosen.
    package var pool: Int?
    package var poolName: String?
}

/// The latest decisions of one thread. It writes them one over the other; readers copy one and check that it did not
/// change meanwhile (a sequence lock), so that the writer never waits.
struct DecisionRing: Sendable {
    static let capacity = 64
    /// An entry fills one cache line: sequence, generation, node and pool, address (two), time, details, unused.
    private static let width = 8
    private let words = CounterArray(count: capacity * width + 1)
    /// How many were written.
    private static let total = capacity * width

    @inline(__always)
    func record(
        generation: UInt64, node: Int, pool: Int32, client: IPAddress, source: UInt8?, scope: UInt8, type: RecordType,
        time: UInt64
    ) {
        let number = words.value(at: Self.total)
        let base = Int(truncatingIfNeeded: number) & (Self.capacity &- 1) &* Self.width
        // Odd while the entry is being written.
        words.set(number &* 2 &+ 1, at: base)
        atomicMemoryFence(ordering: .releasing)
        words.set(generation, at: base &+ 1)
        words.set(
            UInt64(truncatingIfNeeded: node) << 32 | UInt64(UInt32(bitPattern: pool)), at: base &+ 2)
        var details = UInt64(type.rawValue) | UInt64(scope) << 16 | UInt64(source ?? 255) << 24
        switch client {
        case .v4(let value):
            words.set(0, at: base &+ 3)
            words.set(UInt64(value), at: base &+ 4)
        case .v6(let value):
            words.set(UInt64(truncatingIfNeeded: value >> 64), at: base &+ 3)
            words.set(UInt64(truncatingIfNeeded: value), at: base &+ 4)
            details |= 1 << 32
        }
        words.set(time, at: base &+ 5)
        words.set(details, at: base &+ 6)
        words.publish(number &* 2 &+ 2, at: base)
        words.set(number &+ 1, at: Self.total)
    }

    func latest(_ limit: Int, in data: AuthorityData) -> [Decision] {
        var result: [Decision] = []
        let count = words.value(at: Self.total)
        for back in 1...UInt64(Self.capacity) where back <= count && result.count < limit {
            let number = count - back
            let base = Int(number % UInt64(Self.capacity)) * Self.width
            let sequence = words.acquiredValue(at: base)
            let entry = (1...6).map { words.value(at: base + $0) }
            atomicMemoryFence(ordering: .acquiring)
            // Overwritten meanwhile, or of another configuration, whose names are gone.
            guard sequence == number * 2 + 2, words.value(at: base) == sequence, entry[0] == data.generation,
                let name = data.name(ofNode: Int(entry[1] >> 32))
            else { continue }
            let details = entry[5]
            let pool = Int32(bitPattern: UInt32(truncatingIfNeeded: entry[1]))
            let source = UInt8(truncatingIfNeeded: details >> 24)
            result.append(
                Decision(
                    time: entry[4], name: name, type: RecordType(rawValue: UInt16(truncatingIfNeeded: details)),
                    client: details & 1 << 32 == 0
                        ? .v4(UInt32(truncatingIfNeeded: entry[3])) : .v6(UInt128(entry[2]) << 64 | UInt128(entry[3])),
                    source: source == 255 ? nil : source, scope: UInt8(truncatingIfNeeded: details >> 16),
                    pool: pool < 0 ? nil : Int(pool),
                    poolName: pool < 0 || Int(pool) >= data.poolNames.count ? nil : data.poolNames[Int(pool)]))
        }
        return result
    }

    func deallocate() { words.deallocate() }
}
