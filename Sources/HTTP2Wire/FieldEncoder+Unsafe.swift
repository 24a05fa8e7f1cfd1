/// Writes field blocks (RFC 7541) of one connection.
///
/// A field is put into the table when it is seen for the second time shortly after the first: what is different in each
/// message does not push out what is the same in all. Strings are written as they are: Huffman's code would cost more
/// than what is saved by it, as what comes often is a number.
struct FieldEncoder {
    /// More is not used, whatever the peer offers.
    static let tableSize = 4096
    /// Larger fields are not worth their place.
    private static let largestKept = 1024
    private static let buckets = 256

    private let table = DynamicTable(largest: FieldEncoder.tableSize)
    /// By hash: the number of an entry, and one more; 0: none.
    private var index: [UInt32] = []
    /// Fields that were seen once, by their hashes.
    private var seen: [UInt32] = []
    /// What the peer has to be told before the next block: the smallest limit since, and the present one.
    private var change: (least: Int, now: Int)?

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    mutating func setLimit(_ offered: Int) {
        let limit = min(offered, Self.tableSize)
        guard limit != table.limit || change != nil else { return }
        change = (min(change?.least ?? limit, limit), limit)
        table.setLimit(min(limit, table.limit))
        table.setLimit(limit)
    }

    /// Before the first field of a block.
    mutating func begin(_ output: OutputBytes) {
        guard let change else { return }
        self.change = nil
        if change.least < change.now { write(change.least, bits: 5, first: 0x20, output) }
        write(change.now, bits: 5, first: 0x20, output)
    }

    /// A field that the static table has whole.
    static func encode(fixed place: Int, _ output: OutputBytes) { output.append(0x80 | UInt8(place)) }

    /// - Parameters:
    ///   - place: where the static table has the name; 0: it does not.
    ///   - name: in any case; it is written in small letters.
    ///   - isSecret: kept out of every table on the way (RFC 7541 section 7.1.3).
    mutating func encode(
        place: Int, name: Span<UInt8>, value: Span<UInt8>, isSecret: Bool, _ output: OutputBytes
    ) {
        if isSecret { return literal(place, name, value, bits: 4, first: 0x10, output) }
        let size = name.count + value.count
        guard size <= Self.largestKept, size + DynamicTable.overhead <= table.limit else {
            return literal(place, name, value, bits: 4, first: 0, output)
        }
        let hash = Self.hash(name, value)
        let bucket = Int(hash) & (Self.buckets - 1)
        if index.isEmpty {
            index = [UInt32](repeating: 0, count: Self.buckets)
            seen = [UInt32](repeating: 0, count: Self.buckets)
        }
        let number = index[bucket] &- 1
        if index[bucket] != 0, table.has(number), isEntry(number, hash, name, value) {
            return write(StaticTable.count + table.position(of: number), bits: 7, first: 0x80, output)
        }
        guard seen[bucket] == hash else {
            seen[bucket] = hash
            return literal(place, name, value, bits: 4, first: 0, output)
        }
        literal(place, name, value, bits: 6, first: 0x40, output)
        keep(name, value, hash)
        index[bucket] = table.inserted
    }

    private func isEntry(_ number: UInt32, _ hash: UInt32, _ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        let entry = table.entry(at: table.position(of: number))
        guard entry.hash == hash, Int(entry.nameCount) == name.count, Int(entry.valueCount) == value.count else {
            return false
        }
        let bytes = table.bytes(of: entry)
        return Self.isSame(bytes.extracting(0..<name.count), name, lowered: true)
            && Self.isSame(bytes.extracting(name.count..<bytes.count), value, lowered: false)
    }

    /// Eight bytes at once; the last eight may be some of those before once more.
    ///
    /// - Parameter lowered: what is given counts as if it were in small letters.
    /// - Precondition: both have as many bytes.
    @inline(__always)
    static func isSame(_ kept: Span<UInt8>, _ given: Span<UInt8>, lowered: Bool) -> Bool {
        let count = kept.count
        guard count >= 8 else {
            for offset in 0..<count {
                // Both have as many bytes.
                let byte = unsafe given[unchecked: offset]
                guard unsafe kept[unchecked: offset] == (lowered ? lowercase(byte) : byte) else { return false }
            }
            return true
        }
        let (left, right) = unsafe (kept.bytes, given.bytes)
        var offset = 0
        while true {
            // Eight bytes from `offset` on are there: it is at most the count less eight.
            let word = unsafe right.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let other = unsafe left.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard other == (lowered ? lowercase(word) : word) else { return false }
            if offset == count &- 8 { return true }
            offset = min(offset &+ 8, count &- 8)
        }
    }

    private func keep(_ name: Span<UInt8>, _ value: Span<UInt8>, _ hash: UInt32) {
        let room = unsafe table.insert(
            nameCount: name.count, valueCount: value.count, token: .other, marks: [], hash: hash)
        guard let room = unsafe room else { return }
        // As much room as was asked for.
        for offset in 0..<name.count { unsafe room[offset] = lowercase(name[offset]) }
        for offset in 0..<value.count { unsafe room[name.count + offset] = value[offset] }
    }

    private func literal(
        _ place: Int, _ name: Span<UInt8>, _ value: Span<UInt8>, bits: Int, first: UInt8, _ output: OutputBytes
    ) {
        write(place, bits: bits, first: first, output)
        if place == 0 {
            write(name.count, bits: 7, first: 0, output)
            output.append(lowercased: name)
        }
        write(value.count, bits: 7, first: 0, output)
        output.append(value)
    }

    /// RFC 7541 section 5.1.
    @inline(__always)
    private func write(_ value: Int, bits: Int, first: UInt8, _ output: OutputBytes) {
        let mask = 1 << bits - 1
        if value < mask { return output.append(first | UInt8(truncatingIfNeeded: value)) }
        output.append(first | UInt8(truncatingIfNeeded: mask))
        var rest = value - mask
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Alike for names that differ in case only. Who chooses fields so that they fall together makes the messages
    /// larger, and nothing else.
    private static func hash(_ name: Span<UInt8>, _ value: Span<UInt8>) -> UInt32 {
        let first = mix(name, 0x2020_2020_2020_2020, UInt64(truncatingIfNeeded: name.count))
        let both = mix(value, 0, first ^ UInt64(truncatingIfNeeded: value.count) << 32)
        let hash = UInt32(truncatingIfNeeded: both ^ both >> 32)
        return hash == 0 ? 1 : hash
    }

    @inline(__always)
    private static func mix(_ bytes: Span<UInt8>, _ ones: UInt64, _ seed: UInt64) -> UInt64 {
        var state = seed ^ 0x9e37_79b9_7f4a_7c15
        var offset = 0
        let count = bytes.count
        let raw = unsafe bytes.bytes
        while offset &+ 8 <= count {
            // The condition bounds the load.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = step(state, word | ones)
            offset &+= 8
        }
        if count >= 8 {
            guard offset < count else { return state }
            // The last eight, some of which were taken before: there are as many.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            return step(state, word | ones)
        }
        var word: UInt64 = 0
        while offset < count {
            // The condition bounds the access.
            word = word << 8 | UInt64(unsafe bytes[unchecked: offset])
            offset &+= 1
        }
        return step(state, word | ones)
    }

    @inline(__always)
    private static func step(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let (high, low) = (state ^ word).multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
        return high ^ low
    }
}
