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

    /// `YYYYMMDDHHmmSS` in UTC, or seconds since 1970 with ten digits at most (RFC 4034 section 3.2); modulo 2^32.
    static func parseTimestamp(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard !text.isEmpty, text.allSatisfy({ (48...57).contains($0) }) else { return nil }
        if text.count <= 10 { return UInt32(exactly: text.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 48) }) }
        guard text.count == 14 else { return nil }
        func number(_ from: Int, _ count: Int) -> Int {
            text.dropFirst(from).prefix(count).reduce(0) { $0 * 10 + Int($1 - 48) }
        }
        let (year, month, day) = (number(0, 4), number(4, 2), number(6, 2))
        let (hour, minute, second) = (number(8, 2), number(10, 2), number(12, 2))
        guard year >= 1970, (1...12).contains(month), day >= 1, day <= days(inMonth: month, of: year), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        var total = day - 1
        for earlier in 1..<month { total += days(inMonth: earlier, of: year) }
        total += (year - 1970) * 365 + leapDays(before: year) - leapDays(before: 1970)
        return UInt32(truncatingIfNeeded: ((total * 24 + hour) * 60 + minute) * 60 + second)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    private static func leapDays(before year: Int) -> Int {
        (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400
    }
}
