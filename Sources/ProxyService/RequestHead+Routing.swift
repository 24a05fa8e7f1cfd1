import Balancing
import HTTPWire

/// What routes are matched with, taken from a head.
extension RequestHead {
    /// Appends the host in lower case, without port.
    func appendHost(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
        for index in authority.host.range {
            let byte = bytes[index]
            output.append(byte &- 65 < 26 ? byte | 0x20 : byte)
        }
    }

    /// Whether routes see the path as it came; else ``HTTPWire/PathNormaliser`` makes it what they see.
    var isPathMatched: Bool { form == .asterisk || (isPathNormal && !path.isEmpty) }

    /// Whether one of the fields is what a route asks for.
    func fulfils(_ condition: borrowing FieldCondition, _ bytes: Span<UInt8>) -> Bool {
        for index in 0..<fields.count {
            let line = fields[index]
            guard line.nameRange.count == condition.name.count,
                equalsIgnoringCase(bytes.extracting(line.nameRange.range), condition.name.span)
            else { continue }
            guard let value = condition.value else { return true }
            guard value.count == line.value.count else { continue }
            var isEqual = true
            for offset in 0..<value.count where bytes[line.value.start + offset] != value[offset] { isEqual = false }
            if isEqual { return true }
        }
        return false
    }
}
