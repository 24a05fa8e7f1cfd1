import HTTP2Wire
import HTTPWire
import NIOCore

/// Turns a request's fields of HTTP/2 into the head of an HTTP/1.1 message, so that one parser with one set of rules
/// judges both, and routes and members see no difference.
///
/// What HTTP/1.1 cannot say wrongly is checked here (RFC 9113 section 8); that pseudo-fields come first, once and
/// complete, that names are tokens in lower case, that no field concerns the connection and that values have neither
/// line ends nor blanks around them has been checked by ``HTTP2Session``.
enum HTTP2RequestHead {
    /// Appends the head.
    ///
    /// - Parameters:
    ///   - isEnd: the request has no body.
    ///   - nonce: what a member is asked to confirm when WebSocket begins; HTTP/2 has no need of it.
    /// - Returns: `false` for a malformed request (RFC 9113 section 8.1.1).
    static func write(_ fields: FieldSection, isEnd: Bool, nonce: RequestID, to buffer: inout ByteBuffer) -> Bool {
        let target = fields.authority >= 0 ? fields.authority : fields.host
        guard target >= 0, fields.value(target).count > 0 else { return false }
        if fields.authority >= 0, fields.host >= 0, !isSame(fields, fields.authority, fields.host) { return false }
        let isConnect = isText(fields.value(fields.method), "CONNECT")
        let isWebSocket = isConnect && fields.protocolName >= 0
        if isWebSocket {
            guard isText(fields.value(fields.protocolName), "websocket"), !isEnd, fields.contentLength < 0 else {
                return false
            }
        }
        let path = fields.path >= 0 ? fields.path : target
        if fields.path >= 0 { guard isWeb(fields) else { return false } }
        // What HTTP/1.1 would end the first line at, or split it into more parts with.
        guard !hasBlank(fields.value(fields.method)), !hasBlank(fields.value(path)) else { return false }

        return buffer.appendHead(capacity: fields.size + 4 * fields.count + 256) { writer in
            if isWebSocket { writer.write("GET") } else { writer.write(fields.value(fields.method)) }
            writer.write(UInt8(ascii: " "))
            writer.write(fields.value(path))
            writer.write(" HTTP/1.1\r\nhost: ")
            writer.write(fields.value(target))
            writer.write("\r\n")
            for index in 0..<fields.count {
                switch fields.token(index) {
                case .other, .te, .contentLength: break
                case .webSocketKey where !isWebSocket: break
                default: continue
                }
                writer.write(fields.name(index))
                writer.write(": ")
                writer.write(fields.value(index))
                writer.write("\r\n")
            }
            if fields.cookies > 0 { writeCookies(fields, &writer) }
            if isWebSocket {
                writer.write("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ")
                writer.write(base64: nonce)
                writer.write("\r\n")
            } else if !isEnd, fields.contentLength < 0 {
                writer.write("transfer-encoding: chunked\r\n")
            }
            writer.write("\r\n")
        }
    }

    /// RFC 9113 section 8.2.3: crumbs become one field.
    private static func writeCookies(_ fields: FieldSection, _ writer: inout HeadWriter) {
        writer.write("cookie: ")
        var isFirst = true
        for index in 0..<fields.count where fields.token(index) == .cookie {
            if !isFirst { writer.write("; ") }
            isFirst = false
            writer.write(fields.value(index))
        }
        writer.write("\r\n")
    }

    /// A scheme of the web, and a path: an absolute target would be another place for a host, and there are two already.
    private static func isWeb(_ fields: FieldSection) -> Bool {
        let scheme = fields.value(fields.scheme)
        guard isText(scheme, "https") || isText(scheme, "http") else { return false }
        let path = fields.value(fields.path)
        return path[0] == UInt8(ascii: "/") || (isText(path, "*") && isText(fields.value(fields.method), "OPTIONS"))
    }

    private static func hasBlank(_ bytes: Span<UInt8>) -> Bool {
        for index in 0..<bytes.count where bytes[index] <= 0x20 { return true }
        return false
    }

    private static func isSame(_ fields: FieldSection, _ one: Int, _ other: Int) -> Bool {
        let (a, b) = (fields.value(one), fields.value(other))
        guard a.count == b.count else { return false }
        for index in 0..<a.count where a[index] != b[index] { return false }
        return true
    }

    private static func isText(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        // As long as the text.
        for index in 0..<bytes.count where unsafe bytes[index] != text.utf8Start[index] { return false }
        return true
    }
}

extension HeadWriter {
    /// The sixteen bytes of an identifier (RFC 4648 section 4).
    fileprivate mutating func write(base64 identifier: RequestID) {
        // 128 bits are 21 digits of six, and two bits.
        var (high, low) = (identifier.high, identifier.low)
        for _ in 0..<21 {
            write(Self.digit64(UInt8(high >> 58)))
            high = high << 6 | low >> 58
            low <<= 6
        }
        write(Self.digit64(UInt8(high >> 58)))
        write("==")
    }

    private static func digit64(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
