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
    }

    static func parts(of type: RecordType) -> [Part]? {
        switch type {
        case .a: [.ipv4]
        case .aaaa: [.ipv6]
        case .ns, .cname, .ptr, .dname: [.name]
        case .soa: [.name, .name, .uint32, .time, .time, .time, .time]
        case .mx: [.uint16, .name]
        case .txt, .spf: [.strings]
        case .srv: [.uint16, .uint16, .uint16, .name]
        case .caa: [.uint8, .tag, .text]
        case .hinfo: [.string, .string]
        case .naptr: [.uint16, .uint16, .string, .string, .string, .name]
        case .ds: [.uint16, .uint8, .uint8, .hex]
        case .sshfp: [.uint8, .uint8, .hex]
        case .tlsa: [.uint8, .uint8, .uint8, .hex]
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
        case .ipv4, .uint32, .time: length = 4
        case .ipv6: length = 16
        case .uint8: length = 1
        case .uint16: length = 2
        case .name:
            var index = data.startIndex
            while index < data.endIndex, data[index] != 0 {
                guard data[index] <= 63 else { return nil }
                index += 1 + Int(data[index])
            }
            guard index < data.endIndex else { return nil }
            length = index + 1 - data.startIndex
            guard length <= 255 else { return nil }
        case .string:
            guard let first = data.first else { return nil }
            length = 1 + Int(first)
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
        case .hex:
            guard !data.isEmpty else { return nil }
            length = data.count
        }
        return length <= data.count ? length : nil
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
