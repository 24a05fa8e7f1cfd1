/// What clients choose, written so that it stays within its field.
extension LogLine {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The text of a value that others chose: of text, all but visible ASCII becomes `\xNN`, and so do the quotation mark
    /// and the backslash, and nothing at all becomes `-`; in JSON, the inside of a string, the same becomes `\u00NN` except
    /// for spaces, each byte for itself, because what clients send need not be UTF-8.
    @usableFromInline
    package mutating func append(escaped bytes: Span<UInt8>) {
        let length = min(bytes.count, Self.valueLimit)
        if length == 0 {
            if !isJSON { append(UInt8(ascii: "-")) }
            return
        }
        // Six bytes for an escaped one, and what is written at once; and the mark of what was cut off.
        reserve(6 &* length &+ 16)
        let lowest: UInt8 = isJSON ? 0x20 : 0x21
        unsafe bytes.withUnsafeBytes { source in
            var index = 0
            while index < length {
                let taken = unsafe putPlain(source, from: index, to: length, lowest: lowest, except: UInt8(ascii: "\""))
                index &+= taken
                guard taken == 0 else { continue }
                // Something in the next eight bytes needs an escape.
                let end = min(index &+ 8, length)
                while index < end {
                    unsafe putEscaped(source[index], lowest: lowest)
                    index &+= 1
                }
            }
        }
        if bytes.count > length { put("...") }
    }

    /// Bytes that need no escape, and are not `other`.
    ///
    /// - Returns: `false` where there is another among them; then nothing was appended.
    package mutating func append(plain bytes: Span<UInt8>, except other: UInt8) -> Bool {
        let length = bytes.count
        let begin = count
        reserve(length &+ 8)
        let isPlain = unsafe bytes.withUnsafeBytes { source in
            var index = 0
            while index < length {
                let taken = unsafe putPlain(source, from: index, to: length, lowest: 0x21, except: other)
                if taken == 0 { return false }
                index &+= taken
            }
            return true
        }
        if !isPlain { count = begin }
        return isPlain
    }

    /// Copies what comes next, up to eight bytes, if none of it needs an escape; 0 otherwise. There is something, and the
    /// caller has made room for eight bytes more than that.
    @inline(__always)
    private mutating func putPlain(
        _ source: UnsafeRawBufferPointer, from index: Int, to length: Int, lowest: UInt8, except other: UInt8
    ) -> Int {
        let rest = length &- index
        var word: UInt64
        if rest >= 8 {
            word = unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        } else {
            unsafe word = Self.word(source, from: index, count: rest)
        }
        guard Self.isPlain(word, lowest: lowest, except: other) else { return 0 }
        unsafe base.storeBytes(of: word, toByteOffset: count, as: UInt64.self)
        let taken = min(rest, 8)
        count &+= taken
        return taken
    }

    /// The last bytes, one to seven, and then such as need no escape.
    @inline(__always)
    private static func word(_ source: UnsafeRawBufferPointer, from index: Int, count: Int) -> UInt64 {
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

    /// Whether none of eight bytes is below `lowest`, above 0x7e, a quotation mark, a backslash or `other`.
    @inline(__always)
    private static func isPlain(_ word: UInt64, lowest: UInt8, except other: UInt8) -> Bool {
        // A byte's high bit is set by what is asked for; a carry or borrow from a neighbour only where that one has it.
        let low = word &- ones &* UInt64(lowest)
        let high = word &+ ones
        let found =
            low | high | word | zero(word ^ ones &* UInt64(UInt8(ascii: "\"")))
            | zero(word ^ ones &* UInt64(UInt8(ascii: "\\"))) | zero(word ^ ones &* UInt64(other))
        return found & highBits == 0
    }

    /// The high bit of each byte that is zero; of others only above one that is, or where they have it themselves.
    @inline(__always)
    private static func zero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }

    /// The caller has made room for six bytes.
    private mutating func putEscaped(_ byte: UInt8, lowest: UInt8) {
        if byte >= lowest, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { return put(byte) }
        if isJSON { put("\\u00") } else { put("\\x") }
        put(Self.digit(byte >> 4))
        put(Self.digit(byte & 15))
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }
}
