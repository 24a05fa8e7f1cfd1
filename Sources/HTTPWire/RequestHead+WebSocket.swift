/// The rules of WebSocket's opening handshake, where it is answered here, or asked for here.
extension RequestHead {
    /// Why a client's request for WebSocket cannot be taken (RFC 6455 section 4.2.1).
    package enum WebSocketFault: Sendable, Hashable {
        /// No key, more than one, or one that is not sixteen bytes.
        case key
        /// No version, or more than one.
        case version
        /// Another version than 13 (section 4.4).
        case otherVersion
    }

    /// - Parameter bytes: what this head, which asks for WebSocket, was parsed from.
    package func webSocketFault(_ bytes: Span<UInt8>) -> WebSocketFault? {
        var versions = 0
        var isOther = false
        for index in 0..<fields.count {
            let line = fields[index]
            guard equalsIgnoringCase(bytes.extracting(line.nameRange.range), "sec-websocket-version") else { continue }
            versions += 1
            let value = bytes.extracting(line.value.range)
            if value.count != 2 || value[0] != UInt8(ascii: "1") || value[1] != UInt8(ascii: "3") { isOther = true }
        }
        guard versions == 1 else { return .version }
        if isOther { return .otherVersion }
        return webSocketAccept(bytes).isEmpty ? .key : nil
    }

    /// What answers the request's key; empty when it has no good one, or several.
    package func webSocketAccept(_ bytes: Span<UInt8>) -> [UInt8] {
        var found: [UInt8] = []
        var keys = 0
        for index in 0..<fields.count {
            let line = fields[index]
            guard equalsIgnoringCase(bytes.extracting(line.nameRange.range), "sec-websocket-key") else { continue }
            keys += 1
            found = WebSocketAccept.value(for: bytes.extracting(line.value.range))
        }
        return keys == 1 ? found : []
    }
}

extension ResponseHead {
    /// Whether the response has exactly this as its `Sec-WebSocket-Accept` (RFC 6455 section 4.1).
    package func answers(webSocketAccept expected: Span<UInt8>, _ bytes: Span<UInt8>) -> Bool {
        var found = 0
        for index in 0..<fields.count {
            let line = fields[index]
            guard equalsIgnoringCase(bytes.extracting(line.nameRange.range), "sec-websocket-accept") else { continue }
            found += 1
            guard line.value.count == expected.count else { return false }
            for offset in 0..<expected.count where bytes[line.value.start + offset] != expected[offset] { return false }
        }
        return found == 1
    }
}
