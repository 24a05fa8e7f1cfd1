import Addresses
import Testing

@Suite("Networks and endpoints")
struct IPPrefixTests {
    @Test(
        "reads a network",
        arguments: [
            ("0.0.0.0/0", 0), ("10.0.0.0/8", 8), ("192.0.2.1", 32), ("192.0.2.1/32", 32), ("::/0", 0),
            ("2001:db8::/32", 32), ("::1", 128), ("::1/128", 128), ("2001:db8::8000:0:0:0/65", 65),
        ])
    func reads(text: String, length: Int) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.length == length)
        #expect(IPPrefix(prefix.description) == prefix)
    }

    @Test(
        "refuses what is no network, and host bits",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8/8",
            "10.0.0.1/8", "::/129", "::1/127", "10.0.0/8", "10.0.0.0/99999999999999999999", "10.0.0.0/8x",
        ])
    func refuses(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test("contains its own addresses only, at every length")
    func contains() throws {
        for length in 0...32 {
            let prefix = try #require(IPPrefix(.v4(0xdead_beef), length: length))
            #expect(prefix.contains(.v4(0xdead_beef)))
            #expect(prefix.contains(.v4(0xdead_beef ^ 1)) == (length < 32))
            if length > 0 { #expect(!prefix.contains(.v4(0xdead_beef ^ 1 << UInt32(32 - length)))) }
            #expect(!prefix.contains(.v6(0xdead_beef)))
        }
        for length in 0...128 {
            let value = UInt128.max / 3
            let prefix = try #require(IPPrefix(.v6(value), length: length))
            #expect(prefix.contains(.v6(value)))
            if length > 0 { #expect(!prefix.contains(.v6(value ^ 1 << UInt128(128 - length)))) }
        }
        #expect(IPPrefix(.v4(0), length: 33) == nil)
        #expect(IPPrefix(.v6(0), length: 129) == nil)
        #expect(IPPrefix(.v6(0), length: -1) == nil)
    }

    @Test("masks at the ends")
    func masks() {
        #expect(IPPrefix.mask4(0) == 0)
        #expect(IPPrefix.mask4(32) == .max)
        #expect(IPPrefix.mask6(0) == 0)
        #expect(IPPrefix.mask6(128) == .max)
        #expect(IPPrefix.mask6(1) == 1 << 127)
    }

    @Test("reads an endpoint", arguments: ["192.0.2.1:80", "[2001:db8::1]:443", "[::]:0", "0.0.0.0:65535"])
    func endpoint(text: String) throws {
        #expect(try #require(Endpoint(text)).description == text)
    }

    @Test(
        "refuses what is no endpoint",
        arguments: [
            "", ":", ":80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "::1:80",
            "2001:db8::1:443", "[192.0.2.1]:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "192.0.2.1:80 ", "host:80",
            "192.0.2.1:8０", "[]:80",
        ])
    func refusesEndpoint(text: String) {
        #expect(Endpoint(text) == nil)
    }
}
