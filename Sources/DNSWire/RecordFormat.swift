/// The parts that the data of a record type consists of, in order: what turns text into wire form and back.
///
/// Types without an entry are read and written in the generic form of RFC 3597 only.
enum RecordFormat {
    enum Part: Sendable {
        case ipv4, ipv6
        /// Written uncompressed; relative names in text are completed with the origin.
        case name
        case uint8, uint16, uint32
        /// 32 bits; text may carry units (`1h30m`).
        case time
        /// One length byte and up to 255 bytes.
        case string
        /// Strings up to the end, one at least.
        case strings
        /// The property of a CAA record: a string of 1...255 ASCII letters and digits (RFC 8659 section 4.1).
        case tag
        /// Everything up to the end, as text.
        case text
        /// Everything up to the end, one byte at least, as hexadecimal digits.
        case hex
        /// Everything up to the end, one byte at least, in base 64.
        case base64
        /// Up to 255 bytes behind a length byte, as hexadecimal digits; `-` is none (RFC 5155 section 3.3).
        case salt
        /// One to 255 bytes behind a length byte, in base 32 with the extended alphabet (RFC 5155 section 3.3).
        case base32
        /// A string, or the end of the data.
        case optionalString
        /// One byte or two, for which there are words.
        case algorithm, certificateType
        /// 16 bits that stand for a record type.
        case recordType
        /// Record types up to the end, as windows of bits (RFC 4034 section 4.1.2).
        case typeBitmap
        /// Seconds since 1970 in 32 bits that wrap around; as text also `YYYYMMDDHHmmSS` (RFC 4034 section 3.2).
        case timestamp
        /// 64 bits as four groups of hexadecimal digits with colons (RFC 6742 section 2.1.2).
        case locator
        /// Six bytes, or eight, as pairs of hexadecimal digits with hyphens (RFC 7043).
        case eui48, eui64
        /// Latitude, longitude, altitude and their precision: all of the data (RFC 1876).
        case location
        /// Address prefixes up to the end (RFC 3123).
        case prefixes
        /// Service parameters up to the end (RFC 9460 section 2.2).
        case parameters
    }

    static func parts(of type: RecordType) -> [Part]? {
        switch type {
        case .a: [.ipv4]
        case .aaaa: [.ipv6]
        case .ns, .cname, .ptr, .dname, .mb, .mg, .mr: [.name]
        case .soa: [.name, .name, .uint32, .time, .time, .time, .time]
        case .mx, .afsdb, .rt, .kx, .lp: [.uint16, .name]
        case .minfo, .rp: [.name, .name]
        case .px: [.uint16, .name, .name]
        case .txt, .spf, .avc, .resinfo, .wallet: [.strings]
        case .srv: [.uint16, .uint16, .uint16, .name]
        case .caa: [.uint8, .tag, .text]
        case .uri: [.uint16, .uint16, .text]
        case .hinfo: [.string, .string]
        case .x25: [.string]
        case .isdn: [.string, .optionalString]
        case .gpos: [.string, .string, .string]
        case .naptr: [.uint16, .uint16, .string, .string, .string, .name]
        case .loc: [.location]
        case .apl: [.prefixes]
        case .nid, .l64: [.uint16, .locator]
        case .l32: [.uint16, .ipv4]
        case .eui48: [.eui48]
        case .eui64: [.eui64]
        case .svcb, .https: [.uint16, .name, .parameters]
        case .ds, .cds, .dlv: [.uint16, .algorithm, .uint8, .hex]
        case .key, .dnskey, .cdnskey: [.uint16, .uint8, .algorithm, .base64]
        case .csync: [.uint32, .uint16, .typeBitmap]
        case .zonemd: [.uint32, .uint8, .uint8, .hex]
        case .sshfp: [.uint8, .uint8, .hex]
        case .tlsa, .smimea: [.uint8, .uint8, .uint8, .hex]
        case .cert: [.certificateType, .uint16, .algorithm, .base64]
        case .dhcid, .openpgpkey: [.base64]
        case .sig, .rrsig:
            [.recordType, .algorithm, .uint8, .time, .timestamp, .timestamp, .uint16, .name, .base64]
        case .nsec: [.name, .typeBitmap]
        case .nsec3: [.uint8, .uint8, .uint16, .salt, .base32, .typeBitmap]
        case .nsec3param: [.uint8, .uint8, .uint16, .salt]
        default: nil
        }
    }

    /// Whether `data` is what the type's format asks for, names in it uncompressed. Types without a format: always.
    static func isValid(_ data: [UInt8], type: RecordType) -> Bool {
        guard let parts = parts(of: type) else { return true }
        var index = 0
        for part in parts {
            guard let length = length(of: part, in: data[index...]) else { return false }
            index += length
        }
        return index == data.count
    }

    /// Bytes that the part takes at the start of `data`; `nil` when it is not there whole.
    static func length(of part: Part, in data: ArraySlice<UInt8>) -> Int? {
        let length: Int
        switch part {
        case .ipv4, .uint32, .time, .timestamp: length = 4
        case .ipv6: length = 16
        case .uint8, .algorithm: length = 1
        case .uint16, .certificateType, .recordType: length = 2
        case .locator, .eui64: length = 8
        case .eui48: length = 6
        case .location: length = LocationText.isValid(data) ? LocationText.size : -1
        case .name:
            var index = data.startIndex
            while index < data.endIndex, data[index] != 0 {
                guard data[index] <= 63 else { return nil }
                index += 1 + Int(data[index])
            }
            guard index < data.endIndex else { return nil }
            length = index + 1 - data.startIndex
            guard length <= 255 else { return nil }
        case .string, .salt:
            guard let first = data.first else { return nil }
            length = 1 + Int(first)
        case .base32:
            guard let first = data.first, first > 0 else { return nil }
            length = 1 + Int(first)
        case .optionalString: length = data.first.map { 1 + Int($0) } ?? 0
        case .tag:
            guard let first = data.first, first > 0, data.count > first else { return nil }
            length = 1 + Int(first)
            guard data.dropFirst().prefix(Int(first)).allSatisfy(isLetterOrDigit) else { return nil }
        case .strings:
            guard !data.isEmpty else { return nil }
            var index = data.startIndex
            while index < data.endIndex { index += 1 + Int(data[index]) }
            guard index == data.endIndex else { return nil }
            length = data.count
        case .text: length = data.count
        case .hex, .base64:
            guard !data.isEmpty else { return nil }
            length = data.count
        case .typeBitmap: length = TypeBitmap.isValid(data) ? data.count : -1
        case .prefixes: length = AddressPrefixes.isValid(data) ? data.count : -1
        case .parameters: length = ServiceParameters.isValid(data) ? data.count : -1
        }
        return (0...data.count).contains(length) ? length : nil
    }

    /// `data` with the names in it in lower case: what two records are compared by (RFC 4034 section 6.2). The data must
    /// be valid.
    static func folded(_ data: [UInt8], type: RecordType) -> [UInt8] {
        guard let parts = parts(of: type), parts.contains(where: { if case .name = $0 { true } else { false } }) else {
            return data
        }
        var result = data
        var index = 0
        for part in parts {
            let length = length(of: part, in: data[index...]) ?? 0
            if case .name = part {
                for position in index..<index + length where (65...90).contains(data[position]) {
                    result[position] |= 0x20
                }
            }
            index += length
        }
        return result
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
        }
    }
}
