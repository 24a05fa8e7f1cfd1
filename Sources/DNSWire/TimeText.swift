/// Times and TTLs as zone files write them: seconds, or numbers with the units w, d, h, m and s as BIND reads them.
enum TimeText {
    /// `nil` when the text is no time, or longer than 2^31-1 seconds (RFC 2181 section 8).
    static func parse(_ text: ArraySlice<UInt8>) -> UInt32? {
        var total: UInt64 = 0
        var number: UInt64?
        for byte in text {
            if (48...57).contains(byte) {
                let next = (number ?? 0) * 10 + UInt64(byte - 48)
                guard next <= limit else { return nil }
                number = next
                continue
            }
            guard let count = number else { return nil }
            let unit: UInt64
            switch byte | 0x20 {
            case UInt8(ascii: "w"): unit = 604_800
            case UInt8(ascii: "d"): unit = 86_400
            case UInt8(ascii: "h"): unit = 3600
            case UInt8(ascii: "m"): unit = 60
            case UInt8(ascii: "s"): unit = 1
            default: return nil
            }
            total += count * unit
            guard total <= limit else { return nil }
            number = nil
        }
        guard !text.isEmpty else { return nil }
        total += number ?? 0
        return total <= limit ? UInt32(total) : nil
    }

    private static let limit: UInt64 = (1 << 31) - 1
}
