/// Reads the typed values of a section of a MaxMind DB. Every offset is checked, and what is wrong is told with it.
///
/// Only the members that are asked for are followed, at most one pointer at a time, and no deeper than the question:
/// pointers in a circle or deep nesting have nothing to work on.
struct MaxMindData: ~Escapable {
    private let bytes: Span<UInt8>
    /// Where the section starts in the file; pointers count from here.
    let start: Int
    let end: Int

    /// How many values of one record are looked at: databases with all their languages have some 300.
    static let valueLimit = 65_536

    /// How many values of all records together: real records take less than one for each byte, while records within
    /// records could be read for hours.
    var totalValueLimit: Int { Self.valueLimit + 8 * (end - start) }

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, start: Int, end: Int) {
        self.bytes = bytes
        self.start = start
        self.end = end
    }

    enum Kind: UInt8 {
        case pointer = 1
        case string, double, bytes, uint16, uint32, map, int32, uint64, uint128, array
        case boolean = 14
        case float
    }

    struct Value {
        let kind: Kind
        /// Bytes of a scalar, elements of an array, pairs of a map, the value of a boolean; of a pointer, its target.
        let size: Int
        /// Where the content starts: behind the control bytes.
        let content: Int
    }

    static func fault(_ offset: Int, _ reason: String) -> GeographyFault {
        GeographyFault(position: .byte(offset), reason: reason, advice: "get the database again from its maker")
    }

    private func byte(at offset: Int) throws(GeographyFault) -> UInt8 {
        guard offset >= start, offset < end else {
            throw Self.fault(offset, "a value goes on behind the end of its section")
        }
        return bytes[offset]
    }

    private func number(at offset: Int, count: Int) throws(GeographyFault) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value = value << 8 | UInt64(try byte(at: offset + index)) }
        return value
    }

    /// The value at `offset` as it stands: a pointer is not followed.
    private func head(at offset: Int) throws(GeographyFault) -> Value {
        let control = try byte(at: offset)
        var at = offset + 1
        var type = control >> 5
        if type == 1 {
            let width = Int(control >> 3 & 3)
            let low = Int(try number(at: at, count: width + 1))
            let high = Int(control & 7)
            // The widths do not overlap in what they reach: each starts where the one before ends.
            let target =
                switch width {
                case 0: high << 8 | low
                case 1: (high << 16 | low) + 2048
                case 2: (high << 24 | low) + 526_336
                default: low
                }
            return Value(kind: .pointer, size: start + target, content: at + width + 1)
        }
        if type == 0 {
            let extended = try byte(at: at)
            guard extended <= 8 else { throw Self.fault(offset, "unknown type \(Int(extended) + 7)") }
            type = extended + 7
            at += 1
        }
        guard let kind = Kind(rawValue: type), type != 1, type > 7 || control >> 5 != 0 else {
            throw Self.fault(offset, "type \(type) where a value is expected")
        }
        var size = Int(control & 31)
        if size >= 29 {
            let extra = size - 28
            let base = [29, 285, 65_821][extra - 1]
            size = base + Int(try number(at: at, count: extra))
            at += extra
        }
        try check(kind, size: size, content: at, offset: offset)
        return Value(kind: kind, size: size, content: at)
    }

    private func check(_ kind: Kind, size: Int, content: Int, offset: Int) throws(GeographyFault) {
        let fits =
            switch kind {
            case .double: size == 8
            case .float: size == 4
            case .uint16: size <= 2
            case .uint32, .int32: size <= 4
            case .uint64: size <= 8
            case .uint128: size <= 16
            case .boolean: size <= 1
            case .pointer, .string, .bytes, .map, .array: true
            }
        guard fits else { throw Self.fault(offset, "a value of type \(kind) has size \(size)") }
        switch kind {
        case .map, .array, .boolean, .pointer:
            // Elements have one byte at least.
            let least = kind == .map ? 2 * size : kind == .array ? size : 0
            guard content + least <= end else {
                throw Self.fault(offset, "\(size) elements do not fit behind this")
            }
        default:
            guard content + size <= end else { throw Self.fault(offset, "\(size) bytes do not fit behind this") }
        }
    }

    /// The value at `offset`, behind a pointer if one stands there.
    func value(at offset: Int) throws(GeographyFault) -> Value {
        let first = try head(at: offset)
        guard first.kind == .pointer else { return first }
        guard first.size < end else { throw Self.fault(offset, "a pointer to outside the data") }
        let target = try head(at: first.size)
        guard target.kind != .pointer else { throw Self.fault(offset, "a pointer to a pointer") }
        return target
    }

    /// The offset behind a value and all that is in it.
    private func behind(_ offset: Int, _ budget: inout Int) throws(GeographyFault) -> Int {
        var at = offset
        var remaining = 1
        while remaining > 0 {
            budget -= 1
            guard budget >= 0 else { throw Self.fault(offset, "more values in the records than a database has") }
            let value = try head(at: at)
            remaining -= 1
            at = value.content
            switch value.kind {
            case .map: remaining += 2 * value.size
            case .array: remaining += value.size
            case .boolean, .pointer: break
            default: at += value.size
            }
        }
        return at
    }

    /// For each name, the offset of its value in a map; all `nil` when `map` is none.
    func members(_ names: [StaticString], of map: Value, _ budget: inout Int) throws(GeographyFault) -> [Int?] {
        var result = [Int?](repeating: nil, count: names.count)
        guard map.kind == .map else { return result }
        var at = map.content
        for _ in 0..<map.size {
            let key = try value(at: at)
            guard key.kind == .string else { throw Self.fault(at, "a key of a map that is no string") }
            let valueOffset = try behind(at, &budget)
            if let index = names.firstIndex(where: { isEqual(key, $0) }) { result[index] = valueOffset }
            at = try behind(valueOffset, &budget)
        }
        return result
    }

    /// The offset of the first element; `nil` when `array` is none or empty.
    func firstElement(of array: Value) -> Int? {
        array.kind == .array && array.size > 0 ? array.content : nil
    }

    private func isEqual(_ value: Value, _ name: StaticString) -> Bool {
        guard value.size == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { name in
            for index in name.indices where unsafe bytes[value.content + index] != name[index] { return false }
            return true
        }
    }

    /// A string, with what is not UTF-8 replaced; `nil` for other types.
    func string(_ value: Value) -> String? {
        guard value.kind == .string else { return nil }
        var content: [UInt8] = []
        content.reserveCapacity(value.size)
        for offset in value.content..<(value.content + value.size) { content.append(bytes[offset]) }
        return String(decoding: content, as: UTF8.self)
    }

    /// An unsigned number of up to 64 bits; `nil` for other types and for larger numbers.
    func unsigned(_ value: Value) throws(GeographyFault) -> UInt64? {
        switch value.kind {
        case .uint16, .uint32, .uint64:
            return try number(at: value.content, count: value.size)
        case .uint128:
            let upper = max(0, value.size - 8)
            guard try number(at: value.content, count: upper) == 0 else { return nil }
            return try number(at: value.content + upper, count: value.size - upper)
        case .int32:
            let bits = try number(at: value.content, count: value.size)
            return bits <= UInt64(Int32.max) ? bits : nil
        default:
            return nil
        }
    }

    /// A double or float; `nil` for other types.
    func floating(_ value: Value) throws(GeographyFault) -> Double? {
        switch value.kind {
        case .double: Double(bitPattern: try number(at: value.content, count: 8))
        case .float: Double(Float(bitPattern: UInt32(truncatingIfNeeded: try number(at: value.content, count: 4))))
        default: nil
        }
    }
}
