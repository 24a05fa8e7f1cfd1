import FoundationEssentials

/// What a node says, on its way to a terminal. A node may be another than is thought, and passes on what others wrote: its
/// words must not move the cursor, set the clipboard or turn a line around.
enum NodeText {
    /// Controls of terminals (C0, DEL, C1), and those that change the order or the lines of what is shown (UAX #9).
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    /// For programs: JSON that means the same, with controls as escapes.
    static func escaped(_ json: String) -> String {
        json.unicodeScalars.reduce(into: "") { text, scalar in
            // Between values they are layout; within them JSON has none.
            guard isControl(scalar), scalar != "\n", scalar != "\t" else { return text.unicodeScalars.append(scalar) }
            let digits = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
    }

    static func escaped(_ json: some Collection<UInt8>) -> String { escaped(String(decoding: json, as: UTF8.self)) }

    /// An answer as it came, for programs.
    ///
    /// - Throws: `DecodingError` where it is no JSON, or half of it.
    static func document(_ body: [UInt8]) throws -> String {
        struct Anything: Decodable {
            init(from decoder: any Decoder) {}
        }
        _ = try JSONDecoder().decode(Anything.self, from: Data(body))
        return escaped(body)
    }

    /// Why an answer cannot be read.
    static func words(_ error: DecodingError) -> String {
        let (path, what): ([any CodingKey], String) =
            switch error {
            case .keyNotFound(let key, let context): (context.codingPath, "there is no \(key.stringValue)")
            case .valueNotFound(_, let context): (context.codingPath, "a value is missing")
            case .typeMismatch(_, let context): (context.codingPath, "a value is of another kind")
            case .dataCorrupted(let context): (context.codingPath, "it is not the JSON that is expected")
            @unknown default: ([], "it is not what is expected")
            }
        let place = path.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
        return "the answer cannot be read: \(place.isEmpty ? "" : place + ": ")\(what); this is another version of "
            + "Meridian than this command's, or something else, and a change that was asked for may be done"
    }

    /// Reads an answer.
    ///
    /// - Parameter isShown: whether people see its strings, which have no controls then.
    /// - Throws: `DecodingError`, of which the program makes a line and ends with 2 where nobody catches it.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from body: some Collection<UInt8>, isShown: Bool = true
    ) throws -> Value {
        try JSONDecoder().decode(type, from: isShown ? Data(withoutControls(body).utf8) : Data(body))
    }

    /// JSON whose strings have question marks for controls, written out or escaped.
    private static func withoutControls(_ json: some Collection<UInt8>) -> String {
        var result = String.UnicodeScalarView()
        var rest = String(decoding: json, as: UTF8.self).unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.popFirst() else {
                let isLayout = scalar == "\n" || scalar == "\t" || scalar == "\r"
                result.append(isControl(scalar) && !isLayout ? "?" : scalar)
                continue
            }
            switch kind {
            case "b", "f", "n", "r", "t": result.append("?")
            case "u":
                let digits = rest.prefix(4)
                rest = rest.dropFirst(4)
                let value = UInt32(String(digits), radix: 16)
                if let value, let escaped = Unicode.Scalar(value), isControl(escaped) {
                    result.append("?")
                } else {
                    // Halves of a pair, and what is no number, are the decoder's.
                    result.append(contentsOf: "\\u".unicodeScalars)
                    result.append(contentsOf: digits)
                }
            default:
                result.append(scalar)
                result.append(kind)
            }
        }
        return String(result)
    }
}
