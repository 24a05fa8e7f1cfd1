import NIOCore
import NIOHPACK
import Testing

@testable import HTTP2Wire

@Suite("HPACK")
struct FieldCodecTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var name: String
        /// Blocks of one connection, with what they say.
        var blocks: [(String, [TestField])]
        var testDescription: String { name }
    }

    private static let requests: [[TestField]] = [
        [
            TestField(":method", "GET"), TestField(":scheme", "http"), TestField(":path", "/"),
            TestField(":authority", "www.example.com"),
        ],
        [
            TestField(":method", "GET"), TestField(":scheme", "http"), TestField(":path", "/"),
            TestField(":authority", "www.example.com"), TestField("cache-control", "no-cache"),
        ],
        [
            TestField(":method", "GET"), TestField(":scheme", "https"), TestField(":path", "/index.html"),
            TestField(":authority", "www.example.com"), TestField("custom-key", "custom-value"),
        ],
    ]

    private static let responses: [[TestField]] = [
        [
            TestField(":status", "302"), TestField("cache-control", "private"),
            TestField("date", "Mon, 21 Oct 2013 20:13:21 GMT"), TestField("location", "https://www.example.com"),
        ],
        [
            TestField(":status", "307"), TestField("cache-control", "private"),
            TestField("date", "Mon, 21 Oct 2013 20:13:21 GMT"), TestField("location", "https://www.example.com"),
        ],
        [
            TestField(":status", "200"), TestField("cache-control", "private"),
            TestField("date", "Mon, 21 Oct 2013 20:13:22 GMT"), TestField("location", "https://www.example.com"),
            TestField("content-encoding", "gzip"),
            TestField("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
        ],
    ]

    /// A table of 256 bytes, as appendices C.5 and C.6 have it.
    private static let small = "3f e1 01"

    /// RFC 7541 appendix C.
    static let vectors: [Vector] = [
        Vector(
            name: "C.1: numbers, as sizes of the table",
            blocks: [("2a", []), ("3f 9a0a", []), ("3f 0b 82", [TestField(":method", "GET")])]),
        Vector(
            name: "C.2.1",
            blocks: [
                (
                    "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
                    [TestField("custom-key", "custom-header")]
                ), ("be", [TestField("custom-key", "custom-header")]),
            ]),
        Vector(
            name: "C.2.2", blocks: [("040c 2f73 616d 706c 652f 7061 7468", [TestField(":path", "/sample/path")])]),
        Vector(
            name: "C.2.3", blocks: [("1008 7061 7373 776f 7264 0673 6563 7265 74", [TestField("password", "secret")])]),
        Vector(name: "C.2.4", blocks: [("82", [TestField(":method", "GET")])]),
        Vector(
            name: "C.3",
            blocks: [
                ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", requests[0]),
                ("8286 84be 5808 6e6f 2d63 6163 6865", requests[1]),
                ("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", requests[2]),
            ]),
        Vector(
            name: "C.4",
            blocks: [
                ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", requests[0]),
                ("8286 84be 5886 a8eb 1064 9cbf", requests[1]),
                ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", requests[2]),
            ]),
        Vector(
            name: "C.5",
            blocks: [
                (
                    small + "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133"
                        + "2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                    responses[0]
                ), ("4803 3330 37c1 c0bf", responses[1]),
                (
                    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970"
                        + "7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178"
                        + "2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31", responses[2]
                ),
            ]),
        Vector(
            name: "C.6",
            blocks: [
                (
                    small + "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e"
                        + "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3", responses[0]
                ), ("4883 640e ffc1 c0bf", responses[1]),
                (
                    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2"
                        + "e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
                    responses[2]
                ),
            ]),
    ]

    @Test("the RFC's examples are read", arguments: vectors)
    func examples(_ vector: Vector) {
        var decoder = FieldDecoder()
        let section = FieldSection()
        for (block, fields) in vector.blocks {
            #expect(decoder.reads(hex(block), into: section) == .decoded)
            #expect(section.all == fields)
        }
    }

    @Test(
        "what the RFC forbids is refused",
        arguments: [
            ("an index of zero", "80"), ("an index beyond the table", "be"), ("far beyond", "ff ff ff ff 7f"),
            ("a number that does not end", "ff ff ff"), ("a number that is too long", "ff ff ff ff ff ff 0f"),
            ("a name's index beyond the table", "7f 00 01 61"), ("a string that is cut off", "40 05 61 62"),
            ("a field without a value", "40 01 61"), ("a size behind a field", "82 20"),
            ("a size beyond the limit", "3f e2 1f"), ("Huffman with the end's symbol", "00 84 ff ff ff ff 01 61"),
            ("Huffman padded with zeros", "00 81 18 01 61"), ("Huffman padded with eight bits", "00 82 1f ff 01 61"),
            ("Huffman cut within a symbol", "00 81 fe 01 61"),
        ])
    func malformed(_ name: String, _ block: String) {
        var decoder = FieldDecoder()
        #expect(decoder.reads(hex(block), into: FieldSection()) == .malformed)
    }

    @Test("every byte passes as it came, in Huffman's code and without")
    func bytes() throws {
        var decoder = FieldDecoder()
        let section = FieldSection()
        for start in [0, 128] {
            let value = (start..<start + 128).map { UInt8($0) }
            // Of 128 bytes: one more than the prefix holds.
            #expect(
                decoder.reads(([0, 1, 0x61, 0x7f, 1] + value), into: section) == .decoded)
            #expect(section.all == [TestField(name: [0x61], value: value)])
        }
        // A table's whole value through the encoder, and back.
        var encoder = FieldEncoder()
        let output = OutputBytes()
        let value = (0...255).map { UInt8($0) }
        for _ in 0..<3 {
            encoder.encode(place: 0, name: [0x41].span, value: value.span, isSecret: false, output)
            #expect(decoder.reads(output.take(), into: section) == .decoded)
            #expect(section.all == [TestField(name: [0x61], value: value)])
        }
    }

    @Test("fields of every length are the same whatever the case of their names, and others for any byte")
    func sameness() {
        func isSame(_ kept: [UInt8], _ given: [UInt8], lowered: Bool) -> Bool {
            FieldEncoder.isSame(kept.span, given.span, lowered: lowered)
        }
        for length in 1...40 {
            let name = (0..<length).map { UInt8(ascii: "A") + UInt8($0 % 26) }
            let value = (0..<length).map { UInt8(ascii: "A") + UInt8($0 % 58) }
            let small = name.map { $0 | 0x20 }
            #expect(isSame(small, name, lowered: true))
            #expect(isSame(small, small, lowered: true))
            #expect(isSame(value, value, lowered: false))
            for position in 0..<length {
                // A bit that a letter's case does not differ in, and the one that it does.
                for bit in [UInt8(1), 0x80, 0x20] {
                    var other = value
                    other[position] ^= bit
                    #expect(!isSame(value, other, lowered: false))
                }
                var other = name
                other[position] ^= 1
                #expect(!isSame(small, other, lowered: true))
            }
        }
        for byte in UInt8.min...UInt8.max {
            // Among others that must not change it, nor it them.
            let word = UInt64(byte) << 24 | 0x5a5b_4041_0061_ff80 & ~(0xff << 24)
            var expected: UInt64 = 0
            for shift in stride(from: 0, to: 64, by: 8) {
                expected |= UInt64(lowercase(UInt8(truncatingIfNeeded: word >> UInt64(shift)))) << UInt64(shift)
            }
            #expect(lowercase(word) == expected, "\(byte)")
        }
    }

    @Test("a list is counted while it is read, at the limit and beyond")
    func listLimit() {
        let block = hex("82 84")
        // :method: GET and :path: / are 10 + 6 bytes and 64 more.
        for (limit, result) in [(80, FieldDecoder.Result.decoded), (79, .tooLarge)] {
            var decoder = FieldDecoder()
            #expect(decoder.reads(block, into: FieldSection(), limit: limit) == result)
        }
    }

    @Test("what is larger than the table empties it")
    func largeEntry() {
        var decoder = FieldDecoder()
        let section = FieldSection()
        #expect(decoder.reads(hex("40 01 61 01 62 be"), into: section) == .decoded)
        let large = [0x40, 1, 0x63, 0x7f, 0x81, 0x1f] + [UInt8](repeating: 0x64, count: 4096)
        #expect(decoder.reads(large, into: section) == .decoded)
        #expect(section.value(0).count == 4096)
        #expect(decoder.reads(hex("be"), into: section) == .malformed)
    }

    @Test("a field is kept when it comes again, a secret never")
    func kept() {
        var encoder = FieldEncoder()
        let output = OutputBytes()
        let sizes = (0..<3).map { _ in
            encoder.encode(place: 0, name: Array("X-A".utf8).span, value: Array("b".utf8).span, isSecret: false, output)
            return output.take()
        }
        #expect(sizes[0] == [0, 3] + Array("x-a".utf8) + [1, 0x62])
        #expect(sizes[1] == [0x40, 3] + Array("x-a".utf8) + [1, 0x62])
        #expect(sizes[2] == [0xbe])
        for _ in 0..<3 {
            encoder.encode(place: 32, name: Array("cookie".utf8).span, value: [0x61].span, isSecret: true, output)
            #expect(output.take() == [0x1f, 17, 1, 0x61])
        }
    }

    @Test("a change of the table's size is said, the smallest between two blocks too")
    func sizes() {
        var encoder = FieldEncoder()
        let output = OutputBytes()
        encoder.begin(output)
        #expect(output.take() == [])
        encoder.setLimit(8192)
        encoder.begin(output)
        #expect(output.take() == [])
        encoder.setLimit(0)
        encoder.setLimit(100)
        encoder.begin(output)
        #expect(output.take() == [0x20, 0x3f, 69])
        encoder.setLimit(10_000)
        encoder.begin(output)
        #expect(output.take() == [0x3f, 0xe1, 0x1f])
    }

    private static let names = [
        "x-a", "accept", "cookie", ":path", "x-long-name-of-a-field", "te", "date", "x-b", "via",
    ]

    private static func value(_ random: inout SeededGenerator) -> String {
        let count =
            Int.random(in: 0..<5, using: &random) == 0
            ? Int.random(in: 0...1500, using: &random) : Int.random(in: 0...12, using: &random)
        // Few letters, so that fields come again.
        return String(decoding: (0..<count).map { _ in UInt8.random(in: 97...99, using: &random) }, as: UTF8.self)
    }

    @Test("what this side writes is what SwiftNIO reads", arguments: 0..<30)
    func written(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var encoder = FieldEncoder()
        var oracle = HPACKDecoder(allocator: ByteBufferAllocator())
        oracle.maxHeaderListSize = 1 << 20
        let output = OutputBytes()
        for _ in 0..<200 {
            if Int.random(in: 0..<20, using: &random) == 0 {
                encoder.setLimit(Int.random(in: 0...5000, using: &random))
            }
            encoder.begin(output)
            let fields = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                TestField(Self.names.randomElement(using: &random) ?? "", Self.value(&random))
            }
            for field in fields {
                encoder.encode(
                    place: field.name == Array("date".utf8) ? 33 : 0, name: field.name.span, value: field.value.span,
                    isSecret: field.name == Array("cookie".utf8), output)
            }
            var block = ByteBuffer(bytes: output.take())
            let read = try oracle.decodeHeaders(from: &block).map { TestField($0.name, $0.value) }
            #expect(read == fields)
        }
    }

    @Test("what SwiftNIO writes is what this side reads", arguments: 0..<30)
    func read(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var decoder = FieldDecoder()
        let section = FieldSection()
        var oracle = HPACKEncoder(
            allocator: ByteBufferAllocator(), useHuffmanEncoding: seed % 2 == 0)
        for _ in 0..<200 {
            var fields: [TestField] = []
            var headers = HPACKHeaders()
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let field = TestField(Self.names.randomElement(using: &random) ?? "", Self.value(&random))
                fields.append(field)
                let indexing: HPACKIndexing =
                    [.indexable, .nonIndexable, .neverIndexed].randomElement(using: &random) ?? .indexable
                headers.add(
                    name: String(decoding: field.name, as: UTF8.self),
                    value: String(decoding: field.value, as: UTF8.self),
                    indexing: indexing)
            }
            var block = ByteBuffer()
            try oracle.encode(headers: headers, to: &block)
            #expect(decoder.reads(Array(block.readableBytesView), into: section, limit: 1 << 20) == .decoded)
            #expect(section.all == fields)
        }
    }

    @Test("made-up blocks are refused or read alike, and nothing else happens", arguments: 0..<20)
    func random(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var decoder = FieldDecoder()
            var oracle = HPACKDecoder(allocator: ByteBufferAllocator())
            oracle.maxHeaderListSize = 1 << 20
            let section = FieldSection()
            let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random)
                    : [0, 1, 2, 0x40, 0x41, 0x82, 0xbe, 0x81].randomElement(using: &random) ?? 0
            }
            let result = decoder.decode(bytes.span, into: section, limit: 1 << 20)
            var block = ByteBuffer(bytes: bytes)
            let fields = try? oracle.decodeHeaders(from: &block)
            // SwiftNIO makes other bytes of what is not UTF-8, and takes sizes and paddings that the RFC forbids.
            guard let fields, result == .decoded else {
                if result == .decoded { #expect(fields != nil, "\(bytes)") }
                continue
            }
            let isText = section.all.allSatisfy { field in
                String(validating: field.name, as: UTF8.self) != nil
                    && String(validating: field.value, as: UTF8.self) != nil
            }
            if isText { #expect(section.all == fields.map { TestField($0.name, $0.value) }, "\(bytes)") }
        }
    }
}
