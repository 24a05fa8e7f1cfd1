import Addresses
import HTTPWire

/// The client that proxies name.
extension RequestHead {
    /// Whose request this is, as trusted proxies have written it into `X-Forwarded-For`, or where that is missing, into
    /// `Forwarded` (RFC 7239 section 5.2). Each wrote behind the others where the request came from, so that they are
    /// read from the end: the first address that is no trusted proxy's is the client's, and what is in front of it are
    /// the client's own words. Where something else than an address is met before, the proxy that wrote it hides its
    /// client, and stands for it.
    ///
    /// - Parameters:
    ///   - bytes: what this was parsed from; came from a proxy that is trusted.
    ///   - trusts: whether an address is one of those proxies.
    /// - Returns: `nil` when they name nobody.
    func origin(_ bytes: Span<UInt8>, trusts: (IPAddress) -> Bool) -> IPAddress? {
        let name = fields.contains(.xForwardedFor) ? FieldName.xForwardedFor : .forwarded
        var nearest: IPAddress?
        var hops = 0
        for index in stride(from: fields.count - 1, through: 0, by: -1) where fields[index].name == name {
            let value = fields[index].value
            var end = value.end
            while true {
                let start = Self.separator(UInt8(ascii: ","), bytes, value.start..<end) ?? value.start - 1
                let element = Self.trimmed(bytes, start + 1..<end)
                if !element.isEmpty {
                    let node = name == .forwarded ? Self.forParameter(bytes, element) : element
                    guard hops < Self.mostHops, let node, let address = Self.address(bytes, node) else {
                        return nearest
                    }
                    guard trusts(address) else { return address }
                    nearest = address
                    hops += 1
                }
                guard start >= value.start else { break }
                end = start
            }
        }
        return nearest
    }

    /// Only trusted proxies make this many.
    private static let mostHops = 64

    /// The last of these in the range outside of quotes.
    private static func separator(_ wanted: UInt8, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var isQuoted = false
        for index in range.reversed() {
            if bytes[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if bytes[index] == wanted, !isQuoted { return index }
        }
        return nil
    }

    private static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    /// What is behind `for=` in an element of `Forwarded`, without quotes.
    private static func forParameter(_ bytes: Span<UInt8>, _ element: Range<Int>) -> Range<Int>? {
        var end = element.upperBound
        while true {
            let start = separator(UInt8(ascii: ";"), bytes, element.lowerBound..<end) ?? element.lowerBound - 1
            let pair = trimmed(bytes, start + 1..<end)
            if pair.count > 4, equalsIgnoringCase(bytes.extracting(pair.lowerBound..<pair.lowerBound + 4), "for=") {
                var value = pair.lowerBound + 4..<pair.upperBound
                let quote = UInt8(ascii: "\"")
                if value.count >= 2, bytes[value.lowerBound] == quote, bytes[value.upperBound - 1] == quote {
                    value = value.lowerBound + 1..<value.upperBound - 1
                }
                return value
            }
            guard start >= element.lowerBound else { return nil }
            end = start
        }
    }

    /// An address, IPv6 with or without brackets, with or without a port.
    private static func address(_ bytes: Span<UInt8>, _ range: Range<Int>) -> IPAddress? {
        guard range.count <= 60 else { return nil }
        var text: [UInt8] = []
        for index in range { text.append(bytes[index]) }
        let colon = UInt8(ascii: ":")
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")), isPort(text[(end + 1)...]) else { return nil }
            text = Array(text[1..<end])
            guard text.contains(colon) else { return nil }
        } else if let first = text.firstIndex(of: colon), first == text.lastIndex(of: colon) {
            guard isPort(text[first...]) else { return nil }
            text = Array(text[..<first])
        }
        return IPAddress(String(decoding: text, as: UTF8.self))?.unmapped
    }

    /// Nothing, or a colon and what stands for a port (RFC 7239 section 6).
    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        text.isEmpty || (text.first == UInt8(ascii: ":") && (2...6).contains(text.count))
    }
}
