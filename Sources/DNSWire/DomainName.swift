/// A fully qualified domain name in uncompressed wire form (RFC 1035 section 3.1), for configuration and compile time.
///
/// Equality and hashing ignore ASCII case (RFC 4343); `wire` keeps the letters as they were written.
package struct DomainName: Sendable {
    /// Length-prefixed labels and the root's zero byte: 1...255 bytes.
    package let wire: [UInt8]
    /// `wire` with ASCII letters in lower case: the form to look up and to compare.
    package let folded: [UInt8]

    /// The root, `.`.
    package static let root = DomainName(validated: [0])

    /// `wire` must already be a valid uncompressed name.
    init(validated wire: [UInt8]) {
        self.wire = wire
        // A length byte is at most 63, so it is never in the range of the letters. Most names have none in upper case, and
        // then one array serves as both.
        let isFolded = wire.allSatisfy { !(65...90).contains($0) }
        self.folded = isFolded ? wire : wire.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Checks label lengths (1...63), the total (255) and the closing root label.
    package init?(wire: [UInt8]) {
        guard wire.count <= 255 else { return nil }
        var index = 0
        while index < wire.count, wire[index] != 0 {
            guard wire[index] <= 63 else { return nil }
            index += 1 + Int(wire[index])
        }
        guard index == wire.count - 1 else { return nil }
        self.init(validated: wire)
    }

    /// The number of labels without the root: 3 for `www.example.com.`.
    package var labelCount: Int {
        var count = 0
        var index = 0
        while wire[index] != 0 {
            count += 1
            index += 1 + Int(wire[index])
        }
        return count
    }

    /// Whether the first label is `*` (RFC 4592 section 2.1.1).
    package var isWildcard: Bool { wire.count > 2 && wire[0] == 1 && wire[1] == UInt8(ascii: "*") }

    /// Whether it has a `?` or `*` that is no wildcard of the DNS: within a label, or as a label behind the first.
    package var isPattern: Bool {
        var index = isWildcard ? 2 : 0
        while wire[index] != 0 {
            let end = index + 1 + Int(wire[index])
            if wire[(index + 1)..<end].contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "*") }) {
                return true
            }
            index = end
        }
        return false
    }

    /// The name without its first label; `nil` for the root.
    package var parent: DomainName? {
        wire[0] == 0 ? nil : DomainName(validated: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// Whether this name is `zone` or lies below it.
    package func isAtOrBelow(_ zone: DomainName) -> Bool {
        var index = 0
        while true {
            if folded.count - index == zone.folded.count { return folded[index...].elementsEqual(zone.folded) }
            if folded.count - index < zone.folded.count || folded[index] == 0 { return false }
            index += 1 + Int(folded[index])
        }
    }
}

extension DomainName: Hashable {
    package static func == (left: DomainName, right: DomainName) -> Bool { left.folded == right.folded }
    package func hash(into hasher: inout Hasher) {
        // All bytes at once: an array would hash them one by one, which is most of the time of loading a large zone.
        unsafe folded.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension DomainName: CustomStringConvertible, LosslessStringConvertible {
    /// Reads presentation form (RFC 1035 section 5.1): `\.` and `\DDD` escapes; the closing dot may be left out.
    package init?(_ text: String) {
        self.init(text, relativeTo: .root)
    }

    /// Reads presentation form; a name without a closing dot is completed with `origin`.
    package init?(_ text: String, relativeTo origin: DomainName) {
        do throws(NameTextError) {
            self = try Self.parse(Array(text.utf8)[...], relativeTo: origin)
        } catch {
            return nil
        }
    }

    /// Reads presentation form from bytes; a name without a closing dot is completed with `origin`.
    package static func parse(
        _ text: ArraySlice<UInt8>, relativeTo origin: DomainName
    ) throws(NameTextError) -> DomainName {
        if text.count == 1, text.first == UInt8(ascii: ".") { return .root }
        var wire: [UInt8] = []
        wire.reserveCapacity(text.count + 1 + origin.wire.count)
        // The length byte of the label that is being read; filled in when the label ends.
        var start = 0
        wire.append(0)
        var absolute = false
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            absolute = false
            switch byte {
            case UInt8(ascii: "."):
                try close(&wire, labelAt: start)
                start = wire.count
                wire.append(0)
                absolute = true
            case UInt8(ascii: "\\"):
                wire.append(try unescape(text, at: &index))
            default:
                wire.append(byte)
            }
        }
        if !absolute {
            try close(&wire, labelAt: start)
            wire += origin.wire
        }
        guard wire.count <= 255 else { throw .nameTooLong }
        return DomainName(validated: wire)
    }

    private static func close(_ wire: inout [UInt8], labelAt start: Int) throws(NameTextError) {
        let length = wire.count - start - 1
        guard length > 0 else { throw .emptyLabel }
        guard length <= 63 else { throw .labelTooLong }
        wire[start] = UInt8(length)
    }

    /// Reads what follows a `\`: three digits that give a byte, or any other character, which stands for itself.
    static func unescape(_ text: ArraySlice<UInt8>, at index: inout Int) throws(NameTextError) -> UInt8 {
        guard index < text.endIndex else { throw .badEscape }
        guard (48...57).contains(text[index]) else {
            index += 1
            return text[index - 1]
        }
        guard text.endIndex - index >= 3 else { throw .badEscape }
        var value = 0
        for digit in text[index..<index + 3] {
            guard (48...57).contains(digit) else { throw .badEscape }
            value = value * 10 + Int(digit - 48)
        }
        guard value <= 255 else { throw .badEscape }
        index += 3
        return UInt8(value)
    }

    /// Presentation form without the closing dot (`.` for the root); bytes outside printable ASCII as `\DDD`.
    package var description: String {
        guard wire[0] != 0 else { return "." }
        var text: [UInt8] = []
        var index = 0
        while wire[index] != 0 {
            if index > 0 { text.append(UInt8(ascii: ".")) }
            let length = Int(wire[index])
            for byte in wire[(index + 1)...(index + length)] {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "@"),
                    UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"):
                    text += [UInt8(ascii: "\\"), byte]
                case 0x21...0x7e:
                    text.append(byte)
                default:
                    text += [UInt8(ascii: "\\"), 48 + byte / 100, 48 + byte / 10 % 10, 48 + byte % 10]
                }
            }
            index += 1 + length
        }
        return String(decoding: text, as: UTF8.self)
    }
}
