/// What a server reports about its load: names with numbers, in the forms of Open Request Cost Aggregation (ORCA).
///
///     endpoint-load-metrics: TEXT cpu_utilization=0.3, rps_fractional=10, named_metrics.connections=120
///     endpoint-load-metrics: JSON {"cpu_utilization": 0.3, "named_metrics": {"connections": 120}}
///
/// A JSON body has the form of the latter. Members of objects get names with a dot between the two. What is no number
/// is passed over.
package struct LoadMetrics: Sendable, Hashable {
    /// Numbers in one report; more are passed over.
    package static let limit = 64
    /// Objects and arrays within one another.
    static let depthLimit = 8
    /// Larger numbers are passed over: sums and products of what is left stay finite.
    package static let largest = 1e15
    /// The name of the field that carries a report.
    package static let fieldName = "endpoint-load-metrics"

    /// From 0 to ``largest``. The first of a name counts.
    package private(set) var values: [String: Double] = [:]

    /// Of a field's value; `nil`: it is in neither form, or has no number in it.
    package init?(field: String) {
        let bytes = Array(field.utf8)
        if Self.has(prefix: "JSON", bytes) {
            self.init(json: Array(bytes[4...]))
        } else if Self.has(prefix: "TEXT", bytes) {
            self.init(pairs: bytes[4...])
        } else {
            return nil
        }
    }

    private init?(pairs: ArraySlice<UInt8>) {
        for pair in pairs.split(separator: UInt8(ascii: ",")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            add(Self.trimmed(parts[1]), as: String(decoding: Self.trimmed(parts[0]), as: UTF8.self))
        }
        if values.isEmpty { return nil }
    }

    /// Of a JSON object (RFC 8259); `nil`: it is none, or has no number in it.
    package init?(json: [UInt8]) {
        var reader = JSONReader(bytes: json)
        guard reader.object({ name, number in self.add(number, as: name) }), reader.isAtEnd, !values.isEmpty else {
            return nil
        }
    }

    private static func has(prefix: StaticString, _ bytes: [UInt8]) -> Bool {
        let word = Array("\(prefix)".utf8)
        return bytes.count > word.count && bytes.starts(with: word) && bytes[word.count] == 0x20
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return bytes[first...last]
    }

    private mutating func add(_ number: ArraySlice<UInt8>, as name: String) {
        guard values.count < Self.limit, !name.isEmpty, values[name] == nil,
            // `Double` reads hexadecimal, "inf" and "nan" too.
            number.allSatisfy({ (0x30...0x39).contains($0) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains($0) }),
            let value = Double(String(decoding: number, as: UTF8.self)), (0...Self.largest).contains(value)
        else { return }
        values[name] = value
    }
}

/// Finds the numbers of a JSON object.
private struct JSONReader {
    let bytes: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { index += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// Whether nothing but blanks is left.
    var isAtEnd: Bool {
        mutating get {
            skipBlanks()
            return next == nil
        }
    }

    mutating func object(_ found: (String, ArraySlice<UInt8>) -> Void) -> Bool { object("", 1, found) }

    private mutating func object(_ prefix: String, _ depth: Int, _ found: (String, ArraySlice<UInt8>) -> Void) -> Bool {
        guard depth <= LoadMetrics.depthLimit, take("{") else { return false }
        if take("}") { return true }
        repeat {
            skipBlanks()
            guard let name = string(), take(":"), value(prefix + name, depth, found) else { return false }
        } while take(",")
        return take("}")
    }

    private mutating func array(_ depth: Int) -> Bool {
        guard depth <= LoadMetrics.depthLimit, take("[") else { return false }
        if take("]") { return true }
        repeat {
            // Nothing in a list has a name.
            guard value("", depth, { _, _ in }) else { return false }
        } while take(",")
        return take("]")
    }

    private mutating func value(
        _ name: String, _ depth: Int, _ found: (String, ArraySlice<UInt8>) -> Void
    ) -> Bool {
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return object(name + ".", depth + 1, found)
        case UInt8(ascii: "["): return array(depth + 1)
        case UInt8(ascii: "\""): return string() != nil
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default:
            let start = index
            while let byte = next, (0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains(byte) {
                index += 1
            }
            guard index > start else { return false }
            found(name, bytes[start..<index])
            return true
        }
    }

    private mutating func word(_ text: StaticString) -> Bool {
        let word = Array("\(text)".utf8)
        guard bytes[index...].starts(with: word) else { return false }
        index += word.count
        return true
    }

    /// The text between two quotation marks; escapes stay as they are written, for no name that counts has one.
    private mutating func string() -> String? {
        guard next == UInt8(ascii: "\"") else { return nil }
        index += 1
        let start = index
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                return String(decoding: bytes[start..<index], as: UTF8.self)
            case UInt8(ascii: "\\"): index += 2
            case 0..<0x20: return nil
            default: index += 1
            }
        }
        return nil
    }
}
