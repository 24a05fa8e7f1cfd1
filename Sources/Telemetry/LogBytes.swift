extension [UInt8] {
    package mutating func append(text: StaticString) {
        // The text lives as long as the program.
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(value.magnitude))
    }

    package mutating func append(decimal value: UInt64) {
        guard value >= 10 else { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        // From the last digit to the first; 2^64 has twenty.
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        for index in start..<20 { append(digits[index]) }
    }

    /// With microseconds.
    package mutating func append(seconds nanoseconds: UInt64) {
        append(decimal: nanoseconds / 1_000_000_000)
        append(UInt8(ascii: "."))
        let micros = nanoseconds % 1_000_000_000 / 1000
        var divisor: UInt64 = 100_000
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(micros / divisor % 10))
            divisor /= 10
        }
    }

    package mutating func append(hexadecimal value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            append(Self.digit(UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// All but visible ASCII becomes `\xNN`, and so do the space, the quotation mark and the backslash. Nothing at all
    /// becomes `-`.
    package mutating func append(escaped bytes: Span<UInt8>, limit: Int) {
        if bytes.isEmpty { return append(UInt8(ascii: "-")) }
        append(bytes, limit: limit, lowest: 0x21, escape: "\\x")
    }

    /// What needs no escape is copied in one piece, which is nearly always all of it.
    private mutating func append(_ bytes: Span<UInt8>, limit: Int, lowest: UInt8, escape: StaticString) {
        let count = Swift.min(bytes.count, limit)
        var begin = 0
        for index in 0..<count {
            let byte = bytes[index]
            if byte >= lowest, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            append(bytes, from: begin, to: index)
            append(text: escape)
            append(Self.digit(byte >> 4))
            append(Self.digit(byte & 15))
            begin = index + 1
        }
        append(bytes, from: begin, to: count)
        if bytes.count > limit { append(text: "...") }
    }

    private mutating func append(_ bytes: Span<UInt8>, from begin: Int, to end: Int) {
        guard begin < end else { return }
        unsafe bytes.extracting(begin..<end).withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    /// The inside of a JSON string: bytes that are not visible ASCII become `\u00NN`, each byte for itself, because what
    /// clients send need not be UTF-8.
    package mutating func append(json bytes: Span<UInt8>, limit: Int) {
        append(bytes, limit: limit, lowest: 0x20, escape: "\\u00")
    }

    /// Text of this program's own for a JSON string (RFC 8259 section 7). Control characters, also those beyond ASCII and
    /// those that turn the direction of text, are escaped, so that none reaches a terminal.
    package mutating func append(jsonText text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append(text: "\\\"")
            case "\\": append(text: "\\\\")
            case "\n": append(text: "\\n")
            case _ where Self.isHidden(scalar):
                append(text: "\\u")
                for shift in [12, 8, 4, 0] as [UInt32] {
                    append(Self.digit(UInt8(truncatingIfNeeded: scalar.value >> shift) & 15))
                }
            default: append(contentsOf: scalar.utf8)
            }
        }
    }

    /// The same for lines that people read: in quotes where it has spaces, quotes or what must be escaped.
    package mutating func append(readable text: String) {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0 != " " && $0 != "\"" && $0 != "\\" && !Self.isHidden($0)
            }
        guard !isPlain else { return append(contentsOf: text.utf8) }
        append(UInt8(ascii: "\""))
        append(jsonText: text)
        append(UInt8(ascii: "\""))
    }

    /// C0, DEL, C1, line and paragraph separators, and marks of direction.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff: true
        default: false
        }
    }
}
