import Addresses
import Testing

@testable import DNSWire

/// Bytes of hexadecimal text.
private func unhex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { $0 > 57 ? $0 - 87 : $0 - 48 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// Eight bytes, the first lowest.
private func word(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

@Suite("SipHash-2-4 and server cookies (RFC 9018)")
struct ServerCookieTests {
    @Test(
        "SipHash-2-4 of the bytes 0, 1, 2 … under the key 0, 1, 2 … 15, as its authors give it",
        arguments: [
            (0, "310e0edd47db6f72"), (1, "fd67dc93c539f874"), (2, "5a4fa9d909806c0d"), (3, "2d7efbd796666785"),
            (7, "37d1018bf50002ab"), (8, "6224939a79f5f593"), (15, "e545be4961ca29a1"),
        ])
    func sipHash(length: Int, expected: String) {
        let key = SipKey((0..<16).map { UInt8($0) })!
        let message = (0..<length).map { UInt8($0) }
        var hash = SipHash(key: key)
        for start in stride(from: 0, to: length - length % 8, by: 8) { hash.absorb(word(message[start..<start + 8])) }
        let value = hash.finish(word(message.suffix(length % 8)), count: length % 8)
        #expect(value == word(unhex(expected)))
    }

    struct Vector: Sendable {
        let title: String
        let address: String
        let secret: String
        /// Client cookie and server cookie.
        let cookie: String
        let time: UInt32
    }

    static let vectors = [
        Vector(
            title: "A.1, a new cookie", address: "198.51.100.100", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
            cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480", time: 1_559_731_985),
        Vector(
            title: "A.2, renewed", address: "198.51.100.100", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
            cookie: "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", time: 1_559_734_385),
        Vector(
            title: "A.3, another client", address: "203.0.113.203", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
            cookie: "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", time: 1_559_734_700),
        Vector(
            title: "A.4, IPv6 and a new secret", address: "2001:db8:220:1:59de:d0f4:8769:82b8",
            secret: "445536bcd2513298075a5d379663c962", cookie: "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
            time: 1_559_741_961),
    ]

    @Test("the cookies of RFC 9018's appendix A", arguments: vectors)
    func appendix(vector: Vector) {
        let wire = unhex(vector.cookie)
        let secret = SipKey(unhex(vector.secret))!
        let client = word(wire[..<8])
        let address = IPAddress(vector.address)!
        let made = ServerCookie(client: client, address: address, time: vector.time, secret: secret)
        #expect(made == ServerCookie(head: word(wire[8..<16]), hash: word(wire[16...])))
        #expect(made.isMade(for: client, at: address, with: secret))
        #expect(made.age(at: vector.time) == 0)
        #expect(!made.isMade(for: client ^ 1, at: address, with: secret))
        #expect(!made.isMade(for: client, at: .v4(1), with: secret))
        #expect(!made.isMade(for: client, at: address, with: SipKey(first: 1, second: 1)))
        #expect(!ServerCookie(head: made.head ^ 3, hash: made.hash).isMade(for: client, at: address, with: secret))
        #expect(!ServerCookie(head: made.head, hash: made.hash ^ 1).isMade(for: client, at: address, with: secret))
    }

    @Test("cookies that clients of the appendix come back with: reserved bytes set, and made with the old secret")
    func received() {
        for (address, secret, cookie, other) in [
            (
                "203.0.113.203", "e5e973e5a6b2a43f48e7dc849e37bfcf",
                "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "445536bcd2513298075a5d379663c962"
            ),
            (
                "2001:db8:220:1:59de:d0f4:8769:82b8", "dd3bdf9344b678b185a6f5cb60fca715",
                "22681ab97d52c298010000005cf7c57926556bd0934c72f8", "445536bcd2513298075a5d379663c962"
            ),
        ] {
            let wire = unhex(cookie)
            let received = ServerCookie(head: word(wire[8..<16]), hash: word(wire[16...]))
            let (client, address) = (word(wire[..<8]), IPAddress(address)!)
            #expect(received.isMade(for: client, at: address, with: SipKey(unhex(secret))!))
            #expect(!received.isMade(for: client, at: address, with: SipKey(unhex(other))!))
            #expect(
                !ServerCookie(head: received.head ^ 0x100, hash: received.hash)
                    .isMade(for: client, at: address, with: SipKey(unhex(secret))!))
        }
    }

    @Test(
        "an hour old and five minutes ahead are taken, a second more is not, also where the 32 bits of time end",
        arguments: [1_700_000_000, 100, 0, UInt32.max - 100])
    func timeliness(made: UInt32) {
        let cookie = ServerCookie(client: 1, address: .v4(1), time: made, secret: SipKey(first: 1, second: 2))
        for (offset, isTimely) in [(0, true), (1800, true), (3600, true), (3601, false), (-300, true), (-301, false)] {
            let time = UInt32(truncatingIfNeeded: Int64(made) + Int64(offset))
            #expect(cookie.isTimely(at: time) == isTimely, "\(offset)")
            #expect(cookie.age(at: time) == Int32(offset))
        }
        #expect(!cookie.isTimely(at: made &+ 1 << 31))
    }

    @Test("a key does not tell itself")
    func secrecy() {
        let key = SipKey(first: 0xdead_beef, second: 0xcafe)
        #expect("\(key)" == "SipKey")
        var text = ""
        dump(key, to: &text)
        #expect(!text.contains("3735928559") && !text.contains("51966"))
        #expect(SipKey([UInt8](repeating: 0, count: 15)) == nil)
        #expect(SipKey([UInt8](repeating: 0, count: 17)) == nil)
    }
}
