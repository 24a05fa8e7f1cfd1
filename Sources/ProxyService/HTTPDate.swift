import Glibc

/// The time of day as HTTP writes it (RFC 9110 section 5.6.7), made once a second.
struct HTTPDate {
    /// 29 bytes: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private(set) var bytes: [UInt8] = Array("Thu, 01 Jan 1970 00:00:00 GMT".utf8)
    private var second = Int.min

    private static let days: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    mutating func refresh() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        guard now.tv_sec != second else { return }
        second = now.tv_sec
        let parts = Self.parts(of: now.tv_sec)
        Self.put(Self.days, parts.weekday, at: 0, &bytes)
        Self.put(parts.day, digits: 2, at: 5, &bytes)
        Self.put(Self.months, parts.month, at: 8, &bytes)
        Self.put(parts.year, digits: 4, at: 12, &bytes)
        for (position, value) in [parts.hour, parts.minute, parts.second].enumerated() {
            Self.put(value, digits: 2, at: 17 + 3 * position, &bytes)
        }
    }

    private struct Parts {
        var year, month, day, weekday, hour, minute, second: Int
    }

    private static func parts(of time: Int) -> Parts {
        var time = time
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        return unsafe Parts(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon), day: Int(parts.tm_mday),
            weekday: Int(parts.tm_wday), hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
    }

    private static func put(_ names: StaticString, _ index: Int, at offset: Int, _ bytes: inout [UInt8]) {
        // `index` comes from gmtime_r: 0...6 or 0...11, and the names have three letters each.
        for letter in 0..<3 { unsafe bytes[offset + letter] = names.utf8Start[index * 3 + letter] }
    }

    private static func put(_ value: Int, digits: Int, at offset: Int, _ bytes: inout [UInt8]) {
        var rest = value
        for position in (0..<digits).reversed() {
            bytes[offset + position] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}
