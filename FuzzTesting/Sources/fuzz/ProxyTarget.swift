import Addresses

/// The header that a proxy begins a connection with: where the bytes are cut does not matter, and what is read is what
/// stands there.
///
/// The first byte says how the rest is cut.
final class ProxyTarget: FuzzTarget {
    static let name = "proxy"

    init() {}

    func run(_ input: Span<UInt8>) {
        guard input.count >= 1 else { return }
        let bytes = input.array(from: 1)
        let result = read(bytes)
        // As a connection brings them: in pieces of one size.
        let step = 1 + Int(input[0])
        for end in stride(from: 0, to: bytes.count, by: step) {
            switch read(Array(bytes[..<end])) {
            case .incomplete: break
            case .malformed: require(result == .malformed, "more bytes do not mend a header")
            case .header(let header): require(result == .header(header), "a header ends where it ends")
            }
        }
        switch result {
        case .malformed: break
        case .incomplete:
            require(bytes.count < ProxyHeader.limit, "what may come is bounded")
        case .header(let header):
            check(header, bytes)
        }
    }

    private func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { unsafe ProxyHeader.read(bytes.span.bytes) }

    private func check(_ header: ProxyHeader, _ bytes: [UInt8]) {
        require(header.length <= min(bytes.count, ProxyHeader.limit), "a header lies in its bytes")
        require((header.client == nil) == (header.destination == nil), "both addresses are told, or neither")
        let own = Array(bytes[..<header.length])
        require(read(own) == .header(header), "what follows a header does not matter")
        for end in 0..<own.count { require(read(Array(own[..<end])) == .incomplete, "\(end) of \(own.count) bytes") }
        guard let client = header.client, let destination = header.destination else { return }
        // Written in the other version, it says the same.
        let isLine = own[0] == UInt8(ascii: "P")
        let other = isLine ? Self.binary(client, destination) : Self.line(client, destination)
        guard case .header(let again) = read(other) else {
            require(false, "\(client) and \(destination) can be written in both versions")
            return
        }
        require(again.length == other.count && again.client == client, "the client is the same")
        require(again.destination == destination, "and so is the destination")
    }

    private static func bytes(_ address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
        case .v6(let value): (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * $0)) }
        }
    }

    private static func isV4(_ endpoint: Endpoint) -> Bool { bytes(endpoint.address).count == 4 }

    /// IPv4 inside of IPv6 when the two are of different families.
    private static func mapped(_ endpoint: Endpoint) -> [UInt8] {
        let own = bytes(endpoint.address)
        return own.count == 16 ? own : [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + own
    }

    private static func binary(_ client: Endpoint, _ destination: Endpoint) -> [UInt8] {
        let areV4 = isV4(client) && isV4(destination)
        let addresses =
            areV4 ? bytes(client.address) + bytes(destination.address) : mapped(client) + mapped(destination)
        let ports = [client.port, destination.port].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        return signature + [0x21, areV4 ? 0x11 : 0x21, 0, UInt8(addresses.count + 4)] + addresses + ports
    }

    private static func line(_ client: Endpoint, _ destination: Endpoint) -> [UInt8] {
        let areV4 = isV4(client) && isV4(destination)
        let texts = [client, destination].map { endpoint in
            areV4 || !isV4(endpoint) ? "\(endpoint.address)" : "::ffff:\(endpoint.address)"
        }
        let family = areV4 ? "TCP4" : "TCP6"
        return Array("PROXY \(family) \(texts[0]) \(texts[1]) \(client.port) \(destination.port)\r\n".utf8)
    }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    static var seeds: [[UInt8]] {
        let lines = [
            "PROXY TCP4 192.0.2.1 198.51.100.7 56324 53\r\nrest", "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 65535 0\r\n",
            "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "PROXY TCP4 1 2 3 4\r\n", "GET /\r\n",
        ].map { Array($0.utf8) }
        let v4 = (Endpoint("192.0.2.1:56324")!, Endpoint("198.51.100.7:53")!)
        let v6 = (Endpoint("[2001:db8::1]:56324")!, Endpoint("[2001:db8::2]:53")!)
        let binaries = [
            binary(v4.0, v4.1), binary(v6.0, v6.1), binary(v4.0, v6.1),
            signature + [0x20, 0, 0, 0], signature + [0x21, 0, 0, 3, 4, 0, 0],
            signature + [0x21, 0x31, 0, 216] + [UInt8](repeating: 7, count: 216),
            // With the name that TLS was asked for.
            signature + [0x21, 0x11, 0, 19] + binary(v4.0, v4.1).suffix(12) + [2, 0, 4] + Array("host".utf8),
        ]
        return (lines + binaries).map { [1] + $0 } + binaries.map { [99] + $0 + [0, 1, 2] }
    }

    static var words: [[UInt8]] {
        [
            signature, Array("PROXY ".utf8), Array("TCP4 ".utf8), Array("TCP6 ".utf8), Array("UNKNOWN".utf8),
            Array("::ffff:".utf8), Array("65535".utf8), [13, 10], [0x21, 0x11, 0, 12], [0x21, 0x21, 0, 36],
            [0x20, 0, 0, 0], [0x0f, 0xf0],
        ]
    }
}
