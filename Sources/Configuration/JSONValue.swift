/// A JSON document with the order of its members kept.
indirect enum JSONValue: Sendable, Equatable {
    case object([(String, JSONValue)])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    /// As it is written.
    case number(String)
    case boolean(Bool)

    static func == (left: JSONValue, right: JSONValue) -> Bool { left.text() == right.text() }

    /// Indented by two blanks a level; lists of scalars stay on one line.
    func text(indent: Int = 0) -> String {
        let inner = String(repeating: " ", count: indent + 2)
        let outer = String(repeating: " ", count: indent)
        switch self {
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { "\(inner)\(Self.quoted($0.0)): \($0.1.text(indent: indent + 2))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(outer)}"
        case .array(let elements):
            if elements.allSatisfy(\.isScalar) {
                return "[\(elements.map { $0.text() }.joined(separator: ", "))]"
            }
            let lines = elements.map { "\(inner)\($0.text(indent: indent + 2))" }
            return "[\n\(lines.joined(separator: ",\n"))\n\(outer)]"
        case .string(let text): return Self.quoted(text)
        case .integer(let value): return "\(value)"
        case .number(let text): return text
        case .boolean(let value): return "\(value)"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .object, .array: false
        case .string, .integer, .number, .boolean: true
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
