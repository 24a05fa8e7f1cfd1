/// Text that many lines have in common, ready to be copied with a few wide moves: keys, what stands between them, and words.
@usableFromInline
package struct LogPiece: BitwiseCopyable, Sendable {
    /// Bytes that one has at most.
    package static var limit: Int { 31 }

    // The text in the order of memory; the last byte is its length.
    @usableFromInline let front: SIMD2<UInt64>
    @usableFromInline let third: UInt64
    @usableFromInline let last: UInt64

    @inlinable package var count: Int { Int(truncatingIfNeeded: last >> 56) }

    /// - Parameter write: writes it as a part of a line.
    package init(isJSON: Bool, _ write: (inout LogLine) -> Void) {
        var line = LogLine(isJSON: isJSON)
        write(&line)
        let text = line.bytes
        precondition(text.count <= Self.limit, "text that is copied at once is short")
        var words = SIMD4<UInt64>(0, 0, 0, UInt64(text.count) << 56)
        for index in text.indices { words[index / 8] |= UInt64(text[index]) << UInt64(index % 8 * 8) }
        front = words.lowHalf
        (third, last) = (words[2], words[3])
    }
}
