internal import Addresses

/// The parameters of SVCB and HTTPS records in wire form: pairs of key and value, keys rising (RFC 9460 section 2.2).
enum ServiceParameters {
    static let mandatory: UInt16 = 0
    static let alpn: UInt16 = 1
    static let noDefaultALPN: UInt16 = 2
    static let port: UInt16 = 3
    static let ipv4Hint: UInt16 = 4
    static let ech: UInt16 = 5
    static let ipv6Hint: UInt16 = 6
    /// RFC 9461 section 5.
    static let dohPath: UInt16 = 7
    /// RFC 9540 section 4.
    static let ohttp: UInt16 = 8

    /// Section 14.3.2.
    private static let reserved: UInt16 = 65_535

    private static let names = [
        "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp",
    ]

    /// A name of the registry, or `key` and a number without leading zeros.
    static func key(_ text: ArraySlice<UInt8>) -> UInt16? {
        let text = String(decoding: text, as: UTF8.self).lowercased()
        if let index = names.firstIndex(of: text) { return UInt16(index) }
        guard text.hasPrefix("key"), let number = UInt16(text.dropFirst(3)), number != reserved,
            text == "key\(number)"
        else { return nil }
        return number
    }

    static func name(_ key: UInt16) -> String { Int(key) < names.count ? names[Int(key)] : "key\(key)" }

    /// The pairs of well-formed data, in order; `nil` when a length or the order is wrong.
    static func pairs(_ data: ArraySlice<UInt8>) -> [(key: UInt16, value: ArraySlice<UInt8>)]? {
        var pairs: [(key: UInt16, value: ArraySlice<UInt8>)] = []
        var rest = data
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let start = rest.startIndex
            let key = UInt16(rest[start]) << 8 | UInt16(rest[start + 1])
            let length = Int(rest[start + 2]) << 8 | Int(rest[start + 3])
            guard rest.count >= 4 + length, pairs.last.map({ $0.key < key }) ?? true else { return nil }
            pairs.append((key, rest.dropFirst(4).prefix(length)))
            rest = rest.dropFirst(4 + length)
        }
        return pairs
    }

    static func isValid(_ data: ArraySlice<UInt8>) -> Bool {
        guard let pairs = pairs(data), pairs.allSatisfy({ isValid($0.value, key: $0.key) }) else { return false }
        return mistake(in: pairs) == nil
    }

    /// What is wrong between parameters (section 7.1.1 and 8).
    static func mistake(in pairs: [(key: UInt16, value: ArraySlice<UInt8>)]) -> String? {
        let keys = Set(pairs.map(\.key))
        if keys.contains(noDefaultALPN), !keys.contains(alpn) { return "no-default-alpn needs alpn beside it" }
        for key in pairs.first(where: { $0.key == mandatory }).map({ numbers($0.value) }) ?? [] {
            if !keys.contains(key) { return "\(name(key)) is mandatory, but there is no such parameter" }
        }
        return nil
    }

    private static func isValid(_ value: ArraySlice<UInt8>, key: UInt16) -> Bool {
        switch key {
        case mandatory:
            let keys = numbers(value)
            return !value.isEmpty && value.count % 2 == 0 && !keys.contains(mandatory)
                && zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 }
        case alpn:
            var rest = value
            while let length = rest.popFirst() {
                guard length > 0, rest.count >= Int(length) else { return false }
                rest = rest.dropFirst(Int(length))
            }
            return !value.isEmpty
        case noDefaultALPN, ohttp: return value.isEmpty
        case port: return value.count == 2
        case ipv4Hint: return !value.isEmpty && value.count % 4 == 0
        case ipv6Hint: return !value.isEmpty && value.count % 16 == 0
        case ech, dohPath: return !value.isEmpty
        default: return key != reserved
        }
    }

    private static func numbers(_ value: ArraySlice<UInt8>) -> [UInt16] {
        stride(from: value.startIndex, to: value.endIndex - 1, by: 2).map {
            UInt16(value[$0]) << 8 | UInt16(value[$0 + 1])
        }
    }

    // MARK: Text

    /// The wire form of a value whose escapes have been undone; `nil` when it is none for this key.
    static func value(_ text: [UInt8], key: UInt16) -> [UInt8]? {
        let value: [UInt8]?
        switch key {
        case mandatory:
            let keys = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { Self.key($0) }
            guard !keys.contains(nil), Set(keys).count == keys.count else { return nil }
            value = keys.compactMap(\.self).sorted().flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        case alpn:
            guard let items = list(text), items.allSatisfy({ (1...255).contains($0.count) }) else { return nil }
            value = items.flatMap { [UInt8($0.count)] + $0 }
        case port:
            guard (1...5).contains(text.count), text.allSatisfy({ (48...57).contains($0) }),
                let number = UInt16(String(decoding: text, as: UTF8.self))
            else { return nil }
            value = [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
        case ipv4Hint, ipv6Hint:
            let size = key == ipv4Hint ? 4 : 16
            let addresses = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
                IPAddress(String(decoding: $0, as: UTF8.self))?.bytes
            }
            guard addresses.allSatisfy({ $0?.count == size }) else { return nil }
            value = addresses.flatMap { $0 ?? [] }
        case ech: value = BinaryText.decodeBase64(text[...])
        default: value = text
        }
        return value.flatMap { isValid($0[...], key: key) ? $0 : nil }
    }

    /// A list with commas, where `\,` and `\\` stand for themselves (appendix A.1).
    private static func list(_ text: [UInt8]) -> [[UInt8]]? {
        var items: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in text {
            if isEscaped {
                guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\\") else { return nil }
                items[items.count - 1].append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: ",") {
                items.append([])
            } else {
                items[items.count - 1].append(byte)
            }
        }
        return isEscaped ? nil : items
    }

    /// Valid data in presentation form.
    static func format(_ data: ArraySlice<UInt8>) -> String {
        (pairs(data) ?? []).map { pair in
            let (key, value) = pair
            guard !value.isEmpty else { return name(key) }
            let text: String
            switch key {
            case mandatory: text = numbers(value).map(name).joined(separator: ",")
            case alpn:
                var escaped: [UInt8] = []
                var rest = value
                while let length = rest.popFirst() {
                    if !escaped.isEmpty { escaped.append(UInt8(ascii: ",")) }
                    for byte in rest.prefix(Int(length)) {
                        if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\\") {
                            escaped.append(UInt8(ascii: "\\"))
                        }
                        escaped.append(byte)
                    }
                    rest = rest.dropFirst(Int(length))
                }
                text = RecordText.quoted(escaped[...])
            case port: text = "\(numbers(value)[0])"
            case ipv4Hint, ipv6Hint:
                let size = key == ipv4Hint ? 4 : 16
                text = stride(from: value.startIndex, to: value.endIndex, by: size).map {
                    IPAddress(bytes: value[$0..<$0 + size]).map(\.description) ?? ""
                }.joined(separator: ",")
            case ech: text = BinaryText.base64(value)
            default: text = RecordText.quoted(value)
            }
            return "\(name(key))=\(text)"
        }.joined(separator: " ")
    }
}

