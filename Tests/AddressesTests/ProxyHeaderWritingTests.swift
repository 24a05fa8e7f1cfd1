import Testing

@testable import Addresses

@Suite("PROXY headers that are written")
struct ProxyHeaderWritingTests {
    private static let v4 = (
        Endpoint(address: .v4(0xc000_0201), port: 56_324), Endpoint(address: .v4(0xc633_6401), port: 443)
    )
    private static let v6 = Endpoint(address: .v6(0x2001_0db8 << 96 | 1), port: 1)

    private static func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { unsafe ProxyHeader.read(bytes.span.bytes) }

    @Test("version 1 is a line")
    func line() {
        let bytes = ProxyHeader.bytes(.v1, client: Self.v4.0, destination: Self.v4.1, extensions: [1, 2, 3])
        #expect(String(decoding: bytes, as: UTF8.self) == "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n")
    }

    @Test("version 2 is read back with its extensions", arguments: [0, 3, 1000])
    func binary(count: Int) {
        let extensions: [UInt8] =
            count < 3
            ? [] : [0xea, UInt8((count - 3) >> 8), UInt8((count - 3) & 255)] + [UInt8](repeating: 7, count: count - 3)
        let bytes = ProxyHeader.bytes(.v2, client: Self.v4.0, destination: Self.v4.1, extensions: extensions)
        #expect(
            bytes.prefix(16).map { $0 }.suffix(4) == [0x21, 0x11, UInt8((12 + count) >> 8), UInt8((12 + count) & 255)])
        #expect(ProxyHeader.extensions(of: bytes.span) == extensions)
    }

    @Test("both addresses are of one family, whatever they were", arguments: ProxyHeader.Version.allCases)
    func families(_ version: ProxyHeader.Version) {
        for (client, destination) in [
            Self.v4, (Self.v6, Self.v6), (Self.v4.0, Self.v6), (Self.v6, Self.v4.1),
        ] {
            let bytes = ProxyHeader.bytes(version, client: client, destination: destination)
            #expect(
                Self.read(bytes)
                    == .header(ProxyHeader(length: bytes.count, client: client, destination: destination)))
        }
    }

    @Test("a header without addresses has extensions behind its length, a line and a proxy of its own have none")
    func withoutAddresses() {
        let local: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 4, 8, 0, 1, 9]
        #expect(ProxyHeader.extensions(of: local.span).isEmpty)
        let untold: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0, 0, 4, 8, 0, 1, 9]
        #expect(ProxyHeader.extensions(of: untold.span) == [8, 0, 1, 9])
        let line = Array("PROXY UNKNOWN\r\n".utf8)
        #expect(ProxyHeader.extensions(of: line.span).isEmpty)
    }
}
