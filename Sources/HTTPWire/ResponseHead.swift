/// A response's status line and fields as ranges of the bytes they were parsed from; see ``RequestHead``.
package final class ResponseHead {
    package internal(set) var status: UInt16 = 0
    package internal(set) var reason = ByteRange()
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    package internal(set) var minorVersion = 1
    package internal(set) var fields = FieldTable()
    /// Bytes to the end of the head's empty line.
    package internal(set) var byteCount = 0
    /// How the body ends, given the request's method.
    package internal(set) var framing = BodyFraming.none
    /// The Content-Length that was given, also where there is no body (HEAD, 304).
    package internal(set) var contentLength: Int?
    /// Whether the server is willing to use the connection again; never when the body ends with it.
    package internal(set) var keepsAlive = true
    /// How long the server says that it keeps the connection idle.
    package internal(set) var idleSeconds: Int?
    /// Status 101 and `Upgrade: websocket`.
    package internal(set) var acceptsWebSocket = false

    package init() {}

    /// 1xx, but for 101, which ends the exchange of messages.
    package var isInterim: Bool { status < 200 && status != 101 }

    /// Parses the head at the beginning of `bytes`; as ``RequestHead/parse(_:limits:)``.
    ///
    /// - Parameter method: of the request that is answered: it decides whether there is a body.
    package func parse(_ bytes: Span<UInt8>, limits: HeadLimits, method: Method) -> HeadResult {
        do throws(HeadStop) {
            let limited = bytes.count > limits.bytes ? bytes.extracting(0..<limits.bytes) : bytes
            let fieldsStart = try parseLine(limited)
            var summary = FieldSummary()
            fields.removeAll()
            byteCount = try FieldParser.parse(
                limited, from: fieldsStart, limits: limits, part: .response, into: &fields, summary: &summary)
            try conclude(summary, method)
            return .complete
        } catch {
            switch error {
            case .failed(let reason): return .failed(reason)
            case .incomplete: return bytes.count < limits.bytes ? .incomplete : .failed(.headTooLarge)
            }
        }
    }

    private func parseLine(_ bytes: Span<UInt8>) throws(HeadStop) -> Int {
        let count = bytes.count
        guard isBeginning(bytes.extracting(0..<min(count, 7)), of: "HTTP/1.") else { throw .failed(.badStatusLine) }
        guard count > 12 else { throw .incomplete }
        let minor = bytes[7]
        guard minor == UInt8(ascii: "0") || minor == UInt8(ascii: "1"), bytes[8] == 0x20 else {
            throw .failed(.badStatusLine)
        }
        minorVersion = Int(minor &- UInt8(ascii: "0"))
        var code: UInt16 = 0
        for index in 9..<12 {
            guard CharacterClass.isDigit(bytes[index]) else { throw .failed(.badStatusLine) }
            code = code * 10 + UInt16(bytes[index] &- UInt8(ascii: "0"))
        }
        guard (100...599).contains(code) else { throw .failed(.badStatus) }
        status = code
        // The space before an empty reason is required (RFC 9112 section 4), but often missing.
        var start = 12
        if bytes[12] == 0x20 { start = 13 } else if bytes[12] != 0x0d { throw .failed(.badStatusLine) }
        let end = endOfValue(bytes, from: start)
        guard end < count else { throw .incomplete }
        guard bytes[end] == 0x0d else {
            throw .failed(bytes[end] == 0x0a ? .bareLineFeed : .badStatusLine)
        }
        guard end + 1 < count else { throw .incomplete }
        guard bytes[end + 1] == 0x0a else { throw .failed(.bareCarriageReturn) }
        reason = ByteRange(start, end)
        return end + 2
    }

    /// RFC 9112 section 6.3.
    private func conclude(_ summary: FieldSummary, _ method: Method) throws(HeadStop) {
        guard summary.coding == .none || summary.contentLength == nil else {
            throw .failed(.lengthAndTransferEncoding)
        }
        guard summary.coding == .none || minorVersion == 1 else { throw .failed(.transferEncodingInOldVersion) }
        guard summary.coding != .unknown else { throw .failed(.unknownTransferEncoding) }
        contentLength = summary.contentLength
        keepsAlive = !summary.close && (minorVersion == 1 || summary.keepAlive)
        idleSeconds = summary.idleSeconds
        acceptsWebSocket =
            status == 101 && summary.webSocket && !summary.otherUpgrade && summary.connectionUpgrade
        if status < 200 || status == 204 || status == 304 || method == .head {
            framing = .none
        } else if summary.coding == .chunked {
            framing = .chunked
        } else if let length = summary.contentLength {
            framing = .length(length)
        } else {
            framing = .untilClose
            keepsAlive = false
        }
    }
}
