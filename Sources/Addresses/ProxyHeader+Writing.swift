extension ProxyHeader {
    package enum Version: String, Hashable, Sendable, CaseIterable {
        case v1
        case v2
    }

    /// The header to begin a connection with.
    ///
    /// - Parameter extensions: of version 2, as they came; version 1 has none.
    package static func bytes(
        _ version: Version, client: Endpoint, destination: Endpoint, extensions: [UInt8] = []
    ) -> [UInt8] {
        // Both have to be of one family: an IPv4 address can be written as an IPv6 one (RFC 4291 section 2.5.5.2).
        let isShort = client.address.byteCount == 4 && destination.address.byteCount == 4
        switch version {
        case .v1:
            let source = isShort ? client.address.description : text(mapped(client.address))
            let target = isShort ? destination.address.description : text(mapped(destination.address))
            return Array(
                "PROXY \(isShort ? "TCP4" : "TCP6") \(source) \(target) \(client.port) \(destination.port)\r\n".utf8)
        case .v2:
            let source = isShort ? client.address : mapped(client.address)
            let target = isShort ? destination.address : mapped(destination.address)
            let ports = [client.port, destination.port].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
            let content = source.bytes + target.bytes + ports + extensions
            return Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, isShort ? 0x11 : 0x21]
                + [UInt8(content.count >> 8 & 0xff), UInt8(content.count & 0xff)] + content
        }
    }

    private static func mapped(_ address: IPAddress) -> IPAddress {
        if case .v4(let value) = address { return .v6(0xffff << 32 | UInt128(value)) }
        return address
    }

    /// In hexadecimal throughout, which every reader understands.
    private static func text(_ address: IPAddress) -> String {
        stride(from: 0, to: 16, by: 2).map {
            let bytes = address.bytes
            return String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }.joined(separator: ":")
    }
}
