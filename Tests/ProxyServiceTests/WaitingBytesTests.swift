import NIOCore
import Testing

@testable import ProxyService

@Suite("Bytes that wait")
struct WaitingBytesTests {
    @Test("small pieces are put together, in order, and large ones are not copied together")
    func joined() {
        var waiting = WaitingBytes()
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for byte in bytes { waiting.append(ByteBuffer(bytes: [byte])) }
        #expect(waiting.count == bytes.count)
        #expect(waiting.capacity < 2 * bytes.count + 2 * WaitingBytes.smallPiece, "\(waiting.capacity)")
        waiting.append(ByteBuffer(repeating: 7, count: 50_000))
        var all: [UInt8] = []
        while let piece = waiting.popFirst() { all += piece.readableBytesView }
        #expect(all == bytes + [UInt8](repeating: 7, count: 50_000))
        #expect(waiting.isEmpty && waiting.count == 0)
    }

    @Test("what goes as fast as it comes holds no memory of what has gone")
    func steady() {
        var waiting = WaitingBytes()
        waiting.append(ByteBuffer(repeating: 0, count: 4000))
        for number in 0..<10_000 {
            waiting.append(ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: 1000))
            waiting.removeFirst(1000)
        }
        #expect(waiting.count == 4000 && waiting.capacity <= 4 * WaitingBytes.smallPiece, "\(waiting.capacity)")
        #expect(waiting.first?.readableBytesView.first == UInt8(truncatingIfNeeded: 9996))
    }

    @Test("little that waits does not hold what it was read into")
    func slices() {
        var read = ByteBuffer(repeating: 1, count: 60_000)
        var waiting = WaitingBytes()
        if let slice = read.readSlice(length: 9000) { waiting.append(slice) }
        #expect(waiting.capacity < 2 * 9000 && waiting.isLast)
    }

    @Test("a held response is told in the order in which it came: heads, body, end")
    func held() {
        var held = HeldResponse()
        held.append(.head(ByteBuffer(string: "one")))
        held.append(.head(ByteBuffer(string: "two")))
        for text in ["a", "b", "c"] { held.append(.body(ByteBuffer(string: text))) }
        held.append(.end(ByteBuffer(string: "end")))
        #expect(held.count == 12)
        var told: [String] = []
        while let part = held.next() {
            switch part {
            case .head(let bytes): told.append("head " + String(buffer: bytes))
            case .body(let bytes): told.append("body " + String(buffer: bytes))
            case .end(let bytes): told.append("end " + String(buffer: bytes))
            }
        }
        #expect(told == ["head onetwo", "body abc", "end end"] && held.isEmpty)
    }
}
