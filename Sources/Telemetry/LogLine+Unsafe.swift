/// The memory of lines. All that writes into it makes sure of its room first, with ``reserve(_:)``.
///
/// What is not inlined is told the memory and gives the new count back: a line of a function's own then stays in registers,
/// though stores into raw memory might change anything that has an address.
extension LogLine {
    /// Never read or written: the capacity is zero.
    @inlinable static var noMemory: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
    }
    private static let leastCapacity = 1024

    func release() { if capacity > 0 { unsafe base.deallocate() } }

    /// Sees to it that `length` more bytes fit. They nearly always do: what is done where they do not is kept out of the way
    /// of what is written.
    @inlinable @inline(__always)
    mutating func reserve(_ length: Int) {
        if _slowPath(capacity &- count < length) {
            unsafe (base, capacity) = Self.grown(base, capacity, count, by: length)
        }
    }

    /// Larger memory with what was written; the old one is given back.
    @usableFromInline @inline(never)
    static func grown(
        _ base: UnsafeMutableRawPointer, _ capacity: Int, _ count: Int, by length: Int
    ) -> (UnsafeMutableRawPointer, Int) {
        let needed = max(count + length, 2 * capacity, leastCapacity)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 8)
        unsafe larger.copyMemory(from: base, byteCount: count)
        if capacity > 0 { unsafe base.deallocate() }
        return unsafe (larger, needed)
    }

    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The memory is there as long as this value, and `count` bytes of it were written.
            let span = unsafe Span<UInt8>(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// What was written, as an array.
    package func copy() -> [UInt8] {
        // `count` bytes were written.
        unsafe Array(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Text of the program, which lives as long as it does. The caller has made room.
    @inlinable @inline(__always)
    mutating func put(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        unsafe (base + count).copyMemory(from: text.utf8Start, byteCount: length)
        count &+= length
    }

    /// The caller has made room.
    @inlinable @inline(__always)
    mutating func put(_ byte: UInt8) {
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Where there is room; returns the offset behind it.
    @inline(__always)
    static func put(_ byte: UInt8, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        unsafe base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
        return offset &+ 1
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    /// Text that needs no escape.
    @inlinable @inline(__always)
    package mutating func append(text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        put(text)
    }

    @inlinable @inline(__always)
    package mutating func append(_ piece: LogPiece) {
        reserve(32)
        put(piece)
    }

    @inlinable @inline(__always)
    package mutating func append(_ first: LogPiece, _ second: LogPiece) {
        reserve(64)
        put(first)
        put(second)
    }

    /// A piece, and a number behind it.
    @inlinable @inline(__always)
    package mutating func append(_ piece: LogPiece, decimal value: UInt16) {
        reserve(40)
        put(piece)
        put(decimal: value)
    }

    /// The caller has made room for 32 bytes.
    @inlinable @inline(__always)
    mutating func put(_ piece: LogPiece) {
        // All of its bytes; what is no text is written over by what comes next.
        unsafe base.storeBytes(of: piece.front, toByteOffset: count, as: SIMD2<UInt64>.self)
        unsafe base.storeBytes(of: piece.third, toByteOffset: count &+ 16, as: UInt64.self)
        unsafe base.storeBytes(of: piece.last, toByteOffset: count &+ 24, as: UInt64.self)
        count &+= piece.count
    }

    /// Bytes that need no escape.
    @inlinable @inline(__always)
    package mutating func append(_ bytes: Span<UInt8>) {
        let length = bytes.count
        guard length > 0 else { return }
        reserve(length)
        unsafe bytes.withUnsafeBytes { source in
            // There is room for `length` bytes, and an address where there are bytes.
            unsafe (base + count).copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: length)
        }
        count &+= length
    }

    /// Writes seconds in place of others, in the same length.
    ///
    /// - Parameters:
    ///   - offsets: where such below ten were written.
    ///   - nanoseconds: below ten seconds.
    package mutating func replace(at offsets: Span<UInt32>, seconds nanoseconds: UInt64) {
        precondition(nanoseconds < 10_000_000_000, "as long as what was written")
        var text: UInt64 = 0
        // One digit, a point and six more.
        unsafe withUnsafeMutableBytes(of: &text) { text in
            _ = unsafe Self.put(seconds: nanoseconds, at: text.baseAddress.unsafelyUnwrapped, 0)
        }
        for index in offsets.indices {
            let offset = Int(offsets[index])
            precondition(offset <= count &- 8, "text that is there")
            unsafe base.storeBytes(of: text, toByteOffset: offset, as: UInt64.self)
        }
    }

    /// Forgets what is from `length` on.
    package mutating func truncate(to length: Int) { count = max(0, min(count, length)) }
}
