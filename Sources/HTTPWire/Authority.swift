/// `uri-host [ ":" port ]` as in Host and in absolute targets (RFC 9110 section 7.2, RFC 3986 section 3.2).
package struct Authority: Sendable, Hashable {
    /// All of it; may be empty.
    package var text = ByteRange()
    /// Without port and without a port's colon; an IPv6 literal keeps its brackets.
    package var host = ByteRange()
    package var port: UInt16?

    package init() {}

    /// The longest name (RFC 1035 section 2.3.4), a colon and a port.
    package static let limit = 255 + 6

    /// Checks `range` of `bytes`; `nil` for what is not a host: user information, characters that no name has, a port
    /// out of range, more than ``limit`` bytes.
    package init?(_ bytes: Span<UInt8>, _ range: ByteRange) {
        guard range.count <= Self.limit else { return nil }
        var index = range.start
        let end = range.end
        if index < end, bytes[index] == UInt8(ascii: "[") {
            index += 1
            let inner = index
            while index < end, CharacterClass.isIPv6(bytes[index]) { index += 1 }
            guard index < end, bytes[index] == UInt8(ascii: "]"), Self.isIPv6(bytes, inner..<index) else { return nil }
            index += 1
        } else {
            while index < end, CharacterClass.isHost(bytes[index]) { index += 1 }
        }
        text = range
        host = ByteRange(range.start, index)
        guard index < end else { return }
        guard bytes[index] == UInt8(ascii: ":"), index > range.start else { return nil }
        index += 1
        guard index < end else { return }
        var value = 0
        while index < end {
            guard CharacterClass.isDigit(bytes[index]) else { return nil }
            value = value * 10 + Int(bytes[index] &- UInt8(ascii: "0"))
            guard value <= 65_535 else { return nil }
            index += 1
        }
        port = UInt16(value)
    }

    /// Whether these are an IPv6 address (RFC 3986 section 3.2.2): eight groups of up to four digits, of which one `::` can
    /// stand for some, and the last two may be an IPv4 address.
    private static func isIPv6(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let colon = UInt8(ascii: ":")
        var index = range.lowerBound
        var groups = 0
        var isShortened = false
        if range.count >= 2, bytes[index] == colon, bytes[index + 1] == colon {
            isShortened = true
            index += 2
        }
        while index < range.upperBound {
            let start = index
            while index < range.upperBound, CharacterClass.hexValue(bytes[index]) != nil { index += 1 }
            if index < range.upperBound, bytes[index] == UInt8(ascii: ".") {
                guard isIPv4(bytes, start..<range.upperBound) else { return false }
                groups += 2
                break
            }
            guard 1...4 ~= index - start else { return false }
            groups += 1
            guard index < range.upperBound else { break }
            // Nothing else is left: the caller has seen digits, colons and dots only.
            index += 1
            guard index < range.upperBound else { return false }
            if bytes[index] == colon {
                guard !isShortened else { return false }
                isShortened = true
                index += 1
            }
        }
        return isShortened ? groups < 8 : groups == 8
    }

    /// Four numbers up to 255, without zeros in front.
    private static func isIPv4(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var numbers = 0
        var start = range.lowerBound
        while true {
            var value = 0
            var index = start
            while index < range.upperBound, CharacterClass.isDigit(bytes[index]), index - start < 3 {
                value = value * 10 + Int(bytes[index] &- UInt8(ascii: "0"))
                index += 1
            }
            guard index > start, value <= 255, index - start == 1 || bytes[start] != UInt8(ascii: "0") else {
                return false
            }
            numbers += 1
            guard index < range.upperBound else { return numbers == 4 }
            guard numbers < 4, bytes[index] == UInt8(ascii: ".") else { return false }
            start = index + 1
        }
    }
}
