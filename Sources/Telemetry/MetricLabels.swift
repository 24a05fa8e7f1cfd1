/// Labels of a series in the form in which they are written, `a="x",b="y"`, so that the series of many families can share
/// them.
package struct MetricLabels: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package init(_ name: StaticString, _ value: String) { add(name, value) }

    /// - Parameters:
    ///   - name: a letter, then letters, digits and underscores.
    ///   - value: any text.
    package mutating func add(_ name: StaticString, _ value: String) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
        bytes.append(text: name)
        bytes.append(text: "=\"")
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(text: "\\\\")
            case UInt8(ascii: "\""): bytes.append(text: "\\\"")
            case UInt8(ascii: "\n"): bytes.append(text: "\\n")
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    package func adding(_ name: StaticString, _ value: String) -> MetricLabels {
        var result = self
        result.add(name, value)
        return result
    }
}
