import Glibc

/// HTTP/2 with blocking calls on buffers of its own, as a client and as a member. Once it runs it allocates nothing.
struct HTTP2Asker {
    private var reader: FrameReader
    private var request: [UInt8]
    private var stream: UInt32 = 1

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// SETTINGS, and room for all the DATA that can come.
    private static let beginning: [UInt8] =
        [0, 0, 0, 4, 0, 0, 0, 0, 0] + [0, 0, 4, 8, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0]

    init?(_ descriptor: CInt) {
        reader = FrameReader(descriptor)
        let block: [UInt8] =
            [0x82, 0x86, 0x04, 21] + Array("/some/path?with=query".utf8) + [0x01, 10] + Array("bench.test".utf8)
            + [0x0f, 43, 6] + Array("budget".utf8) + [0x0f, 4, 3] + Array("*/*".utf8) + [0x0f, 17, 3]
            + Array("a=b".utf8)
        request = [0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 0] + block
        let start = Self.preface + Self.beginning
        guard unsafe write(descriptor, start, start.count) == start.count else { return nil }
    }

    /// `false` when a response was not the one that the member gives.
    mutating func exchange(_ count: Int) -> Bool {
        for _ in 0..<count {
            for place in 0..<4 { request[5 + place] = UInt8(truncatingIfNeeded: stream >> UInt32(24 - 8 * place)) }
            guard unsafe write(reader.descriptor, request, request.count) == request.count else { return false }
            var isEnd = false
            while !isEnd {
                guard let frame = reader.next(), frame.kind != 3, frame.kind != 7 else { return false }
                isEnd = frame.stream == stream && frame.kind <= 1 && frame.flags & 1 == 1
            }
            stream += 2
        }
        return true
    }

    /// Answers each request on one connection.
    static func serve(_ listener: CInt) {
        let connection = accept(listener, nil, nil)
        var reader = FrameReader(connection)
        guard reader.skip(preface.count), unsafe write(connection, beginning, beginning.count) == beginning.count else {
            return
        }
        // :status: 200, a length and a field; twenty bytes.
        let fields: [UInt8] = [0x88, 0x0f, 13, 2, 0x32, 0x30, 0, 3, 0x78, 0x2d, 0x61, 1, 0x62]
        var answer: [UInt8] = [0, 0, UInt8(fields.count), 1, 4, 0, 0, 0, 0] + fields
        let second = answer.count
        answer += [0, 0, 20, 0, 1, 0, 0, 0, 0] + [UInt8](repeating: 0x61, count: 20)
        while let frame = reader.next() {
            guard frame.kind == 1 else { continue }
            for place in 0..<4 {
                answer[5 + place] = UInt8(truncatingIfNeeded: frame.stream >> UInt32(24 - 8 * place))
                answer[second + 5 + place] = answer[5 + place]
            }
            guard unsafe write(connection, answer, answer.count) == answer.count else { break }
        }
        _ = close(connection)
        _ = close(listener)
    }
}

/// Reads frames' headers, and passes over what is in them.
private struct FrameReader {
    let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 32_768)
    private var start = 0
    private var end = 0

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Waits until `count` bytes are there.
    private mutating func fill(_ count: Int) -> Bool {
        while end - start < count {
            if buffer.count - start < count {
                for offset in start..<end { buffer[offset - start] = buffer[offset] }
                end -= start
                start = 0
            }
            let room = buffer.count - end
            let more = unsafe buffer.withUnsafeMutableBytes { bytes in
                // `end` and `room` are within the buffer.
                unsafe read(descriptor, bytes.baseAddress.unsafelyUnwrapped + end, room)
            }
            guard more > 0 else { return false }
            end += more
        }
        return true
    }

    mutating func skip(_ count: Int) -> Bool {
        guard fill(count) else { return false }
        start += count
        return true
    }

    /// The next frame, whose payload is passed over; `nil` at the end.
    mutating func next() -> (kind: UInt8, flags: UInt8, stream: UInt32)? {
        guard fill(9) else { return nil }
        let length = Int(buffer[start]) << 16 | Int(buffer[start + 1]) << 8 | Int(buffer[start + 2])
        let kind = buffer[start + 3]
        let flags = buffer[start + 4]
        var stream: UInt32 = 0
        for place in 5..<9 { stream = stream << 8 | UInt32(buffer[start + place]) }
        guard skip(9 + length) else { return nil }
        return (kind, flags, stream)
    }
}
