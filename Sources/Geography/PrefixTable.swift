package import Addresses
import FlatTables

/// Finds the value of an address and the size of its surroundings, without allocation.
///
/// Built once per snapshot from a `RangeMap` and then shared by all threads. A look-up is two steps into an index by
/// the address's first bits and a search over the few ranges that begin there.
package final class PrefixTable: Sendable {
    /// What look-ups read. It counts no references: whoever keeps it keeps the table too.
    package struct Index: BitwiseCopyable, Sendable {
        fileprivate let v4: RangeIndex<UInt32>
        fileprivate let v6: RangeIndex<UInt128>
    }

    package let index: Index

    package init(_ ranges: RangeMap) { index = Index(v4: RangeIndex(ranges.v4), v6: RangeIndex(ranges.v6)) }

    deinit {
        index.v4.deallocate()
        index.v6.deallocate()
    }

    package struct Match: Hashable, Sendable {
        package let value: UInt32
        /// Length of the widest network around the address in which every address of its family has this value: what
        /// an EDNS Client Subnet response has as SCOPE PREFIX-LENGTH (RFC 7871 section 6). 0 when the whole family
        /// has one value.
        package let length: UInt8
    }

    package func lookup(_ address: IPAddress) -> Match { index.lookup(address) }

    /// Ranges of both families together: neighbours differ in their value.
    package var count: Int { index.v4.starts.count + index.v6.starts.count }
}

extension PrefixTable.Index {
    /// An IPv4-mapped IPv6 address gets the match of its IPv4 address, 96 bits longer.
    package func lookup(_ address: IPAddress) -> PrefixTable.Match {
        switch address {
        case .v4(let key):
            return v4.lookup(key)
        case .v6(let key):
            guard key >> 32 == 0xffff else { return v6.lookup(key) }
            let match = v4.lookup(UInt32(truncatingIfNeeded: key))
            return PrefixTable.Match(value: match.value, length: match.length + 96)
        }
    }
}

/// A list of ranges with an index in two levels: by the first bits, and in crowded parts by as many further bits as
/// leave a few ranges to search. Allocated IPv6 space is a small and crowded part of the whole.
private struct RangeIndex<Key: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: BitwiseCopyable,
    Sendable
{
    struct Bucket: BitwiseCopyable {
        let cell: UInt32
        let bits: UInt32
    }

    /// The list's ranges and their values.
    let starts: FlatTable<Key>
    private let values: FlatTable<UInt32>
    /// For each cell of the index in the order of the keys, the range that its lowest key is in; then once more the
    /// last range. A cell's ranges end with the one that the next cell begins in.
    private let cells: FlatTable<UInt32>
    /// For each value of the first bits, its first cell and how many further bits choose among its cells.
    private let buckets: FlatTable<Bucket>
    /// How far a key is shifted to leave its first bits.
    private let shift: Int

    /// 65,536 buckets of 8 bytes at most.
    private static var mostFirstBits: Int { 16 }
    private static var mostFurtherBits: Int { 16 }
    /// Fewer ranges than this are searched as they are.
    private static var crowd: Int { 8 }

    init(_ list: RangeList<Key>) {
        let starts = list.starts
        self.starts = FlatTable(starts)
        values = FlatTable(list.values)
        // About one bucket per range.
        let firstBits = min(Self.mostFirstBits, Int.bitWidth - starts.count.leadingZeroBitCount)
        shift = Key.bitWidth - firstBits
        var cells: [UInt32] = []
        var buckets: [Bucket] = []
        buckets.reserveCapacity(1 << firstBits)
        var position = 0
        var end = 0
        for bucket in 0..<(1 << firstBits) {
            let lowest = Key(bucket) << Key(shift)
            let highest = lowest | (Key.max >> Key(firstBits))
            while end < starts.count, starts[end] <= highest { end += 1 }
            let inside = end - position
            let bits = inside < Self.crowd ? 0 : min(Self.mostFurtherBits, Int.bitWidth - inside.leadingZeroBitCount)
            buckets.append(Bucket(cell: UInt32(cells.count), bits: UInt32(bits)))
            for cell in 0..<(1 << bits) {
                let first = lowest | Key(cell) << Key(shift - bits)
                while position + 1 < starts.count, starts[position + 1] <= first { position += 1 }
                cells.append(UInt32(position))
            }
        }
        cells.append(UInt32(starts.count - 1))
        self.cells = FlatTable(cells)
        self.buckets = FlatTable(buckets)
    }

    func deallocate() {
        starts.deallocate()
        values.deallocate()
        cells.deallocate()
        buckets.deallocate()
    }

    func lookup(_ key: Key) -> PrefixTable.Match {
        let bucket = buckets[Int(truncatingIfNeeded: key >> Key(truncatingIfNeeded: shift))]
        let bits = Int(bucket.bits)
        let further = Int(truncatingIfNeeded: key >> Key(truncatingIfNeeded: shift - bits)) & (1 << bits - 1)
        let cell = Int(bucket.cell) + further
        var low = Int(cells[cell])
        var count = Int(cells[cell + 1]) - low + 1
        // The range is one of the `count` from `low` on.
        while count > 1 {
            let half = count / 2
            if starts[low + half] <= key { low += half }
            count -= half
        }
        // A network around the key stays within the range as long as it leaves out the last key before the range and
        // the first key after it. Neighbouring ranges differ, so no wider network has one value.
        var length = 0
        if low > 0 { length = Self.commonBits(key, starts[low] &- 1) + 1 }
        if low + 1 < starts.count { length = max(length, Self.commonBits(key, starts[low + 1]) + 1) }
        return PrefixTable.Match(value: values[low], length: UInt8(truncatingIfNeeded: length))
    }

    /// How many first bits two different keys share.
    private static func commonBits(_ left: Key, _ right: Key) -> Int { (left ^ right).leadingZeroBitCount }
}
