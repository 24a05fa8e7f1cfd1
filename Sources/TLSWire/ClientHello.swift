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
    /// The kinds of keys that the certificate may have.
    package var keys: CertificateKeys

    package init(serverName: String? = nil, keys: CertificateKeys = []) {
        self.serverName = serverName
        self.keys = keys
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
        var schemes: [Int] = []
        var groups: [Int] = []
        if !reader.isAtEnd {
            guard let block = reader.vector(2), reader.isAtEnd else { return nil }
            var extensions = ByteReader(block)
            while !extensions.isAtEnd {
                guard let type = extensions.number(2), let content = extensions.vector(2) else { return nil }
                switch type {
                case 0:
                    guard let name = serverName(content) else { return nil }
                    hello.serverName = name
                case 10:
                    guard let found = numbers(content, lengthBytes: 2) else { return nil }
                    groups = found
                case 13:
                    guard let found = numbers(content, lengthBytes: 2) else { return nil }
                    schemes = found
                case 43:
                    guard let found = numbers(content, lengthBytes: 1) else { return nil }
                    speaksNewest = found.contains(0x0304)
                default:
                    break
                }
            }
        }
        hello.keys = CertificateKeys(
            schemes: schemes, groups: groups, suites: speaksNewest ? nil : numbers(suites))
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

    /// A list of numbers of two bytes, with its length in front.
    private static func numbers(_ content: ArraySlice<UInt8>, lengthBytes: Int) -> [Int]? {
        var reader = ByteReader(content)
        guard let list = reader.vector(lengthBytes), reader.isAtEnd else { return nil }
        return numbers(list)
    }

    private static func numbers(_ list: ArraySlice<UInt8>) -> [Int] {
        var reader = ByteReader(list)
        var numbers: [Int] = []
        while let number = reader.number(2) { numbers.append(number) }
        return numbers
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
