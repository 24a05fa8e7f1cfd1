extension RequestHead {
    /// The room that the head needs when it is sent on.
    package func forwardedSize(_ forwarding: Forwarding) -> Int {
        // One space per field may be added. The host comes up to four times, the client three times, and what is
        // constant in the fields of our own has fewer than 512 bytes.
        byteCount + fields.count + 4 * (authority.text.count + forwarding.defaultHost.count)
            + 2 * forwarding.clientNode.count + forwarding.client.count + forwarding.via.count
            + (forwarding.certificateSubject?.count ?? 0) + 512
    }

    /// Whether the request has passed this proxy before, by its pseudonym in `Via`.
    package func loops(_ bytes: Span<UInt8>, via pseudonym: [UInt8]) -> Bool {
        guard !pseudonym.isEmpty else { return false }
        for index in 0..<fields.count where fields[index].name == .via {
            var list = ListReader(fields[index].value)
            while let item = list.next(bytes) {
                // received-protocol RWS received-by [ RWS comment ]
                var start = item.start
                while start < item.end, !isBlank(bytes[start]) { start += 1 }
                while start < item.end, isBlank(bytes[start]) { start += 1 }
                var end = start
                while end < item.end, !isBlank(bytes[end]) { end += 1 }
                if equalsIgnoringCase(bytes.extracting(start..<end), pseudonym.span) { return true }
            }
        }
        return false
    }

    /// Writes the head that the member gets: made anew from the parsed form as HTTP/1.1, so that nothing passes that
    /// was not understood.
    ///
    /// - Parameters:
    ///   - bytes: what this head was parsed from.
    ///   - path: replaces the path, unless empty.
    ///   - identifier: sent as `X-Request-Id`, unless a trusted client gave one.
    ///   - upgrade: whether WebSocket is asked for.
    package func write(
        _ bytes: Span<UInt8>, path replacement: Span<UInt8>, forwarding: Forwarding, identifier: RequestID,
        upgrade: Bool, to writer: inout HeadWriter
    ) {
        writer.write(bytes, methodRange)
        writer.write(UInt8(ascii: " "))
        if !replacement.isEmpty {
            writer.write(replacement)
        } else if path.isEmpty {
            writer.write(UInt8(ascii: "/"))
        } else {
            writer.write(bytes, path)
        }
        writer.write(bytes, query)
        writer.write(" HTTP/1.1\r\nHost: ")
        writeHost(bytes, forwarding, &writer)
        writer.write("\r\n")

        var hasIdentifier = false
        for index in 0..<fields.count {
            let line = fields[index]
            guard passes(line, bytes, forwarding) else { continue }
            if line.name == .xRequestID {
                if hasIdentifier { continue }
                hasIdentifier = true
            }
            writeLine(bytes, line, &writer)
        }
        writeFraming(&writer)
        if upgrade { writer.write("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
        if acceptsTrailers { writer.write("TE: trailers\r\n") }
        writeForwarded(bytes, forwarding, &writer)
        if let subject = forwarding.certificateSubject, !subject.isEmpty {
            writer.write("X-Client-Certificate-Subject: ")
            writer.write(subject)
            writer.write("\r\n")
        }
        if !hasIdentifier {
            writer.write("X-Request-Id: ")
            writer.write(hexadecimal: identifier.high)
            writer.write(hexadecimal: identifier.low)
            writer.write("\r\n")
        }
        writer.write("\r\n")
    }

    /// Whether one of the client's fields goes to the member as it came: it is not dropped, and nothing is written in its
    /// place.
    package func passes(_ line: FieldLine, _ bytes: Span<UInt8>, _ forwarding: Forwarding) -> Bool {
        if line.isDropped { return false }
        switch line.name {
        case .host, .contentLength, .expect, .forwarded, .xForwardedFor, .via:
            return false
        case .clientCertificateSubject:
            // Believed from a proxy that is trusted, unless it shows a certificate of its own here.
            return forwarding.isTrusted && forwarding.certificateSubject == nil
        case .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP:
            return forwarding.isTrusted
        case .xRequestID:
            return forwarding.isTrusted && isIdentifier(bytes, line.value)
        case .maxForwards:
            return maxForwards == nil
        case .other:
            return forwarding.isTrusted || !FieldName.isForwarded(bytes.extracting(line.nameRange.range))
        default:
            return true
        }
    }

    /// The identifier that a trusted client gave.
    package func trustedIdentifier(_ bytes: Span<UInt8>) -> ByteRange? {
        guard let value = fields.first(.xRequestID), isIdentifier(bytes, value) else { return nil }
        return value
    }

    /// Short and without characters that would need care in a log.
    private func isIdentifier(_ bytes: Span<UInt8>, _ value: ByteRange) -> Bool {
        (1...128).contains(value.count) && endOfTarget(bytes, from: value.start) >= value.end
    }

    private func writeLine(_ bytes: Span<UInt8>, _ line: FieldLine, _ writer: inout HeadWriter) {
        writer.write(bytes, line.nameRange)
        writer.write(": ")
        writer.write(bytes, line.value)
        writer.write("\r\n")
    }

    private func writeHost(_ bytes: Span<UInt8>, _ forwarding: Forwarding, _ writer: inout HeadWriter) {
        if authority.text.isEmpty {
            writer.write(forwarding.defaultHost)
        } else {
            writer.write(bytes, authority.text)
        }
    }

    private func writeFraming(_ writer: inout HeadWriter) {
        switch framing {
        case .length(let length):
            writer.write("Content-Length: ")
            writer.write(decimal: length)
            writer.write("\r\n")
        case .chunked:
            writer.write("Transfer-Encoding: chunked\r\n")
        case .none, .untilClose:
            break
        }
        if expectsContinue { writer.write("Expect: 100-continue\r\n") }
        if let maxForwards {
            writer.write("Max-Forwards: ")
            writer.write(decimal: max(maxForwards - 1, 0))
            writer.write("\r\n")
        }
    }

    private func writeForwarded(_ bytes: Span<UInt8>, _ forwarding: Forwarding, _ writer: inout HeadWriter) {
        writer.write("X-Forwarded-For: ")
        if forwarding.isTrusted { continueList(bytes, .xForwardedFor, &writer) }
        writer.write(forwarding.client)
        writer.write("\r\n")
        if !forwarding.isTrusted || !fields.contains(.xForwardedProto) {
            writer.writeField("X-Forwarded-Proto", forwarding.isSecure ? "https" : "http")
        }
        if !authority.text.isEmpty, !forwarding.isTrusted || !fields.contains(.xForwardedHost) {
            writer.write("X-Forwarded-Host: ")
            writer.write(bytes, authority.text)
            writer.write("\r\n")
        }
        writer.write("Forwarded: ")
        if forwarding.isTrusted { continueList(bytes, .forwarded, &writer) }
        writer.write("for=")
        writer.write(forwarding.clientNode)
        if !authority.text.isEmpty {
            writer.write(";host=\"")
            writer.write(bytes, authority.text)
            writer.write(UInt8(ascii: "\""))
        }
        writer.write(forwarding.isSecure ? ";proto=https\r\n" : ";proto=http\r\n")
        if !forwarding.via.isEmpty || fields.contains(.via) {
            writer.write("Via: ")
            if forwarding.via.isEmpty {
                continueList(bytes, .via, &writer, isLast: true)
            } else {
                continueList(bytes, .via, &writer)
                writer.write(forwarding.isHTTP2 ? "2 " : minorVersion == 0 ? "1.0 " : "1.1 ")
                writer.write(forwarding.via)
            }
            writer.write("\r\n")
        }
    }

    /// The values of all fields of a name, as one list; with a comma behind unless it is the last.
    private func continueList(
        _ bytes: Span<UInt8>, _ name: FieldName, _ writer: inout HeadWriter, isLast: Bool = false
    ) {
        var isFirst = true
        for index in 0..<fields.count {
            let line = fields[index]
            guard line.name == name, !line.value.isEmpty else { continue }
            if !isFirst { writer.write(", ") }
            writer.write(bytes, line.value)
            isFirst = false
        }
        if !isFirst, !isLast { writer.write(", ") }
    }
}
