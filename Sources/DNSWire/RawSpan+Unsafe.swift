extension RawSpan {
    /// The byte at `offset`, which must be inside.
    @inlinable @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        // Inside by the line above.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit number in network order at `offset`; both bytes must be inside.
    @inlinable @inline(__always)
    func number16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset &+ 2 <= byteCount)
        // Inside by the line above.
        return unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
    }

    /// Eight bytes from `offset`, as this machine loads them; all must be inside.
    @inlinable @inline(__always)
    func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset &+ 8 <= byteCount)
        // Inside by the line above.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }
}
