import Glibc

/// Bytes that are collected to be sent: memory that is used again.
@safe
package final class OutputBytes {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var count = 0

    private static let leastCapacity = 1024

    package init() {
        // Never read or written: the capacity is zero.
        unsafe base = UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
        capacity = 0
    }

    deinit { if capacity > 0 { unsafe base.deallocate() } }

    /// Sees to it that `length` more bytes fit.
    @inline(__always)
    func reserve(_ length: Int) { if capacity &- count < length { grow(length) } }

    @inline(never)
    private func grow(_ length: Int) {
        let needed = max(count + length, 2 * capacity, Self.leastCapacity)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 8)
        if count > 0 { unsafe larger.copyMemory(from: base, byteCount: count) }
        if capacity > 0 { unsafe base.deallocate() }
        unsafe base = larger
        capacity = needed
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Four bytes, the highest first.
    func append(number: UInt32) {
        reserve(4)
        unsafe base.storeBytes(of: number.bigEndian, toByteOffset: count, as: UInt32.self)
        count &+= 4
    }

    func append(_ bytes: Span<UInt8>) {
        let length = bytes.count
        guard length > 0 else { return }
        reserve(length)
        // There is room for `length` bytes, and an address where there are bytes.
        unsafe bytes.withUnsafeBytes { source in
            unsafe (base + count).copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: length)
        }
        count &+= length
    }

    /// With capital letters made small.
    func append(lowercased bytes: Span<UInt8>) {
        let length = bytes.count
        reserve(length)
        for index in 0..<length {
            // `index` is below the span's count, and there is room for as many bytes.
            unsafe base.storeBytes(of: lowercase(bytes[unchecked: index]), toByteOffset: count &+ index, as: UInt8.self)
        }
        count &+= length
    }

    /// Decimal digits of a number that is not negative.
    func append(decimal value: Int) {
        reserve(20)
        var rest = value
        var length = 1
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        rest = value
        var index = length
        while index > 0 {
            index -= 1
            unsafe base.storeBytes(
                of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: count + index,
                as: UInt8.self)
            rest /= 10
        }
        count += length
    }

    /// The header of a frame.
    func appendFrame(length: Int, kind: UInt8, flags: UInt8, stream: UInt32) {
        reserve(FrameHeader.size)
        // The room was reserved: nine bytes from `count` on.
        unsafe base.storeBytes(of: (UInt32(length) << 8 | UInt32(kind)).bigEndian, toByteOffset: count, as: UInt32.self)
        unsafe base.storeBytes(of: flags, toByteOffset: count &+ 4, as: UInt8.self)
        unsafe base.storeBytes(of: stream.bigEndian, toByteOffset: count &+ 5, as: UInt32.self)
        count &+= FrameHeader.size
    }

    /// Writes a byte again that was written at `offset`.
    func replace(at offset: Int, _ byte: UInt8) {
        precondition(offset < count, "a byte that is there")
        unsafe base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }

    /// Writes the header of a frame again that was written at `offset`.
    func replaceFrame(at offset: Int, length: Int, kind: UInt8, flags: UInt8, stream: UInt32) {
        precondition(offset + FrameHeader.size <= count, "a frame that is there")
        let end = count
        count = offset
        appendFrame(length: length, kind: kind, flags: flags, stream: stream)
        count = end
    }

    /// Makes room for `length` bytes at `offset`, which the caller fills.
    func insert(_ length: Int, at offset: Int) {
        precondition(offset <= count, "a place that is there")
        reserve(length)
        // Both ranges lie within what was reserved.
        unsafe memmove(base + offset + length, base + offset, count - offset)
        count += length
    }

    /// Forgets what is from `length` on.
    func truncate(to length: Int) { count = min(count, length) }

    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The memory is there as long as this object, and nothing is appended while the span is in use.
            let span = unsafe Span<UInt8>(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Forgets all, and gives back memory beyond `capacity` bytes.
    package func removeAll(keeping limit: Int) {
        count = 0
        guard capacity > limit else { return }
        unsafe base.deallocate()
        capacity = 0
    }
}

/// Capital letters of ASCII become small ones.
@inline(__always)
func lowercase(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

/// The same for eight bytes.
@inline(__always)
func lowercase(_ word: UInt64) -> UInt64 {
    // Of each byte that is ASCII the highest bit says whether it is not below A, and whether it is above Z.
    let low = word & 0x7f7f_7f7f_7f7f_7f7f
    let capitals = (low &+ 0x3f3f_3f3f_3f3f_3f3f) & ~(low &+ 0x2525_2525_2525_2525) & ~word & 0x8080_8080_8080_8080
    return word | capitals >> 2
}
