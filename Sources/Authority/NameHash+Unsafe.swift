import DNSWire

/// Hashing and comparing of names in lower case, eight bytes at a time.
///
/// The seed is secret and new in each process, so that nobody can choose names that collide.
enum NameHash {
    /// The hash of a message's question in lower case; `nil` when it has none.
    ///
    /// Reads the name where it is, eight bytes at a time, as ``DNSWire/FoldedName`` folds it.
    @inline(__always)
    static func hash(questionOf message: RawSpan, seed: UInt64) -> UInt64? {
        var end = 12
        while true {
            // Type and class follow, and with them the name's last eight bytes are inside.
            guard end &+ 5 <= message.byteCount else { return nil }
            // Inside by the line above.
            let size = Int(unsafe message.unsafeLoad(fromUncheckedByteOffset: end, as: UInt8.self))
            end &+= 1
            if size == 0 { break }
            guard size <= 63 else { return nil }
            end &+= size
        }
        let length = end &- 12
        guard length <= 255 else { return nil }
        var hash = start(length: length, seed: seed)
        var offset = 12
        while offset &+ 8 <= end {
            // offset + 8 <= end <= byteCount.
            let word = unsafe message.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            hash = mix(hash ^ FoldedName.folded(word), inner)
            offset &+= 8
        }
        if offset < end {
            // The last eight bytes, in front of which there are twelve of the header.
            let word = unsafe message.unsafeLoadUnaligned(fromUncheckedByteOffset: end &- 8, as: UInt64.self)
            let kept = UInt64(truncatingIfNeeded: 8 &* (8 &- (end &- offset)))
            // Little-endian: the bytes that were hashed already are the lowest.
            hash = mix(hash ^ ((FoldedName.folded(word) >> kept) << kept), last)
        }
        return mix(hash, outer)
    }

    private static let inner: UInt64 = 0xa076_1d64_78bd_642f
    private static let last: UInt64 = 0xe703_7ed1_a0b4_28db
    private static let outer: UInt64 = 0x8ebc_6af0_9c88_c6e3

    @inline(__always)
    private static func start(length: Int, seed: UInt64) -> UInt64 {
        seed ^ (UInt64(truncatingIfNeeded: length) &* 0x9e37_79b9_7f4a_7c15)
    }

    /// `length` bytes at `name` and eight more must be readable. The eight behind the name need not be zero.
    @inline(__always)
    static func hash(_ name: UnsafeRawPointer, length: Int, seed: UInt64) -> UInt64 {
        var hash = start(length: length, seed: seed)
        var offset = 0
        while offset &+ 8 <= length {
            unsafe hash = mix(hash ^ name.loadUnaligned(fromByteOffset: offset, as: UInt64.self), inner)
            offset &+= 8
        }
        if offset < length {
            // Up to seven bytes of the name; the shift leaves out those behind it (little-endian).
            let word = unsafe UInt64(littleEndian: name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let excess = UInt64(truncatingIfNeeded: 8 &* (8 &- (length &- offset)))
            hash = mix(hash ^ (word << excess), last)
        }
        return mix(hash, outer)
    }

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ (left >> 32)).multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Whether `length` bytes are equal. Eight bytes behind both must be readable.
    @inline(__always)
    static func equal(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, length: Int) -> Bool {
        var offset = 0
        while offset &+ 8 <= length {
            let difference =
                unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard difference == 0 else { return false }
            offset &+= 8
        }
        guard offset < length else { return true }
        let difference = unsafe UInt64(
            littleEndian: left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        return difference << UInt64(truncatingIfNeeded: 8 &* (8 &- (length &- offset))) == 0
    }
}
