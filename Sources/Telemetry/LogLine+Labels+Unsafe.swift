/// Names of DNS.
extension LogLine {
    /// A name in wire form, labels behind their lengths, as text with a dot between two labels.
    ///
    /// - Parameter padded: the name, with sixteen zero bytes behind its last byte.
    /// - Returns: `false` where the name is of bytes that host names do not have, some of which need an escape; then nothing was
    ///   appended.
    @inlinable @inline(__always)
    package mutating func append(labels padded: Span<UInt8>) -> Bool {
        // What is written at once is no more than what is read.
        reserve(padded.count)
        let end = unsafe padded.withUnsafeBytes { unsafe Self.put(labels: $0, at: base, count) }
        guard end > count else { return false }
        count = end
        return true
    }

    private typealias Words = SIMD2<UInt64>

    /// - Returns: the offset behind what was written, and `offset` where nothing was.
    @usableFromInline @inline(never)
    static func put(
        labels source: UnsafeRawBufferPointer, at base: UnsafeMutableRawPointer, _ offset: Int
    ) -> Int {
        // Without the first length, the last label and the padding.
        let length = source.count &- 18
        precondition(length >= -1 && source.count <= 255 + 16, "a name has 1 to 255 bytes")
        precondition(
            // The last label and all of the padding that is read; seventeen bytes are there.
            unsafe source.loadUnaligned(fromByteOffset: source.count &- 17, as: Words.self) == .zero, "a padded name")
        guard length > 0 else { return unsafe put(UInt8(ascii: "."), at: base, offset) }
        // All of it sixteen bytes at a time, with the lengths. Bytes that are no letter, digit or hyphen are counted, by
        // their places in a word: there are 32 words at most.
        var counts = Words.zero
        var index = 0
        while index < length {
            // Up to seventeen bytes beyond the text can be read.
            let words = unsafe source.loadUnaligned(fromByteOffset: index &+ 1, as: Words.self)
            unsafe base.storeBytes(of: words, toByteOffset: offset &+ index, as: Words.self)
            counts &+= others(words)
            index &+= 16
        }
        // Of both words, then of pairs of places, and then all.
        let places = counts.x &+ counts.y
        let pairs = (places & 0x00ff_00ff_00ff_00ff) &+ (places >> 8 & 0x00ff_00ff_00ff_00ff)
        let found = (pairs &* 0x0001_0001_0001_0001) >> 48
        // Zero bytes behind the text were counted, and of the lengths those that look like such bytes. All else is text.
        var expected = UInt64(index &- length)
        var next = unsafe Int(source[0])
        while next < length {
            // A byte of the text, which begins behind the first byte.
            let label = unsafe source[next &+ 1]
            unsafe base.storeBytes(of: UInt8(ascii: "."), toByteOffset: offset &+ next, as: UInt8.self)
            if label < UInt8(ascii: "-") {
                expected &+= 1
            } else {
                // Long labels are seldom.
                expected &+= others(Words(UInt64(label), 0)).x & 1
            }
            next &+= Int(label) &+ 1
        }
        return found == expected ? offset &+ length : offset
    }

    /// One in each byte that is below a hyphen or above 0x7e, a dot or a backslash; these need an escape or are seldom. Each
    /// byte is told for itself: no sum of seven bits reaches the next.
    @inline(__always)
    private static func others(_ words: Words) -> Words {
        let low = words & Words(repeating: ~highBits)
        let fromHyphen = low &+ Words(repeating: ones &* UInt64(0x80 - UInt8(ascii: "-")))
        let isDelete = low &+ Words(repeating: ones)
        let isNoDot = (low ^ Words(repeating: ones &* UInt64(UInt8(ascii: ".")))) &+ Words(repeating: ~highBits)
        let isNoBackslash = (low ^ Words(repeating: ones &* UInt64(UInt8(ascii: "\\")))) &+ Words(repeating: ~highBits)
        let text = fromHyphen & isNoDot & isNoBackslash & ~(isDelete | words)
        return (~text &>> 7) & Words(repeating: ones)
    }
}
