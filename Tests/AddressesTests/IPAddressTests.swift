import Addresses
import Testing

@Suite("Addresses as text")
struct IPAddressTests {
    @Test(
        "reads and writes the canonical form (RFC 5952)",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("192.0.2.10", "192.0.2.10"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("::ffff:192.0.2.1", "::ffff:c000:201"),
            ("64:ff9b::198.51.100.1", "64:ff9b::c633:6401"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("00ab::0", "ab::"), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(IPAddress(expected) == address)
    }

    @Test(
        "refuses what is no address",
        arguments: [
            "", " ", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.04", "01.2.3.4", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ",
            " 1.2.3.4", "1..3.4", ".1.2.3.4", "1.2.3.4.", "0x1.2.3.4", "1.2.3.1000", ":", ":::", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "1:", ":1", "1:::2", "12345::", "g::", "::1%eth0", "::1.2.3",
            "1.2.3.4::", "::1.2.3.4:1", "1:2:3:4:5:6:7:1.2.3.4", "::+1", "::-1", "[::1]", "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8", "１.2.3.4",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("text of random addresses reads back", arguments: UInt64(1)...50)
    func roundTrip(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15
        var value: UInt128 = 0
        for _ in 0..<8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Half of the groups are zero, for runs of them.
            value = value << 16 | (state >> 63 == 0 ? 0 : UInt128(state >> 40 & 0xffff))
        }
        let v6 = IPAddress.v6(value)
        #expect(IPAddress(v6.description) == v6)
        #expect(IPAddress(bytes: v6.bytes) == v6)
        let v4 = IPAddress.v4(UInt32(truncatingIfNeeded: state >> 16))
        #expect(IPAddress(v4.description) == v4)
        #expect(IPAddress(bytes: v4.bytes) == v4)
    }

    @Test("bytes: 4 or 16 of them, in network order")
    func bytes() {
        #expect(IPAddress("192.0.2.1")?.bytes == [192, 0, 2, 1])
        #expect(IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) == IPAddress("::1"))
        for count in [0, 3, 5, 15, 17] { #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test("loopback, unspecified and IPv4-mapped addresses")
    func kinds() {
        for text in ["127.0.0.1", "127.255.0.9", "::1"] { #expect(IPAddress(text)!.isLoopback) }
        for text in ["128.0.0.1", "::2", "::"] { #expect(!IPAddress(text)!.isLoopback) }
        for text in ["0.0.0.0", "::"] { #expect(IPAddress(text)!.isUnspecified) }
        for text in ["0.0.0.1", "::1"] { #expect(!IPAddress(text)!.isUnspecified) }
        #expect(IPAddress("::ffff:192.0.2.1")!.unmapped == IPAddress("192.0.2.1"))
        for text in ["::fffe:192.0.2.1", "::192.0.2.1", "192.0.2.1", "1::ffff:192.0.2.1"] {
            #expect(IPAddress(text)!.unmapped == IPAddress(text))
        }
    }
}
