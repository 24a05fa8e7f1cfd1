extension RecordDataReader {
    /// Digits in any number of fields, to the end of the entry.
    mutating func readHexadecimal(_ what: String, type: RecordType) throws(FieldError) {
        var high: UInt8?
        repeat {
            let field = try next(what, type: type)
            for byte in bytes(of: field) {
                guard let digit = BinaryText.hexadecimalDigit(byte) else {
                    throw FieldError(message: "\(quote(field)) is not hexadecimal", field: position - 1)
                }
                if let first = high {
                    wire.append(first << 4 | digit)
                    high = nil
                } else {
                    high = digit
                }
            }
        } while position < fields.count
        guard high == nil else {
            throw FieldError(
                message: "the hexadecimal digits are odd in number; each byte has two", field: position - 1)
        }
    }

    /// Base 64 in any number of fields, to the end of the entry.
    mutating func readBase64(type: RecordType) throws(FieldError) {
        let start = position
        var text: [UInt8] = []
        repeat { text += bytes(of: try next("a value in base 64", type: type)) } while position < fields.count
        guard let value = BinaryText.decodeBase64(text[...]), !value.isEmpty else {
            throw FieldError(
                message:
                    "\(quote(fields[start])) is not base 64: letters, digits, + and /, with = at the end where the "
                    + "length is no multiple of four", field: start)
        }
        wire += value
    }

    mutating func readSalt(type: RecordType) throws(FieldError) {
        let field = try next("a salt, or -", type: type)
        let text = bytes(of: field)
        var value: [UInt8]? = []
        if !text.elementsEqual("-".utf8) { value = BinaryText.decodeHexadecimal(text) }
        guard let value, value.count <= 255 else {
            throw FieldError(
                message: "\(quote(field)) is not a salt: up to 255 bytes as hexadecimal digits, or -",
                field: position - 1)
        }
        wire.append(UInt8(value.count))
        wire += value
    }

    mutating func readBase32(type: RecordType) throws(FieldError) {
        let field = try next("a hash in base 32", type: type)
        guard let value = BinaryText.decodeBase32(bytes(of: field)), (1...255).contains(value.count) else {
            throw FieldError(message: "\(quote(field)) is not a hash in base 32", field: position - 1)
        }
        wire.append(UInt8(value.count))
        wire += value
    }

    /// A word of a registry, or its number.
    mutating func readWord(_ words: Mnemonics, _ what: String, bytes count: Int, type: RecordType) throws(FieldError) {
        let field = try next(what, type: type)
        let limit = (UInt64(1) << UInt64(8 * count)) - 1
        let value = number(field) ?? words.value(of: bytes(of: field)).map { UInt64($0) }
        guard let value, value <= limit else {
            throw FieldError(
                message: "\(quote(field)) is not \(what): a number up to \(limit), or a word such as \(words.example)",
                field: position - 1)
        }
        append(UInt32(value), bytes: count)
    }

    func recordType(_ field: TextField) throws(FieldError) -> RecordType {
        guard !field.isQuoted, let type = RecordType(String(decoding: bytes(of: field), as: UTF8.self)) else {
            throw FieldError(message: "\(quote(field)) is not a record type", field: position - 1)
        }
        return type
    }

    /// Groups of hexadecimal digits with a separator in between.
    mutating func readPairs(
        groups: Int, digits: Int, separator: Character, example: String, type: RecordType
    ) throws(FieldError) {
        let field = try next("a value such as \(example)", type: type)
        let parts = bytes(of: field).split(separator: separator.asciiValue ?? 0, omittingEmptySubsequences: false)
        var value: [UInt8] = []
        for part in parts {
            // Only where colons stand may leading zeros be left out.
            guard (digits == 2 ? 2...2 : 1...digits).contains(part.count) else { break }
            let padded = [UInt8](repeating: UInt8(ascii: "0"), count: digits - part.count) + part
            guard let bytes = BinaryText.decodeHexadecimal(padded[...]) else { break }
            value += bytes
        }
        guard parts.count == groups, value.count == groups * digits / 2 else {
            throw FieldError(
                message: "\(quote(field)) is not of the form \(example)", field: position - 1)
        }
        wire += value
    }
}

/// Bytes as text: RFC 4648.
enum BinaryText {
    static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    static func decodeHexadecimal(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var value: [UInt8] = []
        var high: UInt8?
        for byte in text {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            if let first = high {
                value.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return value
    }

    static func hexadecimal(_ data: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: data.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Strict: padded, and no bits left over.
    static func decodeBase64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let digits = text.last == UInt8(ascii: "=") ? text.dropLast() : text
        return decode(digits.last == UInt8(ascii: "=") ? digits.dropLast() : digits, bits: 6) { byte in
            switch byte {
            case 0x41...0x5a: byte - 0x41
            case 0x61...0x7a: byte - 0x61 + 26
            case 0x30...0x39: byte - 0x30 + 52
            case UInt8(ascii: "+"): 62
            case UInt8(ascii: "/"): 63
            default: nil
            }
        }
    }

    /// The alphabet whose order is that of the values, in any case, without padding.
    static func decodeBase32(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        decode(text, bits: 5) { byte in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x56: byte - 0x41 + 10
            case 0x61...0x76: byte - 0x61 + 10
            default: nil
            }
        }
    }

    private static func decode(
        _ text: ArraySlice<UInt8>, bits: Int, _ digit: (UInt8) -> UInt8?
    ) -> [UInt8]? {
        var value: [UInt8] = []
        value.reserveCapacity(text.count * bits / 8)
        var buffer: UInt32 = 0
        var count = 0
        for byte in text {
            guard let next = digit(byte) else { return nil }
            buffer = buffer << UInt32(bits) | UInt32(next)
            count += bits
            if count >= 8 {
                count -= 8
                value.append(UInt8(truncatingIfNeeded: buffer >> UInt32(count)))
                buffer &= (1 << UInt32(count)) - 1
            }
        }
        // A digit more than the bytes need, or bits that no byte got.
        return count < bits && buffer == 0 ? value : nil
    }

    static func base64(_ data: some Sequence<UInt8>) -> String {
        var text = encode(data, bits: 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return text
    }

    static func base32(_ data: some Sequence<UInt8>) -> String {
        encode(data, bits: 5, "0123456789abcdefghijklmnopqrstuv")
    }

    private static func encode(_ data: some Sequence<UInt8>, bits: Int, _ alphabet: String) -> String {
        let alphabet = Array(alphabet.utf8)
        var text: [UInt8] = []
        var buffer: UInt32 = 0
        var count = 0
        for byte in data {
            buffer = (buffer << 8 | UInt32(byte)) & 0xffff
            count += 8
            while count >= bits {
                count -= bits
                text.append(alphabet[Int(buffer >> UInt32(count)) & (1 << bits - 1)])
            }
        }
        if count > 0 { text.append(alphabet[Int(buffer << UInt32(bits - count)) & (1 << bits - 1)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
