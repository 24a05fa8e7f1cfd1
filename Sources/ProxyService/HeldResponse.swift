import NIOCore

/// What a member has sent of a response on a stream while its client takes nothing: in parts, as a client of HTTP/1.1
/// gets them, but for the coding of the body, which would be longer than a body that comes in small frames.
struct HeldResponse {
    enum Part {
        /// Lines of a head, interim ones included.
        case head(ByteBuffer)
        /// Bytes of the body, or of what a tunnel carries, without chunks.
        case body(ByteBuffer)
        /// What ends a chunked body.
        case end(ByteBuffer)
    }

    private var heads = ByteBuffer()
    private var body = WaitingBytes()
    private var end = ByteBuffer()

    /// Bytes that are held. Those of the body are bounded by the stream's window, heads by their own limits.
    var count: Int { heads.readableBytes + body.count + end.readableBytes }

    /// Those of the body.
    var bodyCount: Int { body.count }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ part: Part) {
        switch part {
        case .head(let bytes): heads.writeImmutableBuffer(bytes)
        case .body(let bytes): body.append(bytes)
        case .end(let bytes): end.writeImmutableBuffer(bytes)
        }
    }

    /// Takes what comes next: heads all at once, the body as it was put together.
    mutating func next() -> Part? {
        if heads.readableBytes > 0 {
            defer { heads = ByteBuffer() }
            return .head(heads)
        }
        if let piece = body.popFirst() { return .body(piece) }
        guard end.readableBytes > 0 else { return nil }
        defer { end = ByteBuffer() }
        return .end(end)
    }

    mutating func removeAll() { self = HeldResponse() }
}
