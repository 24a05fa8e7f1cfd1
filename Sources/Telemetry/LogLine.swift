/// A line of a log that is being written: fields as `key=value` or as one JSON object. Its memory is used again for the
/// next line.
///
/// Nothing that a client sends can end a line, begin a field or reach a terminal: see ``Swift/Array/append(escaped:limit:)``
/// and ``Swift/Array/append(json:limit:)``.
package struct LogLine: Sendable {
    /// Bytes of one value that are written; what is cut off is shown as `...`.
    package static let valueLimit = 2048

    package private(set) var bytes: [UInt8] = []
    package private(set) var isJSON: Bool

    /// Takes no memory before the first field.
    package init(isJSON: Bool = false) { self.isJSON = isJSON }

    /// Begins a line, or a part of one for ``append(_:)``.
    package mutating func begin(isJSON: Bool) {
        self.isJSON = isJSON
        bytes.removeAll(keepingCapacity: true)
    }

    /// Ends the line.
    package mutating func end() {
        if isJSON { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Fields that were written before, in the same form.
    package mutating func append(_ part: LogLine) {
        guard !part.bytes.isEmpty else { return }
        separate()
        // A part has what separates its fields, but not what begins a line.
        bytes.append(contentsOf: part.bytes[(isJSON ? 1 : 0)...])
    }

    /// A value that others chose.
    package mutating func field(_ key: StaticString, escaped value: Span<UInt8>) {
        begin(key)
        if isJSON {
            bytes.append(UInt8(ascii: "\""))
            bytes.append(json: value, limit: Self.valueLimit)
            bytes.append(UInt8(ascii: "\""))
        } else {
            bytes.append(escaped: value, limit: Self.valueLimit)
        }
    }

    /// A value of letters, digits and punctuation that needs no escape.
    package mutating func field(_ key: StaticString, plain value: borrowing [UInt8]) {
        begin(key)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        bytes.append(contentsOf: copy value)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    package mutating func field(_ key: StaticString, text value: StaticString) {
        begin(key)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        bytes.append(text: value)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    package mutating func field(_ key: StaticString, _ value: Int) {
        begin(key)
        bytes.append(decimal: value)
    }

    /// Seconds with microseconds.
    package mutating func field(_ key: StaticString, nanoseconds value: UInt64) {
        begin(key)
        bytes.append(seconds: value)
    }

    /// A number of 128 bits in 32 hexadecimal digits.
    package mutating func field(_ key: StaticString, high: UInt64, low: UInt64) {
        begin(key)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        bytes.append(hexadecimal: high)
        bytes.append(hexadecimal: low)
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    /// A value that is written by hand: without spaces, quotes and what JSON would escape.
    package mutating func field(_ key: StaticString, quoted: Bool, _ write: (inout [UInt8]) -> Void) {
        begin(key)
        if isJSON, quoted { bytes.append(UInt8(ascii: "\"")) }
        write(&bytes)
        if isJSON, quoted { bytes.append(UInt8(ascii: "\"")) }
    }

    private mutating func begin(_ key: StaticString) {
        guard isJSON else {
            separate()
            bytes.append(text: key)
            return bytes.append(UInt8(ascii: "="))
        }
        bytes.append(text: bytes.isEmpty ? "{\"" : ",\"")
        bytes.append(text: key)
        bytes.append(text: "\":")
    }

    private mutating func separate() {
        if bytes.isEmpty {
            if isJSON { bytes.append(UInt8(ascii: "{")) }
        } else {
            bytes.append(isJSON ? UInt8(ascii: ",") : UInt8(ascii: " "))
        }
    }
}
