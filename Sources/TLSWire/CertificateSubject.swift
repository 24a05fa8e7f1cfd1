/// The subject of a certificate as text (RFC 4514), from its DER form (RFC 5280 section 4.1). The certificate was verified
/// before: this only finds and writes what it says.
package enum CertificateSubject {
    /// Longer ones are cut off nowhere: they have no text.
    package static let limit = 1024

    /// `CN=alice,O=Example`: the last element first, as RFC 4514 section 2.1 wants it. `nil` for what is no certificate,
    /// or has nothing that can be written in a field.
    package static func text(of certificate: [UInt8]) -> [UInt8]? {
        var outer = DERReader(certificate[...])
        guard let whole = outer.value(0x30) else { return nil }
        var parts = DERReader(whole)
        guard let signed = parts.value(0x30) else { return nil }
        var fields = DERReader(signed)
        // version, serialNumber, signature, issuer, validity.
        _ = fields.value(0xa0)
        guard fields.value(0x02) != nil, fields.value(0x30) != nil, fields.value(0x30) != nil,
            fields.value(0x30) != nil,
            let subject = fields.value(0x30)
        else { return nil }
        return name(subject)
    }

    private static func name(_ sequence: ArraySlice<UInt8>) -> [UInt8]? {
        var elements: [[UInt8]] = []
        var reader = DERReader(sequence)
        while !reader.isAtEnd {
            guard let set = reader.value(0x31) else { return nil }
            var attributes = DERReader(set)
            var element: [UInt8] = []
            while !attributes.isAtEnd {
                guard let attribute = attributes.value(0x30), let text = attributeText(attribute) else { return nil }
                if !element.isEmpty { element.append(UInt8(ascii: "+")) }
                element += text
            }
            elements.append(element)
        }
        let text = Array(elements.reversed().joined(separator: [UInt8(ascii: ",")]))
        return text.isEmpty || text.count > limit ? nil : text
    }

    private static func attributeText(_ attribute: ArraySlice<UInt8>) -> [UInt8]? {
        var reader = DERReader(attribute)
        guard let type = reader.value(0x06) else { return nil }
        let whole = reader.remaining
        guard let (tag, value) = reader.next() else { return nil }
        var text = Array(typeName(type).utf8) + [UInt8(ascii: "=")]
        // UTF8String, PrintableString, IA5String: bytes that are text as they are. RFC 4514 section 2.4: the others, whose
        // letters may mean anything, by their encoding.
        guard [0x0c, 0x13, 0x16].contains(tag) else {
            text.append(UInt8(ascii: "#"))
            for byte in whole.prefix(whole.count - reader.remaining.count) {
                text += [hexDigit(byte >> 4), hexDigit(byte & 15)]
            }
            return text
        }
        for (position, byte) in value.enumerated() {
            let isEdge = position == 0 || position == value.count - 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
                UInt8(ascii: ">"), UInt8(ascii: "\\"):
                text += [UInt8(ascii: "\\"), byte]
            case 0x20 where isEdge, UInt8(ascii: "#") where position == 0:
                text += [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7f:
                text.append(byte)
            default:
                // RFC 4514 section 2.4: any byte may be written so, and in a field only ASCII is safe.
                text += [UInt8(ascii: "\\"), hexDigit(byte >> 4), hexDigit(byte & 15)]
            }
        }
        return text
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// RFC 4514 section 3, and the address that old certificates have; all others by number.
    private static func typeName(_ type: ArraySlice<UInt8>) -> String {
        switch Array(type) {
        case [0x55, 4, 3]: "CN"
        case [0x55, 4, 6]: "C"
        case [0x55, 4, 7]: "L"
        case [0x55, 4, 8]: "ST"
        case [0x55, 4, 9]: "STREET"
        case [0x55, 4, 10]: "O"
        case [0x55, 4, 11]: "OU"
        case [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]: "DC"
        case [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01]: "UID"
        case [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]: "emailAddress"
        default: dotted(type)
        }
    }

    private static func dotted(_ type: ArraySlice<UInt8>) -> String {
        var numbers: [UInt64] = []
        var value: UInt64 = 0
        for byte in type {
            value = value &<< 7 | UInt64(byte & 0x7f)
            guard byte < 0x80 else { continue }
            if numbers.isEmpty {
                numbers = [min(value / 40, 2), value - min(value / 40, 2) * 40]
            } else {
                numbers.append(value)
            }
            value = 0
        }
        return numbers.map(String.init).joined(separator: ".")
    }
}

/// Walks DER elements with definite lengths (X.690 section 10.1).
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }
    var remaining: ArraySlice<UInt8> { rest }

    /// The content of the next element, if it has this tag; else nothing is taken.
    mutating func value(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard rest.first == tag else { return nil }
        return next()?.value
    }

    mutating func next() -> (tag: UInt8, value: ArraySlice<UInt8>)? {
        guard rest.count >= 2 else { return nil }
        let tag = rest[rest.startIndex]
        var length = Int(rest[rest.startIndex + 1])
        var header = 2
        if length >= 0x80 {
            let count = length & 0x7f
            guard (1...4).contains(count), rest.count >= 2 + count else { return nil }
            length = rest[rest.startIndex + 2..<rest.startIndex + 2 + count].reduce(0) { $0 << 8 | Int($1) }
            header += count
        }
        guard rest.count - header >= length else { return nil }
        let value = rest.dropFirst(header).prefix(length)
        rest = rest.dropFirst(header + length)
        return (tag, value)
    }
}
