/// Numbers, times and addresses, digits two at a time. Each makes room for the most that it can take.
extension LogLine {
    @inlinable @inline(__always)
    package mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(value.magnitude))
    }

    @inlinable @inline(__always)
    package mutating func append(decimal value: UInt64) {
        // 2^64 has twenty digits.
        reserve(20)
        count = unsafe Self.put(decimal: value, at: base, count)
    }

    /// Up to five digits, all at once: numbers of one message and the next differ in length, and a processor that guesses it
    /// is often wrong.
    @inlinable @inline(__always)
    package mutating func append(decimal value: UInt16) {
        reserve(8)
        put(decimal: value)
    }

    /// The caller has made room for eight bytes.
    @inlinable @inline(__always)
    mutating func put(decimal value: UInt16) {
        let (text, length) = Self.digits(value)
        unsafe base.storeBytes(of: text, toByteOffset: count, as: UInt64.self)
        count &+= length
    }

    /// The digits, the first in the lowest byte, and how many there are.
    @inlinable @inline(__always)
    static func digits(_ value: UInt16) -> (UInt64, Int) {
        let value = UInt32(value)
        let first = value / 10_000
        let rest = value &- first &* 10_000
        let front = rest / 100
        // Two numbers below a hundred, which become two digits each; 103 / 1024 is a tenth, as far as such numbers tell.
        let pairs = front | (rest &- front &* 100) << 16
        let tens = (pairs &* 103) >> 10 & 0x000f_000f
        let four = tens | (pairs &- tens &* 10) << 8
        // The first digit is the fourth byte, as if there were eight. The last is written even where it is zero.
        let all = UInt64(first) << 24 | UInt64(four) << 32
        let zeros = (all | 1 << 56).trailingZeroBitCount & ~7
        return ((all | 0x3030_3030_3030_3030) >> UInt64(zeros), 8 &- zeros / 8)
    }

    /// With microseconds.
    @inlinable @inline(__always)
    package mutating func append(seconds nanoseconds: UInt64) {
        // Eighteen digits at most, a point, and six more.
        reserve(27)
        count = unsafe Self.put(seconds: nanoseconds, at: base, count)
    }

    /// Sixteen digits.
    @inlinable @inline(__always)
    package mutating func append(hexadecimal value: UInt64) {
        reserve(16)
        unsafe Self.put(hexadecimal: value, at: base, count)
        count &+= 16
    }

    /// A dotted quad.
    @inlinable @inline(__always)
    package mutating func append(ipv4 value: UInt32) {
        // A dot behind it is written, too.
        reserve(16)
        count = unsafe Self.put(ipv4: value, at: base, count)
    }

    /// In the canonical form of RFC 5952.
    @inlinable @inline(__always)
    package mutating func append(ipv6 value: UInt128) {
        // Eight groups of four digits, and a colon behind each.
        reserve(40)
        count = unsafe Self.put(ipv6: value, at: base, count)
    }

    // MARK: Into memory that has the room; each returns the offset behind what it wrote

    /// 00 to 99.
    private static let pairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// Of a value below ten.
    @inline(__always)
    private static func digit(_ value: UInt64) -> UInt8 { UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value) }

    /// Two digits.
    @inline(__always)
    private static func put(pair value: UInt64, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        // Below 100, so within the 200 digits.
        let index = Int(truncatingIfNeeded: min(value, 99)) &* 2
        let pair = unsafe UnsafeRawPointer(pairs.utf8Start).loadUnaligned(fromByteOffset: index, as: UInt16.self)
        unsafe base.storeBytes(of: pair, toByteOffset: offset, as: UInt16.self)
        return offset &+ 2
    }

    /// One or two digits of a value below 100.
    @inline(__always)
    private static func put(short value: UInt64, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        value < 10 ? unsafe put(digit(value), at: base, offset) : unsafe put(pair: value, at: base, offset)
    }

    @usableFromInline @inline(never)
    static func put(decimal value: UInt64, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        // Most numbers are short.
        if value < 100 { return unsafe put(short: value, at: base, offset) }
        if value < 10_000 {
            let front = value / 100
            let next = unsafe put(short: front, at: base, offset)
            return unsafe put(pair: value &- front &* 100, at: base, next)
        }
        guard value < 1_000_000 else { return unsafe put(long: value, at: base, offset) }
        let front = value / 10_000
        let rest = value &- front &* 10_000
        var next = unsafe put(short: front, at: base, offset)
        next = unsafe put(pair: rest / 100, at: base, next)
        return unsafe put(pair: rest % 100, at: base, next)
    }

    /// 100 or more.
    private static func put(long value: UInt64, at base: UnsafeMutableRawPointer, _ begin: Int) -> Int {
        var length = 2
        var limit: UInt64 = 100
        while length < 20, value >= limit {
            length &+= 1
            // Wraps once there are twenty, and is not looked at again.
            limit = limit &* 10
        }
        var rest = value
        var offset = begin &+ length
        while rest >= 100 {
            let quotient = rest / 100
            offset &-= 2
            _ = unsafe put(pair: rest &- quotient &* 100, at: base, offset)
            rest = quotient
        }
        _ = unsafe put(short: rest, at: base, begin)
        return begin &+ length
    }

    @usableFromInline @inline(never)
    static func put(seconds nanoseconds: UInt64, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        let micros = nanoseconds / 1000
        let seconds = micros / 1_000_000
        let rest = micros &- seconds &* 1_000_000
        var next =
            seconds < 10
            ? unsafe put(digit(seconds), at: base, offset) : unsafe put(decimal: seconds, at: base, offset)
        next = unsafe put(UInt8(ascii: "."), at: base, next)
        next = unsafe put(pair: rest / 10_000, at: base, next)
        next = unsafe put(pair: rest / 100 % 100, at: base, next)
        return unsafe put(pair: rest % 100, at: base, next)
    }

    @usableFromInline
    static func put(hexadecimal value: UInt64, at base: UnsafeMutableRawPointer, _ offset: Int) {
        let (high, low) = (UInt32(truncatingIfNeeded: value >> 32), UInt32(truncatingIfNeeded: value))
        unsafe base.storeBytes(of: digits(high).bigEndian, toByteOffset: offset, as: UInt64.self)
        unsafe base.storeBytes(of: digits(low).bigEndian, toByteOffset: offset &+ 8, as: UInt64.self)
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

    @usableFromInline @inline(never)
    static func put(ipv4 value: UInt32, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        let octets = unsafe octets
        var next = unsafe put(octets, value >> 24, at: base, offset)
        next = unsafe put(octets, value >> 16, at: base, next)
        next = unsafe put(octets, value >> 8, at: base, next)
        // Without the last dot.
        return unsafe put(octets, value, at: base, next) &- 1
    }

    /// The text of each octet in the three lowest bytes, its first digit lowest, and in the highest one how many there are:
    /// which octets have two digits and which three cannot be guessed. Never given back.
    // Nothing writes to it once it is made.
    private nonisolated(unsafe) static let octets: UnsafePointer<UInt32> = {
        let octets = UnsafeMutablePointer<UInt32>.allocate(capacity: 256)
        for octet in 0..<256 {
            let (text, length) = digits(UInt16(octet))
            unsafe (octets + octet).initialize(to: UInt32(text & 0xff_ffff) | UInt32(length) << 24)
        }
        return unsafe UnsafePointer(octets)
    }()

    /// The lowest octet of a value, and a dot.
    @inline(__always)
    private static func put(
        _ octets: UnsafePointer<UInt32>, _ value: UInt32, at base: UnsafeMutableRawPointer, _ offset: Int
    ) -> Int {
        let text = unsafe octets[Int(value & 255)]
        unsafe base.storeBytes(of: text, toByteOffset: offset, as: UInt32.self)
        return unsafe put(UInt8(ascii: "."), at: base, offset &+ Int(text >> 24))
    }

    /// The longest run of two groups or more that are zero, the first of them, is `::`.
    @usableFromInline @inline(never)
    static func put(ipv6 value: UInt128, at base: UnsafeMutableRawPointer, _ offset: Int) -> Int {
        var longest = 0..<0
        var begin = 0
        for index in 0...8 {
            if index < 8, group(value, index) == 0 { continue }
            if index &- begin > max(longest.count, 1) { longest = begin..<index }
            begin = index &+ 1
        }
        var next = offset
        var index = 0
        while index < 8 {
            if index == longest.lowerBound, !longest.isEmpty {
                next = unsafe put(UInt8(ascii: ":"), at: base, next)
                next = unsafe put(UInt8(ascii: ":"), at: base, next)
                index = longest.upperBound
                continue
            }
            if index > 0, index != longest.upperBound || longest.isEmpty {
                next = unsafe put(UInt8(ascii: ":"), at: base, next)
            }
            let group = group(value, index)
            let digits = digits(UInt32(group))
            // Without the zeros in front, but with the last digit.
            let length = max(1, (35 &- UInt32(group).leadingZeroBitCount) / 4)
            var shift = length &* 8
            while shift > 0 {
                shift &-= 8
                next = unsafe put(UInt8(truncatingIfNeeded: digits >> UInt64(shift)), at: base, next)
            }
            index &+= 1
        }
        return next
    }

    @inline(__always)
    private static func group(_ value: UInt128, _ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: value >> UInt128(112 &- 16 &* index))
    }
}
