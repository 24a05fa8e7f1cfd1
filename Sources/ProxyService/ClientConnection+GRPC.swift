import HTTP2Wire
import HTTPWire
import NIOCore

/// gRPC calls are requests over HTTP/2 that may send both ways for hours, and whose clients look for errors in
/// `grpc-status`.
extension ClientConnection {
    func noteGRPC(_ bytes: ByteBuffer, _ head: RequestHead) {
        let span = bytes.readableBytesUInt8Span
        guard let type = head.fields.first(.contentType), isGRPC(span.extracting(type.range)) else { return }
        exchange.isGRPC = true
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            guard line.name == .other, equalsIgnoringCase(span.extracting(line.nameRange.range), "grpc-timeout") else {
                continue
            }
            guard let timeout = Self.timeout(span.extracting(line.value.range)) else { continue }
            exchange.expiry = deadline(in: timeout)
        }
    }

    /// `application/grpc`, alone or with `+format` or parameters.
    private func isGRPC(_ type: Span<UInt8>) -> Bool {
        guard type.count >= 16, equalsIgnoringCase(type.extracting(0..<16), "application/grpc") else { return false }
        return type.count == 16 || type[16] == UInt8(ascii: "+") || type[16] == UInt8(ascii: ";")
    }

    /// One to eight digits and a unit; `nil` for what is something else.
    static func timeout(_ text: Span<UInt8>) -> UInt64? {
        guard (2...9).contains(text.count) else { return nil }
        var value: UInt64 = 0
        for index in 0..<text.count - 1 {
            guard text[index] &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + UInt64(text[index] &- UInt8(ascii: "0"))
        }
        let unit: UInt64
        switch text[text.count - 1] {
        case UInt8(ascii: "H"): unit = 3_600_000_000_000
        case UInt8(ascii: "M"): unit = 60_000_000_000
        case UInt8(ascii: "S"): unit = 1_000_000_000
        case UInt8(ascii: "m"): unit = 1_000_000
        case UInt8(ascii: "u"): unit = 1000
        case UInt8(ascii: "n"): unit = 1
        default: return nil
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit)
        return overflow ? .max : product
    }

    /// Whether the client has stopped waiting for its call.
    var isExpired: Bool { exchange.expiry <= worker.now() }

    /// Answers in the form that gRPC clients read: all in one head, with the status that the HTTP one stands for.
    func replyToCall(_ status: UInt16, _ reason: StaticString, on stream: ClientStream) {
        let code: StaticString =
            switch status {
            case _ where isExpired: "4"
            case 400, 413, 431: "13"
            case 401: "16"
            case 403: "7"
            case 404, 501: "12"
            case 429, 502, 503, 504: "14"
            default: "2"
            }
        exchange.isAnswered = true
        exchange.status = Int(status)
        stream.sendHead(isEnd: true) { session in
            session.add(status: 200)
            session.add("content-type", "application/grpc")
            session.add("grpc-status", code)
            session.add("grpc-message", reason)
        }
        finish()
    }
}
