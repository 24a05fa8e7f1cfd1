/// Sets of record types as windows of bits (RFC 4034 section 4.1.2).
enum TypeBitmap {
    static func wire(_ types: Set<UInt16>) -> [UInt8] {
        var result: [UInt8] = []
        for (window, members) in Dictionary(grouping: types, by: { $0 >> 8 }).sorted(by: { $0.key < $1.key }) {
            var bits = [UInt8](repeating: 0, count: Int((members.max() ?? 0) & 255) / 8 + 1)
            for type in members { bits[Int(type & 255) / 8] |= 0x80 >> UInt8(type & 7) }
            result += [UInt8(window), UInt8(bits.count)] + bits
        }
        return result
    }

    /// Whether windows rise, and have 1 to 32 bytes each of which the last is not zero.
    static func isValid(_ data: ArraySlice<UInt8>) -> Bool {
        var rest = data
        var last = -1
        while let window = rest.popFirst() {
            guard Int(window) > last, let count = rest.popFirst(), (1...32).contains(count), rest.count >= count,
                rest[rest.startIndex + Int(count) - 1] != 0
            else { return false }
            last = Int(window)
            rest = rest.dropFirst(Int(count))
        }
        return true
    }

    /// The types of a valid bitmap, in order.
    static func types(_ data: ArraySlice<UInt8>) -> [RecordType] {
        var types: [RecordType] = []
        var rest = data
        while let window = rest.popFirst(), let count = rest.popFirst() {
            for (index, byte) in rest.prefix(Int(count)).enumerated() {
                for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 {
                    types.append(RecordType(rawValue: UInt16(window) << 8 | UInt16(index * 8 + bit)))
                }
            }
            rest = rest.dropFirst(Int(count))
        }
        return types
    }
}
