package import Addresses

/// Finds the value of an address and the size of its surroundings, without allocation.
///
/// Built once per snapshot from a `RangeMap` and then shared by all threads. A look-up is one step into an index by
/// the address's first bits and a binary search over the few ranges that begin there.
package struct PrefixTable: Sendable {
    private let v4: RangeIndex<UInt32>
    private let v6: RangeIndex<UInt128>

    package init(_ ranges: RangeMap) {
        v4 = RangeIndex(ranges.v4)
        v6 = RangeIndex(ranges.v6)
    }

    package struct Match: Hashable, Sendable {
        package let value: UInt32
        /// Length of the widest network around the address in which every address of its family has this value: what
        /// an EDNS Client Subnet response has as SCOPE PREFIX-LENGTH (RFC 7871 section 6). 0 when the whole family
        /// has one value.
        package let length: UInt8
    }

    /// An IPv4-mapped IPv6 address gets the match of its IPv4 address, 96 bits longer.
    package func lookup(_ address: IPAddress) -> Match {
        switch address {
        case .v4(let key):
            return v4.lookup(key)
        case .v6(let key):
            guard key >> 32 == 0xffff else { return v6.lookup(key) }
            let match = v4.lookup(UInt32(truncatingIfNeeded: key))
            return Match(value: match.value, length: match.length + 96)
        }
    }

    /// Ranges of both families together: neighbours differ in their value.
    package var count: Int { v4.list.starts.count + v6.list.starts.count }
}

/// A list of ranges with an index by the first bits.
private struct RangeIndex<Key: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    let list: RangeList<Key>
    /// For each value of the first bits, the range that its lowest key is in; then once more the last range.
    private let buckets: [UInt32]
    /// How far a key is shifted to leave its first bits.
    private let shift: Int

    init(_ list: RangeList<Key>) {
        self.list = list
        // About one bucket per range, up to 65,536 (256 KiB).
        let bits = min(16, Int.bitWidth - list.starts.count.leadingZeroBitCount)
        shift = Key.bitWidth - bits
        var buckets: [UInt32] = []
        buckets.reserveCapacity(1 << bits + 1)
        var position = 0
        for bucket in 0..<(1 << bits) {
            let lowest = Key(bucket) << Key(Key.bitWidth - bits)
            while position + 1 < list.starts.count, list.starts[position + 1] <= lowest { position += 1 }
            buckets.append(UInt32(position))
        }
        buckets.append(UInt32(list.starts.count - 1))
        self.buckets = buckets
    }

    func lookup(_ key: Key) -> PrefixTable.Match {
        let starts = list.starts.span
        let bucket = Int(truncatingIfNeeded: key >> Key(truncatingIfNeeded: shift))
        var low = Int(buckets[bucket])
        var count = Int(buckets[bucket + 1]) - low + 1
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
        return PrefixTable.Match(value: list.values[low], length: UInt8(truncatingIfNeeded: length))
    }

    /// How many first bits two different keys share.
    private static func commonBits(_ left: Key, _ right: Key) -> Int { (left ^ right).leadingZeroBitCount }
}
