internal import Addresses

/// Why the text of a record's data is wrong.
package struct RecordTextError: Error, Hashable, Sendable {
    /// What is wrong and what would be right.
    package var message: String
    /// Where in the text, in bytes from its start; its length when something is missing at the end.
    package var offset: Int

    package init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
    }
}

/// Record data in presentation form (RFC 1035 section 5.1, RFC 3597 section 5), one record at a time.
package enum RecordText {
    /// Reads a type and data that stand by themselves, as in a configuration.
    ///
    /// Unlike in a zone file there is no comment, so that `;` needs no quotes; and TXT data without quotes is one text,
    /// blanks included, cut at 255 bytes, because that is what people mean by `v=spf1 include:example.net -all`.
    /// - Parameter origin: completes names without a closing dot; `@` stands for it.
    package static func parse(
        type: String, data: String, origin: DomainName
    ) throws(RecordTextError) -> (RecordType, [UInt8]) {
        guard let recordType = RecordType(type) else {
            throw RecordTextError(
                message: "\"\(type)\" is not a record type; write A, AAAA, CNAME, MX, TXT …, or TYPE1 to TYPE65535",
                offset: 0)
        }
        guard recordType.isData else {
            throw RecordTextError(message: "\(recordType) records cannot be stored in a zone", offset: 0)
        }
        return (recordType, try parse(type: recordType, data: data, origin: origin))
    }

    /// Reads the data of a record of a known type.
    package static func parse(
        type: RecordType, data: String, origin: DomainName
    ) throws(RecordTextError) -> [UInt8] {
        let text = Array(data.utf8)
        var lexer = ZoneFileLexer(text: text, isInline: true)
        var fields: [TextField] = []
        if let error = lexer.nextEntry(into: &fields) {
            throw RecordTextError(message: error.message, offset: error.offset)
        }
        if type == .txt || type == .spf, let first = fields.first, !fields.contains(where: \.isQuoted),
            !text[first.range].elementsEqual("\\#".utf8)
        {
            return try wholeText(text, from: first.range.lowerBound)
        }
        do throws(FieldError) {
            var reader = RecordDataReader(text: text, fields: fields, from: 0, origin: origin)
            return try reader.read(type: type)
        } catch {
            let offset = error.field < fields.count ? fields[error.field].range.lowerBound : text.count
            throw RecordTextError(message: error.message, offset: offset)
        }
    }

    private static func wholeText(_ text: [UInt8], from start: Int) throws(RecordTextError) -> [UInt8] {
        var rest = text[start...]
        while let last = rest.last, last == 0x20 || last == 0x09 || last == 0x0a || last == 0x0d { rest.removeLast() }
        var value: [UInt8] = []
        var index = rest.startIndex
        while index < rest.endIndex {
            let byte = rest[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                value.append(byte)
                continue
            }
            let escape = index - 1
            do throws(NameTextError) {
                value.append(try DomainName.unescape(rest, at: &index))
            } catch {
                throw RecordTextError(
                    message: "a \\ is not followed by a character or by three digits up to 255", offset: escape)
            }
        }
        var wire: [UInt8] = []
        for chunk in stride(from: 0, to: value.count, by: 255) {
            let piece = value[chunk..<min(chunk + 255, value.count)]
            wire.append(UInt8(piece.count))
            wire += piece
        }
        guard wire.count <= 65_535 else {
            throw RecordTextError(message: "the text is too long: 65,279 bytes are the most", offset: start)
        }
        return wire
    }

    /// Writes data in presentation form, names with their closing dot; in the generic form when the type has no format
    /// or the data does not follow it.
    package static func format(type: RecordType, data: [UInt8]) -> String {
        guard let parts = RecordFormat.parts(of: type), RecordFormat.isValid(data, type: type) else {
            return data.isEmpty ? "\\# 0" : "\\# \(data.count) \(BinaryText.hexadecimal(data))"
        }
        var fields: [String] = []
        var rest = data[...]
        for part in parts {
            // isValid checked that each part is there whole.
            let piece = rest.prefix(RecordFormat.length(of: part, in: rest) ?? 0)
            rest = rest.dropFirst(piece.count)
            fields.append(format(part, piece))
        }
        return fields.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func format(_ part: RecordFormat.Part, _ data: ArraySlice<UInt8>) -> String {
        switch part {
        case .ipv4, .ipv6: return IPAddress(bytes: data).map(\.description) ?? ""
        case .name:
            let name = DomainName(wire: Array(data)) ?? .root
            return name == .root ? "." : "\(name)."
        case .uint8, .uint16, .uint32, .time, .timestamp, .algorithm, .certificateType:
            return "\(data.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })"
        case .tag: return String(decoding: data.dropFirst(), as: UTF8.self)
        case .string: return quoted(data.dropFirst())
        case .text: return quoted(data)
        case .hex: return BinaryText.hexadecimal(data)
        case .base64: return BinaryText.base64(data)
        case .salt: return data.count == 1 ? "-" : BinaryText.hexadecimal(data.dropFirst())
        case .base32: return BinaryText.base32(data.dropFirst())
        case .optionalString: return data.isEmpty ? "" : quoted(data.dropFirst())
        case .recordType: return "\(RecordType(rawValue: data.reduce(0) { $0 << 8 | UInt16($1) }))"
        case .typeBitmap: return TypeBitmap.types(data).map(\.description).joined(separator: " ")
        case .locator: return groups(data, of: 2, ":")
        case .eui48, .eui64: return groups(data, of: 1, "-")
        case .location: return LocationText.format(data)
        case .prefixes: return AddressPrefixes.format(data)
        case .parameters: return ServiceParameters.format(data)
        case .strings:
            var texts: [String] = []
            var rest = data
            while let length = rest.popFirst() {
                texts.append(quoted(rest.prefix(Int(length))))
                rest = rest.dropFirst(Int(length))
            }
            return texts.joined(separator: " ")
        }
    }

    private static func groups(_ data: ArraySlice<UInt8>, of size: Int, _ separator: String) -> String {
        stride(from: data.startIndex, to: data.endIndex, by: size).map {
            BinaryText.hexadecimal(data[$0..<$0 + size])
        }.joined(separator: separator)
    }

    static func quoted(_ data: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for byte in data {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0x20...0x7e: text.append(byte)
            default: text += [UInt8(ascii: "\\"), 48 + byte / 100, 48 + byte / 10 % 10, 48 + byte % 10]
            }
        }
        text.append(UInt8(ascii: "\""))
        return String(decoding: text, as: UTF8.self)
    }
}
