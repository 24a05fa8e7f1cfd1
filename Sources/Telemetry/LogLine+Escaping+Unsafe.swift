/// What clients choose, written so that it stays within its field.
extension LogLine {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The text of a value that others chose: of text, all but visible ASCII becomes `\xNN`, and so do the quotation mark
    /// and the backslash, and nothing at all becomes `-`; in JSON, the inside of a string, the same becomes `\u00NN` except
    /// for spaces, each byte for itself, because what clients send need not be UTF-8.
    @inlinable @inline(__always)
    package mutating func append(escaped bytes: Span<UInt8>) {
        let length = min(bytes.count, Self.valueLimit)
        // Six bytes for an escaped one, and what is written at once; and the mark of what was cut off.
        reserve(6 &* length &+ 16)
        count = unsafe bytes.withUnsafeBytes { source in unsafe Self.put(escaped: source, isJSON, at: base, count) }
    }

    @usableFromInline @inline(never)
    static func put(
        escaped source: UnsafeRawBufferPointer, _ isJSON: Bool, at base: UnsafeMutableRawPointer, _ offset: Int
    ) -> Int {
        let length = min(source.count, valueLimit)
        if length == 0 { return isJSON ? offset : unsafe put(UInt8(ascii: "-"), at: base, offset) }
        let lowest: UInt8 = isJSON ? 0x20 : 0x21
        var next = offset
        var index = 0
        while index < length {
            let word = unsafe word(source, from: index, count: min(length &- index, 8))
            if isPlain(word, lowest: lowest) {
                unsafe base.storeBytes(of: word, toByteOffset: next, as: UInt64.self)
                next &+= min(length &- index, 8)
                index &+= 8
                continue
            }
            // Something in the next eight bytes needs an escape.
            let end = min(index &+ 8, length)
            while index < end {
                next = unsafe put(escaped: source[index], isJSON, lowest: lowest, at: base, next)
                index &+= 1
            }
        }
        guard source.count > length else { return next }
        for _ in 0..<3 { next = unsafe put(UInt8(ascii: "."), at: base, next) }
        return next
    }

    /// Eight bytes, or the last ones, one to seven, and then such as need no escape.
    @inline(__always)
    private static func word(_ source: UnsafeRawBufferPointer, from index: Int, count: Int) -> UInt64 {
        count == 8
            ? unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            : unsafe lastWord(source, from: index, count: count)
    }

    /// The last bytes, one to seven, and then such as need no escape.
    @inline(__always)
    private static func lastWord(_ source: UnsafeRawBufferPointer, from index: Int, count: Int) -> UInt64 {
        // Two loads that overlap in the middle, each of which lies within the bytes.
        var word: UInt64
        if count >= 4 {
            let first = unsafe UInt64(source.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            let last = unsafe UInt64(source.loadUnaligned(fromByteOffset: index &+ count &- 4, as: UInt32.self))
            word = first | last << UInt64(8 &* (count &- 4))
        } else if count >= 2 {
            let first = unsafe UInt64(source.loadUnaligned(fromByteOffset: index, as: UInt16.self))
            let last = unsafe UInt64(source.loadUnaligned(fromByteOffset: index &+ count &- 2, as: UInt16.self))
            word = first | last << UInt64(8 &* (count &- 2))
        } else {
            word = unsafe UInt64(source[index])
        }
        word |= ones &* UInt64(UInt8(ascii: "a")) << UInt64(8 &* count)
        return word
    }

    /// Whether none of eight bytes is below `lowest`, above 0x7e, a quotation mark or a backslash.
    @inline(__always)
    private static func isPlain(_ word: UInt64, lowest: UInt8) -> Bool {
        // A byte's high bit is set by what is asked for; a carry or borrow from a neighbour only where that one has it.
        let low = word &- ones &* UInt64(lowest)
        let high = word &+ ones
        let found =
            low | high | word | zero(word ^ ones &* UInt64(UInt8(ascii: "\"")))
            | zero(word ^ ones &* UInt64(UInt8(ascii: "\\")))
        return found & highBits == 0
    }

    /// The high bit of each byte that is zero; of others only above one that is, or where they have it themselves.
    @inline(__always)
    private static func zero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }

    private static func put(
        escaped byte: UInt8, _ isJSON: Bool, lowest: UInt8, at base: UnsafeMutableRawPointer, _ offset: Int
    ) -> Int {
        if byte >= lowest, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            return unsafe put(byte, at: base, offset)
        }
        let start: StaticString = isJSON ? "\\u00" : "\\x"
        unsafe (base + offset).copyMemory(from: start.utf8Start, byteCount: start.utf8CodeUnitCount)
        let next = unsafe put(digit(byte >> 4), at: base, offset &+ start.utf8CodeUnitCount)
        return unsafe put(digit(byte & 15), at: base, next)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }
}
