/// The fields of a JSON object (RFC 8259), by name: what each holds, as far as a check of its kind needs it.
///
/// Foundation's decoder cannot say which field a text goes wrong in, takes the first of two fields with one name, and lets
/// a comma too many pass. A change must not be made of a body that two readers would understand in two ways.
struct JSONFields {
    indirect enum Value: Equatable {
        case text, boolean, null, object
        /// As it was written.
        case number(String)
        case list([Value])
    }

    private(set) var values: [String: Value] = [:]

    /// Levels of lists and objects in one another; no body of ours has more than two.
    private static let depthLimit = 16

    /// - Throws: `BadRequest` with the place where the text is none, or the name of a field that is there twice.
    init(_ bytes: [UInt8]) throws(BadRequest) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw BadRequest("the body is not JSON: it is not UTF-8")
        }
        var reader = Reader(bytes: bytes)
        guard reader.next == UInt8(ascii: "{") else { throw BadRequest("the body is not a JSON object") }
        try reader.object(depth: 1) { name, value throws(BadRequest) in
            guard values.updateValue(value, forKey: name) == nil else {
                throw BadRequest("\(QueryParameters.shown(name)): given twice")
            }
        }
        guard reader.next == nil else { throw reader.error("nothing more") }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        /// What stands behind white space.
        var next: UInt8? {
            mutating get {
                while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) { position += 1 }
                return here
            }
        }

        private var here: UInt8? { position < bytes.count ? bytes[position] : nil }

        func error(_ expected: String) -> BadRequest {
            guard position < bytes.count else { return BadRequest("the body is not whole JSON: it ends too early") }
            let lines = bytes[..<position].split(separator: 0x0a, omittingEmptySubsequences: false)
            return BadRequest(
                "the body is not JSON: line \(lines.count), column \((lines.last?.count ?? 0) + 1): "
                    + "\(expected) is expected")
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            position += 1
            return true
        }

        mutating func object(
            depth: Int, _ field: (String, Value) throws(BadRequest) -> Void
        ) throws(BadRequest) {
            position += 1
            guard !take(UInt8(ascii: "}")) else { return }
            repeat {
                guard next == UInt8(ascii: "\"") else { throw error("a name in quotes") }
                let name = try string()
                guard take(UInt8(ascii: ":")) else { throw error("a colon") }
                try field(name, try value(depth))
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw error("a comma or }") }
        }

        private mutating func value(_ depth: Int) throws(BadRequest) -> Value {
            guard depth <= JSONFields.depthLimit else { throw error("less depth") }
            switch next {
            case UInt8(ascii: "\""):
                _ = try string()
                return .text
            case UInt8(ascii: "{"):
                try object(depth: depth + 1) { _, _ in }
                return .object
            case UInt8(ascii: "["):
                position += 1
                var elements: [Value] = []
                guard !take(UInt8(ascii: "]")) else { return .list([]) }
                repeat { elements.append(try value(depth + 1)) } while take(UInt8(ascii: ","))
                guard take(UInt8(ascii: "]")) else { throw error("a comma or ]") }
                return .list(elements)
            case UInt8(ascii: "-"), (0x30...0x39)?: return .number(try number())
            default:
                for (word, value) in [("true", Value.boolean), ("false", .boolean), ("null", .null)]
                where bytes[position...].starts(with: word.utf8) {
                    position += word.utf8.count
                    return value
                }
                throw error("a value")
            }
        }

        private mutating func digits() throws(BadRequest) {
            let start = position
            while let here, (0x30...0x39).contains(here) { position += 1 }
            guard position > start else { throw error("a digit") }
        }

        private mutating func number() throws(BadRequest) -> String {
            let start = position
            if here == UInt8(ascii: "-") { position += 1 }
            if here == UInt8(ascii: "0") { position += 1 } else { try digits() }
            if here == UInt8(ascii: ".") {
                position += 1
                try digits()
            }
            if here == UInt8(ascii: "e") || here == UInt8(ascii: "E") {
                position += 1
                if here == UInt8(ascii: "+") || here == UInt8(ascii: "-") { position += 1 }
                try digits()
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        /// A string, whose first quote is next, as it is meant.
        private mutating func string() throws(BadRequest) -> String {
            position += 1
            var text: [UInt8] = []
            while let byte = here {
                switch byte {
                case UInt8(ascii: "\""):
                    position += 1
                    return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    position += 1
                    text += Array(String(try escaped()).utf8)
                case ..<0x20: throw error("no control character")
                default:
                    text.append(byte)
                    position += 1
                }
            }
            throw error("a quote")
        }

        /// What stands behind a backslash.
        private mutating func escaped() throws(BadRequest) -> Character {
            guard let byte = here else { throw error("an escape") }
            let plain: [UInt8: Character] = [
                UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
                UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
            ]
            if let character = plain[byte] {
                position += 1
                return character
            }
            guard byte == UInt8(ascii: "u") else { throw error("an escape") }
            var code = try unit()
            if (0xd800...0xdbff).contains(code) {
                guard bytes[position...].starts(with: "\\u".utf8) else { throw error("the second half of a pair") }
                position += 1
                let low = try unit()
                guard (0xdc00...0xdfff).contains(low) else { throw error("the second half of a pair") }
                code = 0x1_0000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("the first half of a pair") }
            return Character(scalar)
        }

        /// `uXXXX`, whose `u` is next.
        private mutating func unit() throws(BadRequest) -> UInt32 {
            position += 1
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = here, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw error("a hexadecimal digit")
                }
                code = code << 4 | UInt32(digit)
                position += 1
            }
            return code
        }
    }
}

extension JSONFields {
    /// Holds the fields against what a type is made of.
    ///
    /// - Parameter schema: of an object, as ``TypeSchema`` makes it.
    /// - Throws: `BadRequest` with the name of the first field that does not fit.
    func check(against schema: JSONNode) throws(BadRequest) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) where value != .null {
            guard let wanted = schema["properties"]?[name] else { continue }
            if let fault = Self.fault(of: value, wanted) { throw BadRequest("\(name): \(fault)") }
        }
        guard case .array(let required)? = schema["required"] else { return }
        for case .string(let name) in required where values[name] ?? .null == .null {
            throw BadRequest("\(name): it is needed")
        }
    }

    /// What is wrong with a value, in words; `nil`: nothing.
    private static func fault(of value: Value, _ wanted: JSONNode) -> String? {
        switch (wanted["type"], value) {
        case (.string("string"), .text), (.string("boolean"), .boolean): return nil
        case (.string("integer"), .number(let text)):
            // 3.0 and 3e2 are whole numbers too.
            let isWhole = Int64(text) != nil || Double(text).flatMap { Int64(exactly: $0) } != nil
            return isWhole ? nil : "a whole number is needed, and not one that large"
        case (.string("number"), .number(let text)):
            return Double(text)?.isFinite ?? false ? nil : "the number is too large"
        case (.string("array"), .list(let elements)):
            guard let items = wanted["items"] else { return nil }
            return elements.lazy.compactMap { fault(of: $0, items) }.first.map { "of each element: \($0)" }
        case (.string("string"), _): return "text in quotes is needed"
        case (.string("boolean"), _): return "true or false is needed"
        case (.string("integer"), _): return "a whole number is needed"
        case (.string("number"), _): return "a number is needed"
        case (.string("array"), _): return "a list is needed"
        default: return nil
        }
    }
}
