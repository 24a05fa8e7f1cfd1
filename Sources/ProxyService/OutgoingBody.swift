import HTTP2Wire
import HTTPWire
import NIOCore

/// What a stream has been given to send: bytes that wait for the peer's windows, and the end behind them.
struct OutgoingBody {
    private var waiting = WaitingBytes()
    /// All was handed over.
    private(set) var isEnded = false
    /// All has left.
    private(set) var isSent = false
    /// Fields behind the body, as lines with an empty one behind them.
    private var trailers: ByteBuffer?

    /// Bytes that wait.
    var count: Int { waiting.count }

    /// - Returns: how many bytes have left at once.
    mutating func write(_ bytes: ByteBuffer, isEnd: Bool, _ session: HTTP2Session, _ stream: Int) -> Int {
        isEnded = isEnd
        var sent = 0
        if waiting.isEmpty {
            sent = session.send(bytes.readableBytesUInt8Span, on: stream, isEnd: isEnd)
            if sent == bytes.readableBytes {
                isSent = isEnd
                return sent
            }
        }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: sent)
        waiting.append(rest)
        return sent
    }

    /// Ends with fields behind the body.
    ///
    /// - Parameter lines: with an empty line at the end.
    mutating func end(trailers lines: ByteBuffer, _ session: HTTP2Session, _ stream: Int, _ scratch: TrailerFields) {
        isEnded = true
        trailers = lines
        if waiting.isEmpty { sendEnd(session, stream, scratch) }
    }

    /// Sends what the windows allow by now.
    ///
    /// - Returns: how many bytes have left.
    mutating func push(_ session: HTTP2Session, _ stream: Int, _ scratch: TrailerFields) -> Int {
        var sum = 0
        while let first = waiting.first {
            let isLast = waiting.isLast && isEnded && trailers == nil
            let sent = session.send(first.readableBytesUInt8Span, on: stream, isEnd: isLast)
            sum += sent
            waiting.removeFirst(sent)
            guard sent == first.readableBytes else { return sum }
            if isLast { isSent = true }
        }
        if trailers != nil { sendEnd(session, stream, scratch) }
        return sum
    }

    private mutating func sendEnd(_ session: HTTP2Session, _ stream: Int, _ scratch: TrailerFields) {
        guard let lines = trailers else { return }
        trailers = nil
        isSent = true
        let span = lines.readableBytesUInt8Span
        let isGood = scratch.parse(span) == nil
        var hasFields = false
        if isGood { for index in 0..<scratch.fields.count where !scratch.fields[index].isDropped { hasFields = true } }
        guard hasFields else {
            _ = session.send(Span(), on: stream, isEnd: true)
            return
        }
        session.beginFields()
        for index in 0..<scratch.fields.count where !scratch.fields[index].isDropped {
            let line = scratch.fields[index]
            session.add(
                line.name.staticIndex, name: span.extracting(line.nameRange.range),
                value: span.extracting(line.value.range))
        }
        session.endFields(stream, isEnd: true)
    }

    mutating func removeAll() {
        waiting.removeAll()
        trailers = nil
        isEnded = true
        isSent = true
    }
}

extension FieldSection {
    /// The fields that are no pseudo-fields, as lines of HTTP/1.1.
    func writeLines(to buffer: inout ByteBuffer) {
        _ = buffer.appendHead(capacity: size + 4 * count) { writer in
            for index in 0..<count where !token(index).isPseudo {
                writer.write(name(index))
                writer.write(": ")
                writer.write(value(index))
                writer.write("\r\n")
            }
        }
    }
}
