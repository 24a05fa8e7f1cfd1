import HTTPWire
import TestSupport
import Testing

/// Decodes `pieces` one after another, keeping what is not consumed as a caller does.
private func decode(_ pieces: [[UInt8]]) -> (body: [UInt8], trailers: String?, rest: [UInt8], error: HeadError?) {
    var decoder = ChunkedDecoder()
    var pending: [UInt8] = []
    var body: [UInt8] = []
    var trailers: String?
    for piece in pieces {
        pending += piece
        var offset = 0
        reading: while trailers == nil {
            switch decoder.next(pending.span, offset: &offset) {
            case .data(let range): body += pending[range]
            case .end(let range): trailers = String(decoding: pending[range], as: UTF8.self)
            case .incomplete: break reading
            case .failed(let error): return (body, nil, [], error)
            }
        }
        pending.removeFirst(offset)
    }
    return (body, trailers, pending, nil)
}

@Suite("The chunked coding, RFC 9112 section 7.1")
struct ChunkedDecoderTests {
    private static let good = Array("5;a=b\r\nhello\r\n00A \t;x\r\n0123456789\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\nNEXT".utf8)

    @Test("the body is the same however the bytes are split")
    func splits() {
        for first in 0...Self.good.count {
            let pieces = [Array(Self.good[..<first]), Array(Self.good[first...])]
            let result = decode(pieces)
            #expect(result.body == Array("hello0123456789".utf8), "\(first)")
            #expect(result.trailers == "X-T: 1\r\nY: 2\r\n\r\n")
            #expect(result.rest == Array("NEXT".utf8))
        }
        let single = decode(Self.good.map { [$0] })
        #expect(single.body == Array("hello0123456789".utf8) && single.rest == Array("NEXT".utf8))
    }

    @Test("nothing is taken for the end before it came")
    func truncation() {
        for count in 0..<(Self.good.count - 4) {
            let result = decode([Array(Self.good[..<count])])
            #expect(result.trailers == nil && result.error == nil, "\(count)")
        }
    }

    @Test(
        "what is not a chunk is refused",
        arguments: [
            ("\r\n", HeadError.badChunkSize), (";x\r\n", .badChunkSize), (" 5\r\n", .badChunkSize),
            ("5 xyz\r\n", .badChunkSize), ("5 \t6\r\n", .badChunkSize), ("5 \n", .badChunkSize),
            ("+5\r\n", .badChunkSize), ("-5\r\n", .badChunkSize), ("0x5\r\n", .badChunkSize), ("g\r\n", .badChunkSize),
            ("5_0\r\n", .badChunkSize), ("5\nhello\r\n", .badChunkSize), ("5\rhello", .badChunkSize),
            ("5;a\nb\r\n", .badChunkSize), ("5;a\rb\r\n", .badChunkSize), ("5;\u{0}\r\n", .badChunkSize),
            ("5\r\nhelloX\r\n", .badChunkEnd), ("5\r\nhello\n", .badChunkEnd), ("5\r\nhello\rX", .badChunkEnd),
            ("5\r\nhello\r\n\r\n", .badChunkSize), ("0\r\nX: 1\n\r\n", .bareLineFeed), ("0\r\n\n", .bareLineFeed),
            ("8000000000000000\r\n", .badChunkSize), ("ffffffffffffffff\r\n", .badChunkSize),
            ("00000000000000005\r\n", .badChunkSize), ("10000000000000000\r\n", .badChunkSize),
        ])
    func refused(_ text: String, _ error: HeadError) {
        #expect(decode([Array(text.utf8)]).error == error)
        #expect(decode(Array(text.utf8).map { [$0] }).error == error)
    }

    @Test("extensions and trailers are limited, at n and not at n + 1")
    func limits() {
        let most = String(repeating: "e", count: ChunkedDecoder.extensionLimit)
        #expect(decode([Array("1;\(most)\r\nx\r\n0\r\n\r\n".utf8)]).trailers != nil)
        #expect(decode([Array("1;\(most)e\r\n".utf8)]).error == .chunkExtensionTooLong)
        let value = String(repeating: "t", count: ChunkedDecoder.trailerLimit - 7)
        #expect(decode([Array("0\r\nX: \(value)\r\n\r\n".utf8)]).trailers != nil)
        #expect(decode([Array("0\r\nX: \(value)t\r\n\r\n".utf8)]).error == .trailersTooLarge)
        #expect(decode([Array("0\r\nX: \(value)\(value)".utf8)]).error == .trailersTooLarge)
    }

    @Test("the largest size that can be counted is taken")
    func largestSize() {
        #expect(decode([Array("7fffffffffffffff\r\nx".utf8)]).body == Array("x".utf8))
    }

    @Test("fields that must not come behind a body are dropped")
    func trailers() {
        let text = Array(
            "X-Sum: 1\r\nContent-Length: 5\r\nhost: a\r\nAuthorization: b\r\nTransfer-Encoding: x\r\n\r\n".utf8)
        let trailers = TrailerFields()
        let error = trailers.parse(text.span)
        #expect(error == nil)
        let kept = (0..<trailers.fields.count).filter { !trailers.fields[$0].isDropped }
        #expect(kept == [0])
        let folded = Array("A: 1\r\n b\r\n\r\n".utf8)
        let refused = trailers.parse(folded.span)
        #expect(refused == .foldedField)
    }

    @Test("random damage never traps")
    func mutation() {
        var random = SplitMix64(seed: 0xc0ffee)
        for _ in 0..<5_000 {
            var bytes = Self.good
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = decode([bytes])
            let split = decode(bytes.map { [$0] })
            #expect(whole.error == split.error && whole.body == split.body && whole.rest == split.rest)
        }
    }
}
