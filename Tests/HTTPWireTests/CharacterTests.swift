import Testing

@testable import HTTPWire

@Suite("Classes of characters")
struct CharacterTests {
    @Test("a name ends at the first byte that no token has, wherever it is", arguments: 0..<20)
    func token(_ position: Int) {
        for byte in UInt8.min...UInt8.max {
            var name = Array("x-Request-Id09azAZ-_ab".utf8)
            name[position] = byte
            let isPart =
                "!#$%&'*+-.^_`|~".utf8.contains(byte) || (0x30...0x39).contains(byte)
                || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            for start in 0...position {
                let end = endOfToken(name.span, from: start)
                #expect(end == (isPart ? name.count : position), "\(byte) from \(start)")
            }
        }
    }
}
