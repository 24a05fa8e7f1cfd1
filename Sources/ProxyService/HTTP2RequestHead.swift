import HTTPWire
import NIOCore
import NIOHPACK

/// Turns a request's field section of HTTP/2 into the head of an HTTP/1.1 message, so that one parser with one set of
/// rules judges both, and routes and members see no difference.
///
/// What HTTP/1.1 cannot say wrongly is checked here (RFC 9113 section 8); that pseudo-fields come first, once and
/// complete, that names are tokens in lower case and that no field concerns the connection has been checked by
/// NIOHTTP2.
enum HTTP2RequestHead {
    /// Appends the head.
    ///
    /// - Parameters:
    ///   - isEnd: the request has no body.
    ///   - nonce: what a member is asked to confirm when WebSocket begins; HTTP/2 has no need of it.
    /// - Returns: `false` for a malformed request (RFC 9113 section 8.1.1).
    static func write(_ fields: HPACKHeaders, isEnd: Bool, nonce: RequestID, to buffer: inout ByteBuffer) -> Bool {
        var method = ""
        var scheme = ""
        var path = ""
        var authority: String?
        var host: String?
        var protocolName: String?
        var hasLength = false
        var cookies = 0
        for (name, value, _) in fields {
            guard isTrimmed(value) else { return false }
            switch name {
            case ":method": method = value
            case ":scheme": scheme = value
            case ":path": path = value
            case ":authority": authority = value
            case ":protocol": protocolName = value
            case "host":
                guard host == nil else { return false }
                host = value
            case "cookie": cookies += 1
            case "content-length": hasLength = true
            default: break
            }
        }
        if let authority, let host, authority != host { return false }
        guard let target = authority ?? host, !target.isEmpty else { return false }
        var isWebSocket = false
        if method == "CONNECT" {
            if let protocolName {
                guard protocolName == "websocket", !isEnd, !hasLength else { return false }
                isWebSocket = true
            } else {
                path = target
            }
        }
        if method != "CONNECT" || isWebSocket {
            guard scheme == "https" || scheme == "http" else { return false }
            // An absolute target would be another place for a host, and there are two already.
            guard path.utf8.first == UInt8(ascii: "/") || (path == "*" && method == "OPTIONS") else { return false }
        }
        // What HTTP/1.1 would end the first line at, or split it into more parts with.
        guard !method.utf8.contains(where: { $0 <= 0x20 }), !path.utf8.contains(where: { $0 <= 0x20 }) else {
            return false
        }

        buffer.writeString(isWebSocket ? "GET" : method)
        buffer.writeStaticString(" ")
        buffer.writeString(path)
        buffer.writeStaticString(" HTTP/1.1\r\nhost: ")
        buffer.writeString(target)
        buffer.writeStaticString("\r\n")
        for (name, value, _) in fields {
            switch name {
            case "host", "cookie": continue
            case "sec-websocket-key" where isWebSocket: continue
            default:
                if name.utf8.first == UInt8(ascii: ":") { continue }
                buffer.writeString(name)
                buffer.writeStaticString(": ")
                buffer.writeString(value)
                buffer.writeStaticString("\r\n")
            }
        }
        if cookies > 0 { writeCookies(fields, to: &buffer) }
        if isWebSocket {
            buffer.writeStaticString("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ")
            buffer.writeBase64(nonce)
            buffer.writeStaticString("\r\n")
        } else if !isEnd, !hasLength {
            buffer.writeStaticString("transfer-encoding: chunked\r\n")
        }
        buffer.writeStaticString("\r\n")
        return true
    }

    /// RFC 9113 section 8.2.3: crumbs become one field.
    private static func writeCookies(_ fields: HPACKHeaders, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("cookie: ")
        var isFirst = true
        for (name, value, _) in fields where name == "cookie" {
            if !isFirst { buffer.writeStaticString("; ") }
            isFirst = false
            buffer.writeString(value)
        }
        buffer.writeStaticString("\r\n")
    }

    /// RFC 9113 section 8.2.1: no blank begins or ends a value.
    private static func isTrimmed(_ value: String) -> Bool {
        let bytes = value.utf8
        guard let first = bytes.first, let last = bytes.last else { return true }
        return first != 0x20 && first != 0x09 && last != 0x20 && last != 0x09
    }
}

extension ByteBuffer {
    /// The sixteen bytes of an identifier (RFC 4648 section 4).
    fileprivate mutating func writeBase64(_ identifier: RequestID) {
        var bytes: [UInt8] = []
        for word in [identifier.high, identifier.low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = Swift.min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
            for place in 0..<4 {
                writeInteger(
                    place > count ? UInt8(ascii: "=") : Self.digit64(UInt8(group >> UInt32(18 - 6 * place) & 63)))
            }
        }
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
