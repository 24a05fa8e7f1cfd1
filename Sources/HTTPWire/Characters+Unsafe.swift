/// Character classes of RFC 9110 as bit sets: two words each, no table to load.
enum CharacterClass {
    /// `tchar`: ! # $ % & ' * + - . ^ _ ` | ~ and letters and digits.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { member(byte, 0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe) }

    /// What a request target may hold: visible ASCII without `#`.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "#") }

    /// A registered name or IPv4 address as names are made in practice: letters, digits, `-`, `.` and `_`.
    @inline(__always)
    static func isHost(_ byte: UInt8) -> Bool { member(byte, 0x03ff_6000_0000_0000, 0x07ff_fffe_87ff_fffe) }

    /// Inside the brackets of an IPv6 literal.
    @inline(__always)
    static func isIPv6(_ byte: UInt8) -> Bool { member(byte, 0x07ff_4000_0000_0000, 0x0000_007e_0000_007e) }

    @inline(__always)
    static func isUnreserved(_ byte: UInt8) -> Bool { member(byte, 0x03ff_6000_0000_0000, 0x47ff_fffe_87ff_fffe) }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// 0...15, or `nil`.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- UInt8(ascii: "0") < 10 { return byte &- UInt8(ascii: "0") }
        let lower = byte | 0x20
        if lower &- UInt8(ascii: "a") < 6 { return lower &- UInt8(ascii: "a") &+ 10 }
        return nil
    }

    @inline(__always)
    static func lowercase(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

    /// The highest bit of each of eight bytes that is no letter, digit or hyphen.
    @inline(__always)
    static func notOfNames(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        // What is added to seven bits reaches the eighth from the first character of a range on, and from the one
        // behind its last.
        let low = word & ~tops
        let small = low | 0x20 &* ones
        let letters = (small &+ (0x80 - 0x61) &* ones) & ~(small &+ (0x80 - 0x7b) &* ones)
        let digits = (low &+ (0x80 - 0x30) &* ones) & ~(low &+ (0x80 - 0x3a) &* ones)
        let hyphens = ~((low ^ 0x2d &* ones) &+ 0x7f &* ones)
        return ~((letters | digits | hyphens) & ~word) & tops
    }

    @inline(__always)
    private static func member(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 == 1
    }
}

/// The first offset in `offset...` of a byte that is not part of a plain field value: a control other than HTAB, or
/// DEL; `bytes.count` when there is none.
///
/// Eight bytes at a time: a byte below 0x20 borrows in the first subtraction, a DEL becomes zero and borrows in the
/// second. HTAB stops the scan too and is stepped over.
@inline(__always)
func endOfValue(_ bytes: Span<UInt8>, from offset: Int) -> Int {
    let count = bytes.count
    var index = offset
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    // `index + 8 <= count` bounds every load, `index < count` every subscript.
    let raw = unsafe bytes.bytes
    while true {
        while index &+ 8 <= count {
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let deletes = word ^ (0x7f &* ones)
            let stops = ((word &- (0x20 &* ones)) & ~word | (deletes &- ones) & ~deletes) & tops
            if stops != 0 {
                index &+= stops.littleEndian.trailingZeroBitCount &>> 3
                break
            }
            index &+= 8
        }
        while index < count {
            let byte = unsafe bytes[unchecked: index]
            if byte < 0x20 ? byte != 0x09 : byte == 0x7f { return index }
            index &+= 1
            if byte == 0x09 { break }
        }
        if index >= count { return count }
    }
}

/// The end of the run of token characters from `offset`.
///
/// Eight bytes at a time as long as they are letters, digits and hyphens, which names are made of.
@inline(__always)
func endOfToken(_ bytes: Span<UInt8>, from offset: Int) -> Int {
    var index = offset
    let count = bytes.count
    // `index + 8 <= count` bounds the load, `index < count` the subscript.
    let raw = unsafe bytes.bytes
    while index &+ 8 <= count {
        let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
        let others = CharacterClass.notOfNames(word)
        guard others == 0 else {
            index &+= others.littleEndian.trailingZeroBitCount &>> 3
            break
        }
        index &+= 8
    }
    while index < count, CharacterClass.isToken(unsafe bytes[unchecked: index]) { index &+= 1 }
    return index
}

/// The end of the run of request-target characters from `offset`.
@inline(__always)
func endOfTarget(_ bytes: Span<UInt8>, from offset: Int) -> Int {
    var index = offset
    let count = bytes.count
    // `index < count` bounds the subscript.
    while index < count, CharacterClass.isTarget(unsafe bytes[unchecked: index]) { index &+= 1 }
    return index
}

/// Compares ASCII without regard to case.
@inline(__always)
package func equalsIgnoringCase(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    let count = bytes.count
    guard count == text.utf8CodeUnitCount else { return false }
    let other = unsafe text.utf8Start
    for index in 0..<count {
        // `index < count`, which is the length of both.
        let a = unsafe bytes[unchecked: index]
        let b = unsafe other[index]
        // Names are letters, digits and hyphens: equal bytes, or letters that differ in case only.
        if a != b, CharacterClass.lowercase(a) != CharacterClass.lowercase(b) { return false }
    }
    return true
}

/// Compares ASCII without regard to case.
package func equalsIgnoringCase(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    for index in 0..<a.count where CharacterClass.lowercase(a[index]) != CharacterClass.lowercase(b[index]) {
        return false
    }
    return true
}

/// Whether any byte of `bytes` is a line feed.
package func containsLineFeed(_ bytes: Span<UInt8>) -> Bool {
    for index in 0..<bytes.count where bytes[index] == 0x0a { return true }
    return false
}

/// Compares with case.
@inline(__always)
func isEqual(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    // `index` is below the length of both.
    for index in 0..<bytes.count where unsafe bytes[index] != text.utf8Start[index] { return false }
    return true
}

/// Whether `bytes` is how `text` begins, or all of it: what a good message that is not all there looks like.
@inline(__always)
func isBeginning(_ bytes: Span<UInt8>, of text: StaticString) -> Bool {
    guard bytes.count <= text.utf8CodeUnitCount else { return false }
    // `index` is below the length of both.
    for index in 0..<bytes.count where unsafe bytes[index] != text.utf8Start[index] { return false }
    return true
}

/// Compares the first bytes with ASCII without regard to case.
@inline(__always)
func beginsIgnoringCase(_ bytes: Span<UInt8>, _ prefix: StaticString) -> Bool {
    bytes.count >= prefix.utf8CodeUnitCount
        && equalsIgnoringCase(bytes.extracting(0..<prefix.utf8CodeUnitCount), prefix)
}
