/// What stands behind the addresses of a header of version 2: extensions of a kind, a length of two bytes and as many
/// bytes (section 2.2 of the specification).
extension ProxyHeader {
    /// The kind of the extension that has the header's checksum.
    private static let checksumKind: UInt8 = 0x03
    /// Kind and length.
    private static let extensionHead = 3

    /// Whether the bytes are whole extensions, and the checksum, if one is among them, is the header's (section 2.2.3).
    ///
    /// - Parameter end: where the header ends.
    static func hasSoundExtensions(_ bytes: RawSpan, from start: Int, to end: Int) -> Bool {
        var index = start
        var checksum: Int?
        while index < end {
            guard end - index >= extensionHead else { return false }
            let length = Int(bytes.byte(at: index + 1)) << 8 | Int(bytes.byte(at: index + 2))
            guard length <= end - index - extensionHead else { return false }
            if bytes.byte(at: index) == checksumKind {
                guard length == 4, checksum == nil else { return false }
                checksum = index + extensionHead
            }
            index += extensionHead + length
        }
        guard let checksum else { return true }
        let told = (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes.byte(at: checksum + $1)) }
        return told == crc32c(bytes, count: end, without: checksum..<checksum + 4)
    }

    /// The CRC-32C (RFC 3720 appendix B.4) of the first bytes, of which those in `gap` count as zero. Headers are short and
    /// come once for each connection: no table is worth its memory.
    private static func crc32c(_ bytes: RawSpan, count: Int, without gap: Range<Int>) -> UInt32 {
        var sum = UInt32.max
        for index in 0..<count {
            sum ^= gap.contains(index) ? 0 : UInt32(bytes.byte(at: index))
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
        }
        return ~sum
    }

    /// The extensions of a header, to be sent on: all but its checksum, which is about this header and no other. A proxy
    /// that speaks for itself has none, and neither has a line.
    ///
    /// - Parameter header: all of a header that was read.
    package static func extensions(of header: Span<UInt8>) -> [UInt8] {
        guard header.count >= 16, header[0] == 0x0d, header[12] == 0x21 else { return [] }
        let addresses =
            switch header[13] >> 4 {
            case 1: 12
            case 2: 36
            case 3: 216
            default: 0
            }
        var list: [UInt8] = []
        var index = 16 + addresses
        while header.count - index >= extensionHead {
            let end = index + extensionHead + (Int(header[index + 1]) << 8 | Int(header[index + 2]))
            guard end <= header.count else { break }
            if header[index] != checksumKind { for place in index..<end { list.append(header[place]) } }
            index = end
        }
        return list
    }
}
