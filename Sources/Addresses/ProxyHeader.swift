/// The header with which a proxy begins a connection to tell whose it is (HAProxy's PROXY protocol, versions 1 and 2).
///
/// Anyone can write one: it must be read only from peers that are trusted by configuration, and then it must be there.
package struct ProxyHeader: Hashable, Sendable {
    /// Bytes of the header; what follows is the client's.
    package var length: Int
    /// Who connected to the proxy, and where to; `nil`: the proxy speaks for itself, or does not tell.
    package var client: Endpoint?
    package var destination: Endpoint?

    package enum Reading: Hashable, Sendable {
        /// The bytes so far may become a header.
        case incomplete
        /// They never will.
        case malformed
        case header(ProxyHeader)
    }

    /// The longest header that is read: addresses, and the few extensions that proxies append (the name that TLS was
    /// asked for, a certificate's subject).
    package static let limit = 4096
    /// The longest line of version 1 with its end (section 2.1 of the specification).
    private static let lineLimit = 107
    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"
    private static let lineStart: StaticString = "PROXY "

    /// Reads the header that `bytes` begin with, as soon as it is whole.
    package static func read(_ bytes: RawSpan) -> Reading {
        guard bytes.byteCount > 0 else { return .incomplete }
        if bytes.byte(at: 0) == UInt8(ascii: "P") { return readLine(bytes) }
        guard begins(bytes, with: signature) else { return .malformed }
        // Signature, version and command, family and transport, length.
        guard bytes.byteCount >= 16 else { return bytes.byteCount > 12 && !isKnown(bytes) ? .malformed : .incomplete }
        return readBinary(bytes)
    }

    /// Whether as much of the text as there are bytes is there.
    private static func begins(_ bytes: RawSpan, with text: StaticString) -> Bool {
        for index in 0..<min(bytes.byteCount, text.utf8CodeUnitCount) {
            // index < the text's count.
            guard unsafe bytes.byte(at: index) == text.utf8Start[index] else { return false }
        }
        return true
    }
}

// MARK: Version 2

extension ProxyHeader {
    private static func isKnown(_ bytes: RawSpan) -> Bool {
        bytes.byte(at: 12) == 0x20 || bytes.byte(at: 12) == 0x21
    }

    private static func readBinary(_ bytes: RawSpan) -> Reading {
        let length = 16 + Int(bytes.byte(at: 14)) << 8 + Int(bytes.byte(at: 15))
        guard isKnown(bytes), length <= limit else { return .malformed }
        // Any family and transport are right for a proxy that speaks for itself.
        let isLocal = bytes.byte(at: 12) == 0x20
        let kind = bytes.byte(at: 13)
        let size: Int
        switch (isLocal, kind) {
        case (true, _), (false, 0x00): size = 0
        case (false, 0x11): size = 4
        case (false, 0x21): size = 16
        // A Unix socket has no address that a name server could use.
        case (false, 0x31): size = 108
        default: return .malformed
        }
        let needed = size == 108 ? 216 : size == 0 ? 0 : 2 * size + 4
        guard length >= 16 + needed else { return .malformed }
        guard bytes.byteCount >= length else { return .incomplete }
        // What a proxy says of its own connection is not looked at (section 2.2).
        guard isLocal || hasSoundExtensions(bytes, from: 16 + needed, to: length) else { return .malformed }
        guard size == 4 || size == 16 else { return .header(ProxyHeader(length: length)) }
        func endpoint(_ address: Int, _ port: Int) -> Endpoint? {
            IPAddress(bytes: (address..<address + size).map { bytes.byte(at: $0) }).map {
                Endpoint(
                    address: $0.unmapped, port: UInt16(bytes.byte(at: port)) << 8 | UInt16(bytes.byte(at: port + 1)))
            }
        }
        return .header(
            ProxyHeader(
                length: length, client: endpoint(16, 16 + 2 * size),
                destination: endpoint(16 + size, 18 + 2 * size)))
    }
}

// MARK: Version 1

extension ProxyHeader {
    /// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 53` and CRLF.
    private static func readLine(_ bytes: RawSpan) -> Reading {
        guard begins(bytes, with: lineStart) else { return .malformed }
        var text: [UInt8] = []
        for index in 0..<min(bytes.byteCount, lineLimit) {
            let byte = bytes.byte(at: index)
            if byte == UInt8(ascii: "\n"), text.last == UInt8(ascii: "\r") {
                return readFields(text.dropLast(), length: index + 1)
            }
            // A line end must be whole, and text has no control characters.
            guard byte >= 0x20 && byte < 0x7f || byte == UInt8(ascii: "\r"), text.last != UInt8(ascii: "\r") else {
                return .malformed
            }
            text.append(byte)
        }
        return bytes.byteCount >= lineLimit ? .malformed : .incomplete
    }

    private static func readFields(_ line: ArraySlice<UInt8>, length: Int) -> Reading {
        let fields = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
            .map(String.init)
        if fields.count >= 2, fields[1] == "UNKNOWN" { return .header(ProxyHeader(length: length)) }
        guard fields.count == 6, fields[1] == "TCP4" || fields[1] == "TCP6",
            let source = IPAddress(fields[2]), let destination = IPAddress(fields[3]),
            let sourcePort = port(fields[4]), let destinationPort = port(fields[5]),
            source.byteCount == (fields[1] == "TCP4" ? 4 : 16), destination.byteCount == source.byteCount
        else { return .malformed }
        return .header(
            ProxyHeader(
                length: length, client: Endpoint(address: source.unmapped, port: sourcePort),
                destination: Endpoint(address: destination.unmapped, port: destinationPort)))
    }

    /// Decimal digits without leading zeros.
    private static func port(_ text: String) -> UInt16? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text == "0" || !text.hasPrefix("0") else { return nil }
        return UInt16(text)
    }
}
