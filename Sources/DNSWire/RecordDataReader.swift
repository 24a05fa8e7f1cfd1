internal import Addresses

/// Turns the data fields of one record from text to wire form.
struct RecordDataReader {
    let text: [UInt8]
    let fields: [TextField]
    /// The first data field.
    var position: Int
    let origin: DomainName
    var wire: [UInt8] = []

    init(text: [UInt8], fields: [TextField], from position: Int, origin: DomainName) {
        self.text = text
        self.fields = fields
        self.position = position
        self.origin = origin
    }

    mutating func read(type: RecordType) throws(FieldError) -> [UInt8] {
        if position < fields.count, !fields[position].isQuoted, bytes(of: fields[position]).elementsEqual("\\#".utf8) {
            try readGeneric(type: type)
        } else if let parts = RecordFormat.parts(of: type) {
            for part in parts { try read(part, type: type) }
        } else {
            throw FieldError(
                message: "\(type) data is read in the generic form of RFC 3597 only: \\# LENGTH HEXADECIMAL",
                field: position)
        }
        if position < fields.count {
            throw FieldError(
                message: "\(quote(fields[position])) is more than \(type) data has room for; take it out",
                field: position)
        }
        guard wire.count <= 65_535 else {
            throw FieldError(message: "the data is \(wire.count) bytes long; 65,535 is the most", field: position - 1)
        }
        return wire
    }

    func bytes(of field: TextField) -> ArraySlice<UInt8> { text[field.range] }

    func quote(_ field: TextField) -> String {
        let shown = bytes(of: field).prefix(60)
        return "\"\(String(decoding: shown, as: UTF8.self))\(shown.count < field.range.count ? "…" : "")\""
    }

    mutating func next(_ what: String, type: RecordType) throws(FieldError) -> TextField {
        guard position < fields.count else {
            throw FieldError(message: "\(type) data ends early; \(what) is missing", field: position)
        }
        position += 1
        return fields[position - 1]
    }

    private mutating func read(_ part: RecordFormat.Part, type: RecordType) throws(FieldError) {
        switch part {
        case .ipv4:
            let field = try next("an IPv4 address", type: type)
            guard case .v4? = address(field), let address = address(field) else {
                throw FieldError(
                    message: "\(quote(field)) is not an IPv4 address such as 192.0.2.1", field: position - 1)
            }
            wire += address.bytes
        case .ipv6:
            let field = try next("an IPv6 address", type: type)
            guard case .v6? = address(field), let address = address(field) else {
                throw FieldError(
                    message: "\(quote(field)) is not an IPv6 address such as 2001:db8::1", field: position - 1)
            }
            wire += address.bytes
        case .name:
            let field = try next("a domain name", type: type)
            if field.range.count == 1, text[field.range.lowerBound] == UInt8(ascii: "@"), !field.isQuoted {
                wire += origin.wire
                return
            }
            do throws(NameTextError) {
                wire += try DomainName.parse(bytes(of: field), relativeTo: origin).wire
            } catch {
                throw FieldError(message: "\(quote(field)): \(error)", field: position - 1)
            }
        case .uint8: try readNumber(bytes: 1, type: type)
        case .uint16: try readNumber(bytes: 2, type: type)
        case .uint32: try readNumber(bytes: 4, type: type)
        case .time:
            let field = try next("a time", type: type)
            guard let value = TimeText.parse(bytes(of: field)) else {
                throw FieldError(
                    message: "\(quote(field)) is not a time: seconds up to 2147483647, or such as 1h30m",
                    field: position - 1)
            }
            append(value, bytes: 4)
        case .string:
            let field = try next("a text", type: type)
            try appendString(field)
        case .strings:
            repeat {
                let field = try next("a text", type: type)
                try appendString(field)
            } while position < fields.count
        case .tag:
            let field = try next("a property such as issue", type: type)
            let value = try unescaped(field)
            guard (1...255).contains(value.count), value.allSatisfy(RecordFormat.isLetterOrDigit) else {
                throw FieldError(
                    message: "\(quote(field)) is not a CAA property: 1 to 255 letters and digits, such as issue",
                    field: position - 1)
            }
            wire.append(UInt8(value.count))
            wire += value
        case .text:
            let field = try next("a value", type: type)
            wire += try unescaped(field)
        case .optionalString:
            if position < fields.count { try appendString(try next("a text", type: type)) }
        case .hex: try readHexadecimal("hexadecimal digits", type: type)
        case .base64: try readBase64(type: type)
        case .salt: try readSalt(type: type)
        case .base32: try readBase32(type: type)
        case .algorithm: try readWord(Mnemonics.algorithms, "an algorithm", bytes: 1, type: type)
        case .certificateType: try readWord(Mnemonics.certificateTypes, "a certificate type", bytes: 2, type: type)
        case .recordType:
            let field = try next("a record type", type: type)
            append(UInt32(try recordType(field).rawValue), bytes: 2)
        case .typeBitmap:
            var types: Set<UInt16> = []
            while position < fields.count {
                let field = try next("a record type", type: type)
                types.insert(try recordType(field).rawValue)
            }
            wire += TypeBitmap.wire(types)
        case .timestamp:
            let field = try next("a time", type: type)
            guard let value = TimeText.parseTimestamp(bytes(of: field)) else {
                throw FieldError(
                    message: "\(quote(field)) is not a time such as 20260131235959, or seconds since 1970",
                    field: position - 1)
            }
            append(value, bytes: 4)
        case .locator: try readPairs(groups: 4, digits: 4, separator: ":", example: "2001:db8:1:2", type: type)
        case .eui48: try readPairs(groups: 6, digits: 2, separator: "-", example: "00-00-5e-00-53-2a", type: type)
        case .eui64: try readPairs(groups: 8, digits: 2, separator: "-", example: "00-00-5e-ef-10-00-00-2a", type: type)
        case .location: try readLocation(type: type)
        case .prefixes: while position < fields.count { try readPrefix(try next("a prefix", type: type)) }
        case .parameters: try readParameters()
        }
    }

