/// Hashing and comparing of names in lower case, eight bytes at a time.
///
/// The seed is secret and new in each process, so that nobody can choose names that collide.
enum NameHash {
    /// `length` bytes at `name` and eight more must be readable. The eight behind the name need not be zero.
    @inline(__always)
    static func hash(_ name: UnsafeRawPointer, length: Int, seed: UInt64) -> UInt64 {
        var hash = seed ^ (UInt64(truncatingIfNeeded: length) &* 0x9e37_79b9_7f4a_7c15)
        var offset = 0
        while offset &+ 8 <= length {
            unsafe hash = mix(hash ^ name.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xa076_1d64_78bd_642f)
            offset &+= 8
        }
        if offset < length {
            // Up to seven bytes of the name; the shift leaves out those behind it (little-endian).
            let word = unsafe UInt64(littleEndian: name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let excess = UInt64(truncatingIfNeeded: 8 &* (8 &- (length &- offset)))
            hash = mix(hash ^ (word << excess), 0xe703_7ed1_a0b4_28db)
        }
        return mix(hash, 0x8ebc_6af0_9c88_c6e3)
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
