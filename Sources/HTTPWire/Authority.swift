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
            guard index < end, index - inner >= 2, bytes[index] == UInt8(ascii: "]") else { return nil }
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
}
