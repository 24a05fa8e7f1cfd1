import DNSWire
import Telemetry

extension LogLine {
    /// A name in wire form, without the dot at its end; `false`, and nothing, where something in it needs an escape.
    mutating func append(name wire: Span<UInt8>) -> Bool {
        let begin = count
        var index = 0
        while index < wire.count {
            let length = Int(wire[index])
            guard length > 0 else { break }
            if index > 0 { append(UInt8(ascii: ".")) }
            let end = min(index &+ 1 &+ length, wire.count)
            guard append(plain: wire.extracting(index &+ 1..<end), except: UInt8(ascii: ".")) else {
                truncate(to: begin)
                return false
            }
            index = end
        }
        if index == 0 { append(UInt8(ascii: ".")) }
        return true
    }

    mutating func append(type: RecordType) {
        switch type.rawValue {
        case 1: append(text: "A")
        case 28: append(text: "AAAA")
        case 5: append(text: "CNAME")
        case 2: append(text: "NS")
        case 6: append(text: "SOA")
        case 15: append(text: "MX")
        case 16: append(text: "TXT")
        case 33: append(text: "SRV")
        case 12: append(text: "PTR")
        case 257: append(text: "CAA")
        case 65: append(text: "HTTPS")
        case 255: append(text: "ANY")
        default:
            // RFC 3597 section 5.
            append(text: "TYPE")
            append(decimal: Int(type.rawValue))
        }
    }
}
