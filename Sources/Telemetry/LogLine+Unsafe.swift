/// The memory of lines. All that writes into it makes sure of its room first, with ``reserve(_:)``.
extension LogLine {
    /// Never read or written: the capacity is zero.
    static var noMemory: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped }
    private static let leastCapacity = 1024

    func release() { if capacity > 0 { unsafe base.deallocate() } }

    /// Sees to it that `length` more bytes fit.
    @inlinable @inline(__always)
    mutating func reserve(_ length: Int) { if capacity &- count < length { grow(length) } }

    @usableFromInline @inline(never)
    mutating func grow(_ length: Int) {
        let needed = max(count + length, 2 * capacity, Self.leastCapacity)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 8)
        unsafe larger.copyMemory(from: base, byteCount: count)
        release()
        unsafe base = larger
        capacity = needed
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

    /// Writes seconds again that were written at `offset`, in the same length.
    package mutating func replace(at offset: Int, seconds nanoseconds: UInt64) {
        precondition(offset >= 0 && offset <= count, "text that is there")
        let end = count
        // So that nothing is moved while the count is smaller than what there is.
        reserve(Self.secondsRoom)
        count = offset
        append(seconds: nanoseconds)
        precondition(count <= end, "not more than was there")
        count = end
    }

    /// Forgets what is from `length` on.
    package mutating func truncate(to length: Int) { count = max(0, min(count, length)) }
}
