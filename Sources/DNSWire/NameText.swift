extension [UInt8] {
    /// Appends a name as text, without the dot at its end: what is no visible ASCII, and dots and backslashes in labels, as
    /// master files write them (RFC 1035 section 5.1).
    ///
    /// - Parameter wire: in wire form; what follows the last label is not looked at.
    package mutating func append(name wire: Span<UInt8>) {
        var index = 0
        while index < wire.count {
            let label = Int(wire[index])
            guard label > 0 else { break }
            if index > 0 { append(UInt8(ascii: ".")) }
            for offset in index + 1..<Swift.min(index + 1 + label, wire.count) {
                let byte = wire[offset]
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"):
                    append(UInt8(ascii: "\\"))
                    append(byte)
                case 0x21..<0x7f:
                    append(byte)
                default:
                    append(UInt8(ascii: "\\"))
                    append(UInt8(ascii: "0") + byte / 100)
                    append(UInt8(ascii: "0") + byte / 10 % 10)
                    append(UInt8(ascii: "0") + byte % 10)
                }
            }
            index += 1 + label
        }
        if index == 0 { append(UInt8(ascii: ".")) }
    }
}
