import Testing

@testable import Addresses

@Suite("Headers of the PROXY protocol")
struct ProxyHeaderTests {
    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    static func binary(_ command: UInt8, _ kind: UInt8, _ payload: [UInt8]) -> [UInt8] {
        signature + [command, kind, UInt8(payload.count >> 8), UInt8(payload.count & 255)] + payload
    }

    static let payload4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0xdc, 0x04, 0, 53]
    static let payload6 =
        [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1] + [0x20, 1, 0xd, 0xb8]
        + [UInt8](repeating: 0, count: 11) + [2] + [0xdc, 0x04, 0, 53]

    private func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { unsafe ProxyHeader.read(bytes.span.bytes) }

    private func header(_ length: Int, _ client: String? = nil, _ destination: String? = nil) -> ProxyHeader.Reading {
        .header(
            ProxyHeader(
                length: length, client: client.map { Endpoint($0)! }, destination: destination.map { Endpoint($0)! }))
    }

    @Test("version 2: IPv4, IPv6, extensions behind the addresses, a proxy of its own, and one that does not tell")
    func binary() {
        #expect(read(Self.binary(0x21, 0x11, Self.payload4)) == header(28, "192.0.2.1:56324", "198.51.100.7:53"))
        #expect(
            read(Self.binary(0x21, 0x21, Self.payload6)) == header(52, "[2001:db8::1]:56324", "[2001:db8::2]:53"))
        let extended = Self.binary(0x21, 0x11, Self.payload4 + [0xea, 0, 4, 1, 2, 3, 4])
        #expect(read(extended) == header(35, "192.0.2.1:56324", "198.51.100.7:53"))
        #expect(read(Self.binary(0x20, 0x00, [])) == header(16))
        #expect(read(Self.binary(0x20, 0x11, Self.payload4)) == header(28))
        #expect(read(Self.binary(0x20, 0xff, [1, 2])) == header(18))
        #expect(read(Self.binary(0x21, 0x00, [0xea, 0, 0])) == header(19))
        #expect(read(Self.binary(0x21, 0x31, [UInt8](repeating: 0, count: 216))) == header(232))
        // An IPv4 client of an IPv6 proxy.
        let mapped =
            [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 192, 0, 2, 9] + [UInt8](repeating: 0, count: 15) + [1]
            + [0, 7, 0, 53]
        #expect(read(Self.binary(0x21, 0x21, mapped)) == header(52, "192.0.2.9:7", "[::1]:53"))
    }

    @Test("a checksum is that of its header, and stays with it")
    func checksum() {
        // By another program.
        let sum: [UInt8] = [0xaa, 0x7e, 0xcc, 0xcf]
        func header(_ sum: [UInt8], _ more: [UInt8] = []) -> [UInt8] {
            Self.binary(0x21, 0x11, Self.payload4 + [2, 0, 3, 97, 46, 98, 3, 0, 4] + sum + [4, 0, 1, 0] + more)
        }
        let good = header(sum)
        #expect(read(good) == self.header(good.count, "192.0.2.1:56324", "198.51.100.7:53"))
        #expect(ProxyHeader.extensions(of: good.span) == [2, 0, 3, 97, 46, 98, 4, 0, 1, 0])
        for index in 0..<good.count where index < 12 || index > 15 {
            var bad = good
            bad[index] ^= 0x10
            // Another kind than a checksum's makes it none.
            if index == 34 { continue }
            #expect(read(bad) == .malformed, "\(index)")
        }
        #expect(read(header(sum, [3, 0, 4] + sum)) == .malformed, "two of them")
        #expect(read(header(Array(sum.prefix(3)) + [0])) == .malformed)
    }

    @Test(
        "extensions are whole, or the header is none",
        arguments: [
            [UInt8(9)], [9, 0], [9, 0, 1], [9, 0, 2, 1], [9, 0, 0, 9], [9, 0xff, 0xff, 1], [3, 0, 0],
            [3, 0, 3, 1, 2, 3],
        ])
    func brokenExtensions(_ bytes: [UInt8]) {
        #expect(read(Self.binary(0x21, 0x11, Self.payload4 + bytes)) == .malformed)
        #expect(read(Self.binary(0x21, 0x21, Self.payload6 + bytes)) == .malformed)
        #expect(read(Self.binary(0x21, 0x00, bytes)) == .malformed)
        // A proxy that speaks for itself may say what it likes.
        #expect(read(Self.binary(0x20, 0x00, bytes)) == header(16 + bytes.count))
    }

    @Test("version 1: IPv4, IPv6 and UNKNOWN with anything behind it")
    func line() {
        func line(_ text: String) -> ProxyHeader.Reading { read(Array(text.utf8)) }
        #expect(
            line("PROXY TCP4 192.0.2.1 198.51.100.7 56324 53\r\n")
                == header(44, "192.0.2.1:56324", "198.51.100.7:53"))
        #expect(line("PROXY TCP6 2001:db8::1 ::2 65535 0\r\n") == header(36, "[2001:db8::1]:65535", "[::2]:0"))
        #expect(line("PROXY UNKNOWN\r\n") == header(15))
        #expect(line("PROXY UNKNOWN a b c d e\r\nrest") == header(25))
        // 107 bytes with the end are one line, 108 are not.
        let filler = String(repeating: "x", count: 107 - 16)
        #expect(line("PROXY UNKNOWN \(filler)\r\n") == header(107))
        #expect(line("PROXY UNKNOWN \(filler)x\r\n") == .malformed)
    }

    @Test("every part of a header is incomplete, and what follows one does not matter")
    func cuts() {
        let headers = [
            Self.binary(0x21, 0x11, Self.payload4), Self.binary(0x21, 0x21, Self.payload6 + [4, 0, 1, 0]),
            Self.binary(0x20, 0x00, []), Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 53\r\n".utf8),
            Array("PROXY UNKNOWN\r\n".utf8),
        ]
        for bytes in headers {
            for length in 0..<bytes.count { #expect(read(Array(bytes[..<length])) == .incomplete, "\(length)") }
            guard case .header(let header) = read(bytes) else {
                Issue.record("\(bytes) is no header")
                continue
            }
            #expect(header.length == bytes.count)
            #expect(read(bytes + [0, 1, 2]) == .header(header))
        }
    }

    @Test(
        "what is no header",
        arguments: [
            "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n", "PROXY TCP4 192.0.2.1 198.51.100.7 56324 53 1\r\n",
            "PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n", "PROXY TCP4 ::1 198.51.100.7 1 2\r\n",
            "PROXY TCP6 192.0.2.1 ::1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.7 65536 53\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 01 53\r\n", "PROXY TCP4 192.0.2.1 198.51.100.7 -1 53\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.7 1 \r\n", "PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n",
            "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n", "PROXY\r\n", "PROXY TCP4\n", "PROXY \rTCP4", "PROXI",
            "GET /",
            "proxy TCP4", "PROXY TCP4 192.0.2.1\u{0}", "PROXY \r\n",
        ])
    func malformedLines(text: String) {
        #expect(read(Array(text.utf8)) == .malformed)
    }

    @Test("what is no header of version 2")
    func malformedBinary() {
        let good = Self.binary(0x21, 0x11, Self.payload4)
        for index in 0..<12 {
            var bytes = good
            bytes[index] ^= 1
            #expect(read(bytes) == .malformed, "byte \(index) of the signature")
        }
        for command: UInt8 in [0x11, 0x31, 0x22, 0x2f, 0x00] {
            #expect(read(Self.binary(command, 0x11, Self.payload4)) == .malformed)
            #expect(read(Self.signature + [command]) == .malformed)
        }
        // UDP, and families and transports that are none.
        for kind: UInt8 in [0x12, 0x22, 0x32, 0x10, 0x01, 0x41, 0x13] {
            #expect(read(Self.binary(0x21, kind, Self.payload6 + Self.payload6)) == .malformed)
        }
        // Too short for the addresses it should hold.
        for length in 0..<12 { #expect(read(Self.binary(0x21, 0x11, Array(Self.payload4[..<length]))) == .malformed) }
        for length in 0..<36 { #expect(read(Self.binary(0x21, 0x21, Array(Self.payload6[..<length]))) == .malformed) }
        let most = ProxyHeader.limit - 16
        #expect(
            read(Self.binary(0x20, 0, [UInt8](repeating: 0, count: most))) == header(ProxyHeader.limit))
        #expect(read(Self.binary(0x20, 0, [UInt8](repeating: 0, count: most + 1))) == .malformed)
        // Known by its first bytes: nothing more is waited for.
        #expect(read(Array(Self.binary(0x21, 0x11, [])[..<16])) == .malformed)
    }

    @Test("no bytes crash it, and no header is longer than what it was read from")
    func noise() {
        var state: UInt64 = 11
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let seeds = [
            Self.binary(0x21, 0x11, Self.payload4), Self.binary(0x21, 0x21, Self.payload6),
            Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 53\r\n".utf8),
        ]
        for _ in 0..<20_000 {
            var bytes = seeds[random(seeds.count)]
            for _ in 0...random(3) { bytes[random(bytes.count)] = UInt8(random(256)) }
            if random(3) == 0 { bytes.removeLast(random(bytes.count)) }
            if case .header(let header) = read(bytes) { #expect(header.length <= bytes.count) }
        }
    }
}
