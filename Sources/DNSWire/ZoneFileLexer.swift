/// Cuts a zone file into entries and fields (RFC 1035 section 5.1): comments, quotes, and parentheses that join lines.
///
/// Escapes are left in place, because only the reader of a field knows what they mean in it.
struct ZoneFileLexer {
    struct Failure: Error {
        var message: String
        var offset: Int
        var line: Int
        var column: Int
    }

    let text: [UInt8]
    /// A record's data alone: `;` is an ordinary character, lines do not end the entry.
    let isInline: Bool
    private var index = 0
    private var line = 1
    /// Where the current line starts.
    private var lineStart = 0
    /// Whether the last entry began with a blank, which stands for the owner before it.
    private(set) var beginsWithBlank = false

    init(text: [UInt8], isInline: Bool = false) {
        self.text = text
        self.isInline = isInline
    }

    var isAtEnd: Bool { index >= text.count }

    private func failure(_ message: String, at offset: Int, line: Int? = nil, lineStart: Int? = nil) -> Failure {
        Failure(
            message: message, offset: offset, line: line ?? self.line,
            column: offset - (lineStart ?? self.lineStart) + 1)
    }

    private mutating func newLine() {
        line += 1
        lineStart = index
    }

    /// Reads the next entry's fields; none for an empty line. After a failure, which is returned, the next call goes on
    /// behind the line that it stood in.
    mutating func nextEntry(into fields: inout [TextField]) -> Failure? {
        fields.removeAll(keepingCapacity: true)
        beginsWithBlank = index < text.count && (text[index] == 0x20 || text[index] == 0x09)
        var open: Failure?
        while index < text.count {
            let byte = text[index]
            switch byte {
            case 0x0a:
                index += 1
                newLine()
                if open == nil, !isInline { return nil }
            case 0x20, 0x09, 0x0d:
                index += 1
            case UInt8(ascii: ";") where !isInline:
                skipLine()
            case UInt8(ascii: "("):
                if open != nil { return fail(failure("a ( inside parentheses; take one of them out", at: index)) }
                open = failure("this ( is never closed; write a ) behind the record's last field", at: index)
                index += 1
            case UInt8(ascii: ")"):
                if open == nil { return fail(failure("a ) without a ( before it; take it out", at: index)) }
                open = nil
                index += 1
            case UInt8(ascii: "\""):
                if let failure = readQuoted(into: &fields) { return fail(failure) }
            default:
                readBare(into: &fields)
            }
        }
        return open
    }

    private mutating func skipLine() {
        while index < text.count, text[index] != 0x0a { index += 1 }
    }

    private mutating func fail(_ failure: Failure) -> Failure {
        skipLine()
        if index < text.count {
            index += 1
            newLine()
        }
        return failure
    }

    private mutating func readQuoted(into fields: inout [TextField]) -> Failure? {
        let quote = index
        index += 1
        while index < text.count, text[index] != UInt8(ascii: "\"") {
            if text[index] == 0x0a, !isInline { break }
            if text[index] == UInt8(ascii: "\\"), index + 1 < text.count, text[index + 1] != 0x0a { index += 1 }
            index += 1
        }
        guard index < text.count, text[index] == UInt8(ascii: "\"") else {
            return failure("this quote is not closed on its line; write a \" at the end of the text", at: quote)
        }
        fields.append(
            TextField(range: quote + 1..<index, isQuoted: true, line: line, column: quote - lineStart + 1))
        index += 1
        return nil
    }

    private mutating func readBare(into fields: inout [TextField]) {
        let start = index
        scan: while index < text.count {
            switch text[index] {
            case 0x0a, 0x20, 0x09, 0x0d, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\""):
                break scan
            case UInt8(ascii: ";") where !isInline:
                break scan
            case UInt8(ascii: "\\") where index + 1 < text.count && text[index + 1] != 0x0a:
                index += 2
            default:
                index += 1
            }
        }
        fields.append(TextField(range: start..<index, isQuoted: false, line: line, column: start - lineStart + 1))
    }
}
