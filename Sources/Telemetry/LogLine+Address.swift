public import Addresses

extension LogLine {
    @inlinable @inline(__always)
    package mutating func append(address: IPAddress) {
        switch address {
        case .v4(let value): append(ipv4: value)
        case .v6(let value): append(ipv6: value)
        }
    }

    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    @inlinable @inline(__always)
    package mutating func append(address: IPAddress, port: UInt16) {
        switch address {
        case .v4(let value):
            append(ipv4: value)
            append(UInt8(ascii: ":"))
        case .v6(let value):
            append(UInt8(ascii: "["))
            append(ipv6: value)
            append(text: "]:")
        }
        append(decimal: port)
    }
}
