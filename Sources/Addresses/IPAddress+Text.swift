extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Reads dotted-quad IPv4 (four decimal numbers, no leading zeros) or IPv6 text (RFC 4291 section 2.2, zone
    /// identifiers refused).
    @usableFromInline
    package init?(_ text: String) {
        let characters = Array(text.utf8)
        if characters.contains(UInt8(ascii: ":")) {
            guard let value = Self.ipv6(characters[...]) else { return nil }
            self = .v6(value)
        } else {
            guard let value = Self.ipv4(characters[...]) else { return nil }
            self = .v4(value)
        }
    }

    /// Dotted quad, or IPv6 in the canonical form of RFC 5952.
    @usableFromInline
    package var description: String {
        switch self {
        case .v4(let value):
            return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        case .v6(let value):
            return Self.canonical(value)
        }
    }

    private static func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var dots = 0
        var octet: UInt32 = 0
        var digits = 0
        for character in text {
            if character == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                value = value << 8 | octet
                dots += 1
                octet = 0
                digits = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
            // No leading zeros, so three digits at most.
            guard digits == 0 || octet > 0 else { return nil }
            octet = octet * 10 + UInt32(character - UInt8(ascii: "0"))
            digits += 1
            guard octet <= 255 else { return nil }
        }
        guard digits > 0, dots == 3 else { return nil }
        return value << 8 | octet
    }

    private static func ipv6(_ text: ArraySlice<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var gap: ArraySlice<UInt8>.Index?
        var index = text.startIndex
        while index < text.endIndex - 1 {
            if text[index] == colon, text[index + 1] == colon {
                guard gap == nil else { return nil }
                gap = index
                index += 1
            }
            index += 1
        }
        if let gap {
            guard let head = groups(text[..<gap], mayEmbed: false), let tail = groups(text[(gap + 2)...]) else {
                return nil
            }
            guard head.count + tail.count < 8 else { return nil }
            let all = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
            return all.reduce(0) { $0 << 16 | UInt128($1) }
        }
        guard let all = groups(text), all.count == 8 else { return nil }
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// The 16-bit groups of a part without `::`; the last of the address may be an embedded IPv4 address, which gives two.
    private static func groups(_ text: ArraySlice<UInt8>, mayEmbed: Bool = true) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var result: [UInt16] = []
        for (position, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")) {
                guard mayEmbed, position == parts.count - 1, let embedded = ipv4(part) else { return nil }
                result += [UInt16(embedded >> 16), UInt16(embedded & 0xffff)]
                continue
            }
            guard (1...4).contains(part.count), part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-"),
                let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            result.append(value)
        }
        return result
    }

    private static func canonical(_ value: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        var best = 0..<0
        var start: Int?
        for index in 0...8 {
            if index < 8, groups[index] == 0 {
                if start == nil { start = index }
            } else if let begin = start {
                if index - begin > best.count { best = begin..<index }
                start = nil
            }
        }
        let hex = { (range: Range<Int>) in groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        guard best.count > 1 else { return hex(0..<8) }
        return hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
    }
}
