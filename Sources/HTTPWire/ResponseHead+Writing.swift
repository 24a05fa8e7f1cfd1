extension ResponseHead {
    /// How the client gets the body, and what it is told about the connection.
    package struct Delivery: Sendable, Hashable {
        package enum Connection: Sendable, Hashable {
            /// Nothing is said: HTTP/1.1's default is to keep it.
            case keep
            /// HTTP/1.0 clients must be told.
            case keepAlive
            case close
            /// After 101.
            case upgrade
        }

        package var framing: BodyFraming
        package var connection: Connection

        package init(framing: BodyFraming, connection: Connection) {
            self.framing = framing
            self.connection = connection
        }
    }

    /// The room that the head needs when it is sent on.
    package func forwardedSize(date: Span<UInt8>, via: Span<UInt8>) -> Int {
        byteCount + fields.count + date.count + via.count + 256
    }

    /// Writes the head that the client gets, made anew from the parsed form as HTTP/1.1.
    ///
    /// - Parameters:
    ///   - bytes: what this head was parsed from.
    ///   - delivery: how the client gets the body.
    ///   - date: an HTTP date, written when the response has none; empty: none is.
    ///   - via: our pseudonym; empty: `Via` is not added to.
    package func write(
        _ bytes: Span<UInt8>, delivery: Delivery, date: Span<UInt8>, via: Span<UInt8>, to writer: inout HeadWriter
    ) {
        writer.write("HTTP/1.1 ")
        writer.write(decimal: Int(status))
        writer.write(UInt8(ascii: " "))
        writer.write(bytes, reason)
        writer.write("\r\n")
        var hasDate = false
        for index in 0..<fields.count {
            let line = fields[index]
            if line.isDropped { continue }
            switch line.name {
            case .contentLength: continue
            case .date: hasDate = true
            default: break
            }
            writer.write(bytes, line.nameRange)
            writer.write(": ")
            writer.write(bytes, line.value)
            writer.write("\r\n")
        }
        if !hasDate, !date.isEmpty, status >= 200 {
            writer.write("Date: ")
            writer.write(date)
            writer.write("\r\n")
        }
        if !via.isEmpty {
            writer.write(minorVersion == 0 ? "Via: 1.0 " : "Via: 1.1 ")
            writer.write(via)
            writer.write("\r\n")
        }
        switch delivery.framing {
        case .chunked:
            writer.write("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            writer.write("Content-Length: ")
            writer.write(decimal: length)
            writer.write("\r\n")
        case .none:
            // What a GET would have had (HEAD, 304); 1xx and 204 must not have it (RFC 9110 section 8.6).
            if let contentLength, status >= 200, status != 204 {
                writer.write("Content-Length: ")
                writer.write(decimal: contentLength)
                writer.write("\r\n")
            }
        case .untilClose:
            break
        }
        switch delivery.connection {
        case .keep: break
        case .keepAlive: writer.write("Connection: keep-alive\r\n")
        case .close: writer.write("Connection: close\r\n")
        case .upgrade: writer.write("Connection: Upgrade\r\nUpgrade: websocket\r\n")
        }
        writer.write("\r\n")
    }
}
