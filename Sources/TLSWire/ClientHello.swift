/// What a TLS client says first, as far as it decides about the certificate (RFC 8446 section 4.1.2).
package struct ClientHello: Equatable {
    package enum Reading: Equatable {
        /// The bytes so far may become one.
        case incomplete
        /// They are something else; the TLS library says what is wrong with it.
        case malformed
        case hello(ClientHello)
    }

    /// The name that is asked for, in lower case; `nil` when none is (RFC 6066 section 3).
    package var serverName: String?
    /// Whether a certificate with an elliptic key is understood; one with an RSA key always is.
    package var acceptsECDSA = false

    package init(serverName: String? = nil, acceptsECDSA: Bool = false) {
        self.serverName = serverName
        self.acceptsECDSA = acceptsECDSA
    }

    /// Handshake bytes that are looked at; longer ones are malformed here.
    package static let limit = 16_384

    /// Reads the records at the beginning of `bytes`.
    package static func read(_ bytes: Span<UInt8>) -> Reading {
        var message: [UInt8] = []
        var offset = 0
        // The message may be spread over several records.
        while true {
            guard bytes.count > offset else { return .incomplete }
            guard bytes[offset] == 22 else { return .malformed }
            guard bytes.count >= offset + 5 else { return .incomplete }
            let length = Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
            guard bytes[offset + 1] == 3, length > 0, length <= limit, message.count + length <= limit + 4 else {
                return .malformed
            }
            let end = min(offset + 5 + length, bytes.count)
            for index in offset + 5..<end { message.append(bytes[index]) }
            if message.count >= 1, message[0] != 1 { return .malformed }
            if message.count >= 4 {
                let size = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
                guard size <= limit else { return .malformed }
                if message.count >= 4 + size {
                    return parse(message[4..<4 + size]).map { .hello($0) } ?? .malformed
                }
            }
            guard end == offset + 5 + length else { return .incomplete }
            offset = end
        }
    }

    private static func parse(_ body: ArraySlice<UInt8>) -> ClientHello? {
        var reader = ByteReader(body)
        guard reader.skip(2 + 32), reader.vector(1) != nil, let suites = reader.vector(2), reader.vector(1) != nil
        else {
            return nil
        }
        var hello = ClientHello()
        var speaksNewest = false
        var signsWithECDSA = false
        if !reader.isAtEnd {
            guard let block = reader.vector(2), reader.isAtEnd else { return nil }
            var extensions = ByteReader(block)
            while !extensions.isAtEnd {
                guard let type = extensions.number(2), let content = extensions.vector(2) else { return nil }
                switch type {
                case 0:
                    guard let name = serverName(content) else { return nil }
                    hello.serverName = name
                case 13:
                    guard let found = contains(content, lengthBytes: 2, where: isECDSAScheme) else { return nil }
                    signsWithECDSA = found
                case 43:
                    guard let found = contains(content, lengthBytes: 1, where: { $0 == 0x0304 }) else { return nil }
                    speaksNewest = found
                default:
                    break
                }
            }
        }
        // Before TLS 1.3 the cipher suite names the kind of key too.
        hello.acceptsECDSA = signsWithECDSA && (speaksNewest || hasECDSASuite(suites))
        return hello
    }

    private static func serverName(_ content: ArraySlice<UInt8>) -> String? {
        var reader = ByteReader(content)
        guard let list = reader.vector(2), reader.isAtEnd else { return nil }
        var names = ByteReader(list)
        guard names.number(1) == 0, let name = names.vector(2), !name.isEmpty, name.count <= 255,
            name.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    private static func contains(
        _ content: ArraySlice<UInt8>, lengthBytes: Int, where matches: (Int) -> Bool
    ) -> Bool? {
        var reader = ByteReader(content)
        guard let list = reader.vector(lengthBytes), reader.isAtEnd else { return nil }
        var numbers = ByteReader(list)
        while let number = numbers.number(2) {
            if matches(number) { return true }
        }
        return false
    }

    /// RFC 8446 section 4.2.3: ecdsa_secp256r1_sha256 and its kin.
    private static func isECDSAScheme(_ scheme: Int) -> Bool { [0x0403, 0x0503, 0x0603].contains(scheme) }

    /// RFC 5289 and RFC 7905: ECDHE with ECDSA and an AEAD.
    private static func hasECDSASuite(_ suites: ArraySlice<UInt8>) -> Bool {
        var reader = ByteReader(suites)
        while let suite = reader.number(2) {
            if [0xc02b, 0xc02c, 0xcca9].contains(suite) { return true }
        }
        return false
    }
}

/// Reads numbers and vectors as TLS writes them.
private struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ count: Int) -> Bool {
        guard rest.count >= count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    mutating func number(_ count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        let value = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(count)
        return value
    }

    /// A length of so many bytes, and what it counts.
    mutating func vector(_ lengthBytes: Int) -> ArraySlice<UInt8>? {
        guard let length = number(lengthBytes), rest.count >= length else { return nil }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }
}
