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
    /// The place of the first one, in a text with so many aliases that they could unfold to very much; in others such
    /// keys do no harm and are reported later.
    ///
    /// Text in quotes is left out line by line; in a block scalar `]:` or `? ` is taken for a key.
    static func first(in text: String) -> Position? {
        let aliases = text.utf8.count { $0 == UInt8(ascii: "*") }
        guard aliases > 16, text.utf8.contains(UInt8(ascii: "&")) else { return nil }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let bytes = withoutQuoted(Array(line.utf8))
            for index in bytes.indices where isKeyEnd(bytes, index) || isExplicitKey(bytes, index) {
                return Position(line: number + 1, column: index + 1)
            }
        }
        return nil
    }

    /// The line with the text between quotes blotted out. A quote opens where a value can begin.
    private static func withoutQuoted(_ line: [UInt8]) -> [UInt8] {
        var result = line
        var open: UInt8?
        for (index, byte) in line.enumerated() {
            if let quote = open {
                if byte == quote, quote == UInt8(ascii: "'") || line[index - 1] != UInt8(ascii: "\\") { open = nil }
                result[index] = UInt8(ascii: "x")
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"),
                index == 0 || " \t[{,:".utf8.contains(line[index - 1])
            {
                open = byte
                result[index] = UInt8(ascii: "x")
            }
        }
        return result
    }

    /// `]:`, `}:` and `*name :`.
    private static func isKeyEnd(_ bytes: [UInt8], _ index: Int) -> Bool {
        var rest = bytes[(index + 1)...]
        switch bytes[index] {
        case UInt8(ascii: "]"), UInt8(ascii: "}"): break
        case UInt8(ascii: "*"):
            let name = rest.prefix { isNameByte($0) }
            guard !name.isEmpty else { return false }
            rest = rest.dropFirst(name.count)
        default: return false
        }
        return rest.first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: ":")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte & 0xdf) || "-_".utf8.contains(byte)
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
