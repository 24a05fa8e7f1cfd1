/// Why bytes are not text that YAML allows, and where.
struct TextProblem {
    var position: Position
    var wrong: String
    var advice: String

    /// The first byte that is not UTF-8, or the first character that YAML forbids (YAML 1.2 section 5.1).
    static func first(in bytes: [UInt8]) -> TextProblem? {
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var position = Position.start
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .emptyInput: return nil
            case .error:
                return TextProblem(
                    position: position, wrong: "the file is not UTF-8 text here",
                    advice: "save it with the encoding UTF-8")
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded).value
                guard isAllowed(scalar) else {
                    return TextProblem(
                        position: position,
                        wrong: "the control character U+\(hexadecimal(scalar)) is not allowed in YAML",
                        advice: "remove it")
                }
                if scalar == 0x0a {
                    position = Position(line: position.line + 1, column: 1)
                } else {
                    position.column += 1
                }
            }
        }
    }

    private static func isAllowed(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0x0a, 0x0d, 0x85: true
        case 0x20...0x7e, 0xa0...0xd7ff: true
        // The private use area marks keys that are given twice while reading.
        case 0xe000...0xe0ff: false
        case 0xe100...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}

/// Finds keys that are collections or aliases, before a library hashes them.
enum CollectionKeys {
    /// The place of the first one, in a text that has aliases; without aliases such keys are harmless and are reported later.
    ///
    /// Text inside quotes and block scalars is searched too: with aliases in the file, `]:` or `? ` in a text is refused.
    static func first(in text: String) -> Position? {
        let aliases = text.utf8.count { $0 == UInt8(ascii: "*") }
        let anchors = text.utf8.count { $0 == UInt8(ascii: "&") }
        // Fewer cannot unfold to more than some thousand values.
        guard anchors > 0, aliases > 16 else { return nil }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let bytes = Array(line.utf8)
            for index in bytes.indices where isKeyEnd(bytes, index) || isExplicitKey(bytes, index) {
                return Position(line: number + 1, column: index + 1)
            }
        }
        return nil
    }

    /// `]:`, `}:` and `*name :`.
    private static func isKeyEnd(_ bytes: [UInt8], _ index: Int) -> Bool {
        switch bytes[index] {
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            return bytes[(index + 1)...].first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: ":")
        case UInt8(ascii: "*"):
            let rest = bytes[(index + 1)...].drop { $0 != 0x20 && $0 != 0x09 && $0 != UInt8(ascii: ":") }
            return rest.first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: ":") && rest.startIndex > index + 1
        default: return false
        }
    }

    /// `? ` at the start of a line or after an indicator.
    private static func isExplicitKey(_ bytes: [UInt8], _ index: Int) -> Bool {
        guard bytes[index] == UInt8(ascii: "?"), index + 1 == bytes.count || bytes[index + 1] <= 0x20 else {
            return false
        }
        let before = bytes[..<index].last { $0 != 0x20 && $0 != 0x09 }
        return before.map { "-?{[,:".utf8.contains($0) } ?? true
    }
}
