package import Addresses
import FlatTables

/// Finds the value of an address and the size of its surroundings, without allocation.
///
/// Built once per snapshot from a `RangeMap` and then shared by all threads. A look-up is two steps into an index by
/// the address's first bits and a search over the few ranges that begin there; among very many IPv4 ranges, what
/// `LineIndex` does.
package final class PrefixTable: Sendable {
    /// What look-ups need, without the reference count of the table: valid as long as the table is.
    package let index: Index

    package init(_ ranges: RangeMap) {
        let isCrowded = ranges.v4.starts.count >= LineIndex.crowd
        index = Index(
            v4: RangeIndex(isCrowded ? RangeList(filledWith: 0) : ranges.v4),
            crowdedV4: isCrowded ? LineIndex(ranges.v4) : nil, v6: RangeIndex(ranges.v6))
    }

    deinit {
        index.v4.deallocate()
        index.crowdedV4?.deallocate()
        index.v6.deallocate()
    }

    package struct Index: Sendable, BitwiseCopyable {
        fileprivate let v4: RangeIndex<UInt32>
        /// Takes the place of `v4` where it would be too large for the cache.
        fileprivate let crowdedV4: LineIndex?
        fileprivate let v6: RangeIndex<UInt128>
    }

    package struct Match: Hashable, Sendable {
        package let value: UInt32
        /// Length of the widest network around the address in which every address of its family has this value: what
        /// an EDNS Client Subnet response has as SCOPE PREFIX-LENGTH (RFC 7871 section 6). 0 when the whole family
        /// has one value.
        package let length: UInt8
    }

    /// An IPv4-mapped IPv6 address gets the match of its IPv4 address, 96 bits longer.
    package func lookup(_ address: IPAddress) -> Match { index.lookup(address) }

    /// Ranges of both families together: neighbours differ in their value.
    package var count: Int { (index.crowdedV4?.count ?? index.v4.ranges.count) + index.v6.ranges.count }
}

extension PrefixTable.Index {
    package func lookup(_ address: IPAddress) -> PrefixTable.Match {
        switch address {
        case .v4(let key):
            return lookup(key)
        case .v6(let key):
            guard key >> 32 == 0xffff else { return v6.lookup(key) }
            let match = lookup(UInt32(truncatingIfNeeded: key))
            return PrefixTable.Match(value: match.value, length: match.length + 96)
        }
    }

    private func lookup(_ key: UInt32) -> PrefixTable.Match { crowdedV4?.lookup(key) ?? v4.lookup(key) }
}

/// A list of ranges with an index in two levels: by the first bits, and in crowded parts by as many further bits as
/// leave a few ranges to search. Allocated IPv6 space is a small and crowded part of the whole.
private struct RangeIndex<Key: FixedWidthInteger & UnsignedInteger & Sendable & BitwiseCopyable>: Sendable,
    BitwiseCopyable
{
    /// Start and value side by side, for both are read.
    let ranges: FlatTable<Range>
    /// For each cell of the index in the order of the keys, the range that its lowest key is in; then once more the
    /// last range. A cell's ranges end with the one that the next cell begins in.
    private let cells: FlatTable<UInt32>
    /// For each value of the first bits, its first cell and how many further bits choose among its cells.
    private let buckets: FlatTable<Bucket>
    /// How far a key is shifted to leave its first bits.
    private let shift: Int

    struct Range: BitwiseCopyable {
        let start: Key
        let value: UInt32
    }

    private struct Bucket: BitwiseCopyable {
        let cell: UInt32
        let bits: UInt32
    }

    /// 65,536 buckets of 8 bytes at most.
    private static var mostFirstBits: Int { 16 }
    private static var mostFurtherBits: Int { 16 }
    /// Fewer ranges than this are searched as they are.
    private static var crowd: Int { 8 }

    init(_ list: RangeList<Key>) {
        let starts = list.starts
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
        ranges = FlatTable(count: starts.count) { Range(start: starts[$0], value: list.values[$0]) }
        self.cells = FlatTable(cells)
        self.buckets = FlatTable(buckets)
    }

    func deallocate() {
        ranges.deallocate()
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
            if ranges[low + half].start <= key { low += half }
            count -= half
        }
        return PrefixTable.Match(
            key, value: ranges[low].value, start: ranges[low].start,
            next: low + 1 < ranges.count ? ranges[low + 1].start : 0)
    }
}

extension PrefixTable.Match {
    /// A network around the key stays within its range as long as it leaves out the last key before the range and the
    /// first key after it. Neighbouring ranges differ, so no wider network has one value.
    ///
    /// - Parameters:
    ///   - start: the first key of the range.
    ///   - next: the first key of the range that follows; 0: none does.
    init<Key: FixedWidthInteger>(_ key: Key, value: UInt32, start: Key, next: Key) {
        var length = 0
        if start > 0 { length = Self.commonBits(key, start &- 1) + 1 }
        if next > 0 { length = max(length, Self.commonBits(key, next) + 1) }
        self.init(value: value, length: UInt8(truncatingIfNeeded: length))
    }

    /// How many first bits two different keys share.
    private static func commonBits<Key: FixedWidthInteger>(_ left: Key, _ right: Key) -> Int {
        (left ^ right).leadingZeroBitCount
    }
}
