/// Names of fields that mean something to HTTP/2 itself, or to who turns them into HTTP/1.1.
package enum FieldToken: UInt8, Sendable, Hashable {
    case other
    case authority
    case method
    case path
    case scheme
    case status
    case protocolName
    /// Begins with a colon and is none of those.
    case unknownPseudo
    case host
    case cookie
    case contentLength
    case te
    /// Concerns a connection of HTTP/1.1, and has no place here (RFC 9113 section 8.2.2).
    case connectionSpecific
    case webSocketKey

    package var isPseudo: Bool { rawValue >= Self.authority.rawValue && rawValue <= Self.unknownPseudo.rawValue }

    /// Names are compared with case: others than small letters are not allowed.
    static func known(_ name: Span<UInt8>) -> FieldToken {
        guard name.count > 0, name[0] != UInt8(ascii: ":") else { return pseudo(name) }
        switch name.count {
        case 2: return isEqual(name, "te") ? .te : .other
        case 4: return isEqual(name, "host") ? .host : .other
        case 6: return isEqual(name, "cookie") ? .cookie : .other
        case 7: return isEqual(name, "upgrade") ? .connectionSpecific : .other
        case 10:
            return isEqual(name, "connection") || isEqual(name, "keep-alive") ? .connectionSpecific : .other
        case 14: return isEqual(name, "content-length") ? .contentLength : .other
        case 16: return isEqual(name, "proxy-connection") ? .connectionSpecific : .other
        case 17:
            if isEqual(name, "transfer-encoding") { return .connectionSpecific }
            return isEqual(name, "sec-websocket-key") ? .webSocketKey : .other
        default: return .other
        }
    }

    private static func pseudo(_ name: Span<UInt8>) -> FieldToken {
        switch name.count {
        case 0: .other
        case 5: isEqual(name, ":path") ? .path : .unknownPseudo
        case 7:
            isEqual(name, ":method")
                ? .method : isEqual(name, ":scheme") ? .scheme : isEqual(name, ":status") ? .status : .unknownPseudo
        case 9: isEqual(name, ":protocol") ? .protocolName : .unknownPseudo
        case 10: isEqual(name, ":authority") ? .authority : .unknownPseudo
        default: .unknownPseudo
        }
    }

    private static func isEqual(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
        // As long as the text: the callers have looked at the length.
        for index in 0..<bytes.count where unsafe bytes[index] != text.utf8Start[index] { return false }
        return true
    }
}

/// What was found of a field's bytes when they came as they are, and is kept with them in the table.
struct FieldMarks: OptionSet {
    let rawValue: UInt8

    /// Not a token in small letters (RFC 9113 section 8.2.1).
    static let badName = FieldMarks(rawValue: 1)
    /// With NUL, CR or LF.
    static let badValue = FieldMarks(rawValue: 2)
    /// With a blank at its beginning or end.
    static let untrimmed = FieldMarks(rawValue: 4)

    static func ofName(_ name: Span<UInt8>, _ token: FieldToken) -> FieldMarks {
        // Pseudo-fields have been compared with those that there are.
        if token != .other { return [] }
        guard name.count > 0 else { return .badName }
        for index in 0..<name.count {
            // `index` is below the count.
            let byte = unsafe name[unchecked: index]
            // The token characters of RFC 9110 section 5.6.2, without capital letters.
            let word: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c000_0000
            if byte >= 128 || (word >> UInt64(byte & 63)) & 1 == 0 { return .badName }
        }
        return []
    }

    static func ofValue(_ value: Span<UInt8>) -> FieldMarks {
        let count = value.count
        guard count > 0 else { return [] }
        var marks: FieldMarks = []
        if isBlank(value[0]) || isBlank(value[count - 1]) { marks = .untrimmed }
        for index in 0..<count {
            // `index` is below the count.
            let byte = unsafe value[unchecked: index]
            if byte <= 0x0d, byte == 0 || byte == 0x0a || byte == 0x0d { return marks.union(.badValue) }
        }
        return marks
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