    func address(_ field: TextField) -> IPAddress? {
        IPAddress(String(decoding: bytes(of: field), as: UTF8.self))
    }

    private mutating func readNumber(bytes count: Int, type: RecordType) throws(FieldError) {
        let limit = (UInt64(1) << UInt64(8 * count)) - 1
        let field = try next("a number up to \(limit)", type: type)
        guard let value = number(field), value <= limit else {
            throw FieldError(message: "\(quote(field)) is not a number from 0 to \(limit)", field: position - 1)
        }
        append(UInt32(value), bytes: count)
    }

    /// A decimal number without sign; `nil` past 10 digits.
    func number(_ field: TextField) -> UInt64? {
        let digits = bytes(of: field)
        guard (1...10).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }

    mutating func append(_ value: UInt32, bytes count: Int) {
        for index in (0..<count).reversed() { wire.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * index))) }
    }

    func unescaped(_ field: TextField) throws(FieldError) -> [UInt8] {
        let slice = bytes(of: field)
        guard slice.contains(UInt8(ascii: "\\")) else { return Array(slice) }
        var result: [UInt8] = []
        var index = slice.startIndex
        while index < slice.endIndex {
            let byte = slice[index]
            index += 1
            if byte != UInt8(ascii: "\\") {
                result.append(byte)
                continue
            }
            do throws(NameTextError) {
                result.append(try DomainName.unescape(slice, at: &index))
            } catch {
                throw FieldError(
                    message: "a \\ in \(quote(field)) is not followed by a character or by three digits up to 255",
                    field: position - 1)
            }
        }
        return result
    }

    mutating func appendString(_ field: TextField) throws(FieldError) {
        let value = try unescaped(field)
        guard value.count <= 255 else {
            throw FieldError(
                message: "a text of \(value.count) bytes is too long; split it into quoted texts of 255 bytes at most",
                field: position - 1)
        }
        wire.append(UInt8(value.count))
        wire += value
    }

    /// RFC 3597 section 5: `\# LENGTH HEXADECIMAL`, the digits in any number of fields.
    private mutating func readGeneric(type: RecordType) throws(FieldError) {
        let start = position
        position += 1
        let field = try next("the length", type: type)
        guard let length = number(field), length <= 65_535 else {
            throw FieldError(message: "\(quote(field)) is not a length from 0 to 65,535", field: position - 1)
        }
        if length > 0 || position < fields.count { try readHexadecimal("\(length) bytes of data", type: type) }
        guard wire.count == length else {
            throw FieldError(
                message: "the data has \(wire.count) bytes, but its length says \(length); correct one of them",
                field: start + 1)
        }
        guard RecordFormat.isValid(wire, type: type) else {
            throw FieldError(message: "the data is not of the form that type \(type) asks for", field: start)
        }
    }
}