extension RecordDataReader {
    /// `key=value`, `key="value"` or `key` in any order, to the end of the entry.
    mutating func readParameters() throws(FieldError) {
        var parameters: [(key: UInt16, value: [UInt8])] = []
        var places: [UInt16: Int] = [:]
        while position < fields.count {
            let field = fields[position]
            let start = position
            let word = bytes(of: field)
            let sign = word.firstIndex(of: UInt8(ascii: "=")) ?? word.endIndex
            guard !field.isQuoted, let key = ServiceParameters.key(word[..<sign]) else {
                throw FieldError(
                    message: "\(quote(field)) is not a service parameter such as alpn=h2, port=443 or key65280=value",
                    field: position)
            }
            position += 1
            var value: [UInt8] = []
            // A quote that touches the = goes on with it.
            if sign + 1 == word.endIndex, position < fields.count, fields[position].isQuoted,
                fields[position].range.lowerBound == word.endIndex + 1
            {
                position += 1
                value = try unescaped(fields[position - 1])
            } else if sign < word.endIndex {
                value = try unescaped(
                    TextField(range: sign + 1..<word.endIndex, isQuoted: false, line: field.line, column: field.column))
            }
            guard places.updateValue(start, forKey: key) == nil else {
                throw FieldError(
                    message: "the parameter \(ServiceParameters.name(key)) is there already; take one out", field: start
                )
            }
            guard let wire = ServiceParameters.value(value, key: key) else {
                throw FieldError(
                    message: "\(quote(field)) is not a value that \(ServiceParameters.name(key)) may have", field: start
                )
            }
            parameters.append((key, wire))
        }
        parameters.sort { $0.key < $1.key }
        if let mistake = ServiceParameters.mistake(in: parameters.map { ($0.key, $0.value[...]) }) {
            throw FieldError(message: mistake, field: position - 1)
        }
        for (key, value) in parameters {
            append(UInt32(key), bytes: 2)
            append(UInt32(value.count), bytes: 2)
            wire += value
        }
    }
}
