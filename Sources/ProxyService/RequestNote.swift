import HTTPWire
import NIOCore
import Telemetry

/// What the access log tells of a request's head, as the client sent it, until the request's line is written. Its memory
/// is lent by the worker: connections without a request hold none.
struct RequestNote {
    private(set) var bytes = ByteBuffer()
    /// Where host, method and path end; what follows is the client's identifier.
    private var ends = (host: 0, method: 0, path: 0)

    /// - Parameter trusts: whether the client's identifier is believed.
    mutating func write(_ head: RequestHead, of message: ByteBuffer, trusts: Bool, _ spares: inout SpareBuffers) {
        spares.lend(to: &bytes)
        bytes.clear()
        append(head.authority.text, of: message)
        ends.host = bytes.readableBytes
        append(head.methodRange, of: message)
        ends.method = bytes.readableBytes
        append(head.path, of: message)
        ends.path = bytes.readableBytes
        if trusts, let identifier = head.trustedIdentifier(message.readableBytesUInt8Span) {
            append(identifier, of: message)
        }
    }

    /// As much of a value as is logged, and one byte by which it shows that there was more.
    private mutating func append(_ value: ByteRange, of message: ByteBuffer) {
        bytes.writeBytes(message.readableBytesSpan.extracting(value.range.prefix(LogLine.valueLimit + 1)))
    }

    /// Fields of a line, if there is anything.
    func write(to line: inout LogLine) {
        guard bytes.readableBytes > 0 else { return }
        let span = bytes.readableBytesUInt8Span
        line.field("host", escaped: span.extracting(0..<ends.host))
        line.field("method", escaped: span.extracting(ends.host..<ends.method))
        line.field("path", escaped: span.extracting(ends.method..<ends.path))
        if ends.path < span.count {
            line.field("client_request_id", escaped: span.extracting(ends.path..<span.count))
        }
    }

    mutating func clear(_ spares: inout SpareBuffers) { spares.takeBack(&bytes) }
}
