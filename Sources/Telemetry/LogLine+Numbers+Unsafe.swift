/// Numbers, times and addresses, digits two at a time. Each makes room for the most that it can take.
extension LogLine {
    /// 00 to 99.
    private static let pairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// Of a value below ten.
    @inline(__always)
    private static func digit(_ value: UInt64) -> UInt8 { UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value) }

    /// Two digits at `offset`, which the caller has made room for.
    @inline(__always)
    private mutating func putPair(_ value: UInt64, at offset: Int) {
        // Below 100, so within the 200 digits.
        let index = Int(truncatingIfNeeded: min(value, 99)) &* 2
        let pair = unsafe UnsafeRawPointer(Self.pairs.utf8Start).loadUnaligned(
            fromByteOffset: index, as: UInt16.self)
        unsafe base.storeBytes(of: pair, toByteOffset: offset, as: UInt16.self)
    }

    @inlinable @inline(__always)
    package mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(value.magnitude))
    }

    @usableFromInline
    package mutating func append(decimal value: UInt64) {
        // 2^64 has twenty digits.
        reserve(20)
        // Most numbers are short.
        if value < 100 {
            guard value >= 10 else { return put(Self.digit(value)) }
            putPair(value, at: count)
            count &+= 2
            return
        }
        if value < 10_000 {
            let front = value / 100
            if front >= 10 {
                putPair(front, at: count)
                count &+= 2
            } else {
                put(Self.digit(front))
            }
            putPair(value &- front &* 100, at: count)
            count &+= 2
            return
        }
        putLong(value)
    }

    /// 100 or more.
    private mutating func putLong(_ value: UInt64) {
        var length = 2
        var limit: UInt64 = 100
        while length < 20, value >= limit {
            length &+= 1
            // Wraps once there are twenty, and is not looked at again.
            limit = limit &* 10
        }
        var rest = value
        var offset = count &+ length
        while rest >= 100 {
            let quotient = rest / 100
            offset &-= 2
            putPair(rest &- quotient &* 100, at: offset)
            rest = quotient
        }
        if rest >= 10 {
            putPair(rest, at: count)
        } else {
            unsafe base.storeBytes(of: Self.digit(rest), toByteOffset: count, as: UInt8.self)
        }
        count &+= length
    }

    /// The most that ``append(seconds:)`` makes room for.
    static let secondsRoom = 27

    /// With microseconds.
    @usableFromInline
    package mutating func append(seconds nanoseconds: UInt64) {
        reserve(Self.secondsRoom)
        let micros = nanoseconds / 1000
        let seconds = micros / 1_000_000
        if seconds < 10 {
            put(Self.digit(seconds))
        } else {
            append(decimal: seconds)
        }
        put(UInt8(ascii: "."))
        let rest = micros &- seconds &* 1_000_000
        putPair(rest / 10_000, at: count)
        putPair(rest / 100 % 100, at: count &+ 2)
        putPair(rest % 100, at: count &+ 4)
        count &+= 6
    }

    /// Sixteen digits.
    @usableFromInline
    package mutating func append(hexadecimal value: UInt64) {
        reserve(16)
        putDigits(UInt32(truncatingIfNeeded: value >> 32))
        putDigits(UInt32(truncatingIfNeeded: value))
    }

    @inline(__always)
    private mutating func putDigits(_ value: UInt32) {
        unsafe base.storeBytes(of: Self.digits(value).bigEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    /// The eight hexadecimal digits of a number, the first in the highest byte: its half bytes are spread out, and all
    /// become digits at once.
    @inline(__always)
    private static func digits(_ value: UInt32) -> UInt64 {
        var spread = UInt64(value)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f
        // One in each byte that is ten or more.
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }

    /// A dotted quad.
    mutating func append(ipv4 value: UInt32) {
        reserve(16)
        putOctet(value >> 24)
        put(UInt8(ascii: "."))
        putOctet(value >> 16 & 255)
        put(UInt8(ascii: "."))
        putOctet(value >> 8 & 255)
        put(UInt8(ascii: "."))
        putOctet(value & 255)
    }

    @inline(__always)
    private mutating func putOctet(_ value: UInt32) {
        let octet = UInt64(value)
        if octet >= 100 {
            let hundreds = octet / 100
            put(Self.digit(hundreds))
            putPair(octet &- hundreds &* 100, at: count)
            count &+= 2
        } else if octet >= 10 {
            putPair(octet, at: count)
            count &+= 2
        } else {
            put(Self.digit(octet))
        }
    }

    /// In the canonical form of RFC 5952: the longest run of two groups or more that are zero, the first of them, is `::`.
    mutating func append(ipv6 value: UInt128) {
        // Eight groups of four digits, and a colon behind each.
        reserve(40)
        var longest = 0..<0
        var begin = 0
        for index in 0...8 {
            if index < 8, Self.group(value, index) == 0 { continue }
            if index &- begin > max(longest.count, 1) { longest = begin..<index }
            begin = index &+ 1
        }
        var index = 0
        while index < 8 {
            if index == longest.lowerBound, !longest.isEmpty {
                put("::")
                index = longest.upperBound
                continue
            }
            if index > 0, index != longest.upperBound || longest.isEmpty { put(UInt8(ascii: ":")) }
            let group = Self.group(value, index)
            let digits = Self.digits(UInt32(group))
            // Without the zeros in front, but with the last digit.
            let length = max(1, (35 &- UInt32(group).leadingZeroBitCount) / 4)
            var shift = length &* 8
            while shift > 0 {
                shift &-= 8
                put(UInt8(truncatingIfNeeded: digits >> UInt64(shift)))
            }
            index &+= 1
        }
    }

    @inline(__always)
    private static func group(_ value: UInt128, _ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: value >> UInt128(112 &- 16 &* index))
    }
}
