/// Brings a path into the one form that routes are matched with (RFC 3986 section 6.2.2): encoded unreserved characters
/// are decoded once, dot segments and empty segments are removed.
///
/// What stays: other encoded characters, `%2F` and `%5C` among them, with upper-case digits (they are data, not
/// separators, and are never decoded twice), and `;` with what follows it.
package enum PathNormaliser {
    /// Appends the normal form of `path` to `output`.
    ///
    /// - Parameter path: begins with a slash, or is empty, which means `/`; its percent signs were checked by
    ///   ``RequestHead/parse(_:limits:)``.
    /// - Returns: `false` when the path climbs above its root.
    package static func append(_ path: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        let base = output.count
        output.append(slash)
        var segment = output.count
        var index = path.count > 0 && path[0] == slash ? 1 : 0
        while index <= path.count {
            let atEnd = index == path.count
            if !atEnd, path[index] != slash {
                var byte = path[index]
                index += 1
                if byte == UInt8(ascii: "%"), index + 1 < path.count, let high = CharacterClass.hexValue(path[index]),
                    let low = CharacterClass.hexValue(path[index + 1])
                {
                    byte = high << 4 | low
                    index += 2
                    guard CharacterClass.isUnreserved(byte) else {
                        output.append(UInt8(ascii: "%"))
                        output.append(hexDigit(high))
                        output.append(hexDigit(low))
                        continue
                    }
                }
                output.append(byte)
                continue
            }
            index += 1
            let length = output.count - segment
            let dot = UInt8(ascii: ".")
            if length == 1, output[segment] == dot {
                output.removeLast()
            } else if length == 2, output[segment] == dot, output[segment + 1] == dot {
                output.removeLast(2)
                guard output.count > base + 1 else { return false }
                output.removeLast()
                while output[output.count - 1] != slash { output.removeLast() }
            } else if length > 0, !atEnd {
                output.append(slash)
            }
            segment = output.count
        }
        return true
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
