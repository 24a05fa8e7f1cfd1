/// Writes the bytes of a head behind one another into room that was reserved once. What does not fit is not written
/// and noted, so that nothing is ever written out of bounds.
@safe
package struct HeadWriter: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    package private(set) var count = 0
    package private(set) var isOverfull = false

    init(_ room: UnsafeMutableRawBufferPointer) {
        if let address = room.baseAddress {
            unsafe base = address
            capacity = room.count
        } else {
            // Never read or written: the capacity is zero.
            unsafe base = UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
            capacity = 0
        }
    }

    /// `true` when `length` more bytes fit. All writes below are guarded by it.
    @inline(__always)
    private mutating func fits(_ length: Int) -> Bool {
        if capacity &- count >= length { return true }
        isOverfull = true
        return false
    }

    @inline(__always)
    package mutating func write(_ byte: UInt8) {
        guard fits(1) else { return }
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    package mutating func write(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        guard fits(length) else { return }
        unsafe (base + count).copyMemory(from: text.utf8Start, byteCount: length)
        count &+= length
    }

    package mutating func write(_ bytes: [UInt8]) { write(bytes.span) }

    @inline(__always)
    package mutating func write(_ bytes: Span<UInt8>) {
        let length = bytes.count
        guard fits(length) else { return }
        // An empty span may have no address.
        guard length > 0 else { return }
        unsafe bytes.withUnsafeBytes { source in
            // `source` is not empty, so it has an address.
            unsafe (base + count).copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: length)
        }
        count &+= length
    }

    /// - Precondition: `range` lies in `bytes`.
    @inline(__always)
    package mutating func write(_ bytes: Span<UInt8>, _ range: ByteRange) { write(bytes.extracting(range.range)) }

    /// Decimal digits.
    package mutating func write(decimal value: Int) {
        guard fits(20), value >= 0 else { return }
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

    /// Sixteen hexadecimal digits.
    package mutating func write(hexadecimal value: UInt64) {
        guard fits(16) else { return }
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 15
            let character = digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ digit &- 10
            unsafe base.storeBytes(of: character, toByteOffset: count + index, as: UInt8.self)
        }
        count += 16
    }

    /// `Name: value` and the end of the line.
    @inline(__always)
    package mutating func writeField(_ name: StaticString, _ value: StaticString) {
        write(name)
        write(": ")
        write(value)
        write("\r\n")
    }
}
