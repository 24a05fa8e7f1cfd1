internal import Addresses

/// The data of APL records: address prefixes, each of which may be excluded (RFC 3123).
enum AddressPrefixes {
    private static func size(ofFamily family: UInt16) -> Int? { family == 1 ? 4 : family == 2 ? 16 : nil }

    /// `[!]FAMILY:ADDRESS/LENGTH`, family 1 for IPv4 and 2 for IPv6.
    static func parse(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var text = text
        let isExcluded = text.first == UInt8(ascii: "!")
        if isExcluded { text = text.dropFirst() }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let slash = text.firstIndex(of: UInt8(ascii: "/")),
            colon < slash, let family = UInt16(String(decoding: text[..<colon], as: UTF8.self)),
            let length = UInt8(String(decoding: text[(slash + 1)...], as: UTF8.self)),
            let address = IPAddress(String(decoding: text[(colon + 1)..<slash], as: UTF8.self)),
            size(ofFamily: family) == address.bytes.count, Int(length) <= 8 * address.bytes.count
        else { return nil }
        // Trailing zero bytes are left out (section 4).
        var bytes = Array(address.bytes)
        while bytes.last == 0 { bytes.removeLast() }
        return [0, UInt8(family), length, UInt8(bytes.count) | (isExcluded ? 0x80 : 0)] + bytes
    }

    static func isValid(_ data: ArraySlice<UInt8>) -> Bool {
        var rest = data
        while !rest.isEmpty {
            guard let item = Item(&rest), let size = size(ofFamily: item.family), item.bytes.count <= size,
                Int(item.length) <= 8 * size, item.bytes.last != 0
            else { return false }
        }
        return true
    }

    static func format(_ data: ArraySlice<UInt8>) -> String {
        var rest = data
        var texts: [String] = []
        while let item = Item(&rest), let size = size(ofFamily: item.family) {
            let padded = item.bytes + [UInt8](repeating: 0, count: size - item.bytes.count)
            let address = IPAddress(bytes: padded[...]).map(\.description) ?? ""
            texts.append("\(item.isExcluded ? "!" : "")\(item.family):\(address)/\(item.length)")
        }
        return texts.joined(separator: " ")
    }

    private struct Item {
        let family: UInt16
        let length: UInt8
        let isExcluded: Bool
        let bytes: [UInt8]

        /// `nil` when it is not there whole.
        init?(_ data: inout ArraySlice<UInt8>) {
            guard data.count >= 4 else { return nil }
            let start = data.startIndex
            let count = Int(data[start + 3] & 0x7f)
            guard data.count >= 4 + count else { return nil }
            family = UInt16(data[start]) << 8 | UInt16(data[start + 1])
            length = data[start + 2]
            isExcluded = data[start + 3] & 0x80 != 0
            bytes = Array(data.dropFirst(4).prefix(count))
            data = data.dropFirst(4 + count)
        }
    }
}

extension RecordDataReader {
    mutating func readPrefix(_ field: TextField) throws(FieldError) {
        guard let prefix = AddressPrefixes.parse(bytes(of: field)) else {
            throw FieldError(
                message: "\(quote(field)) is not a prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32",
                field: position - 1)
        }
        wire += prefix
    }
}
