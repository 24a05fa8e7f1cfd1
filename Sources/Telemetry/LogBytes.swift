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

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Text of this program's own for a JSON string (RFC 8259 section 7). Control characters, also those beyond ASCII and
    /// those that turn the direction of text, are escaped, so that none reaches a terminal.
    package mutating func append(jsonText text: String) { append(text, isQuoted: true) }

    /// The same for what stands in no quotes, so that its own are as people write them.
    package mutating func append(sentence text: String) { append(text, isQuoted: false) }

    private mutating func append(_ text: String, isQuoted: Bool) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"" where isQuoted: append(text: "\\\"")
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
