import Glibc

/// The wall clock as logs write it, `2026-11-29T13:08:40.123Z`: made anew once a second, its milliseconds each time.
package struct LogTime: Sendable {
    package private(set) var bytes: [UInt8] = Array("1970-01-01T00:00:00.000Z".utf8)
    private var second = Int.min

    package init() {}

    package mutating func refresh() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        if now.tv_sec != second {
            second = now.tv_sec
            var parts = unsafe tm()
            unsafe gmtime_r(&second, &parts)
            put(unsafe Int(parts.tm_year) + 1900, digits: 4, at: 0)
            put(unsafe Int(parts.tm_mon) + 1, digits: 2, at: 5)
            put(unsafe Int(parts.tm_mday), digits: 2, at: 8)
            put(unsafe Int(parts.tm_hour), digits: 2, at: 11)
            put(unsafe Int(parts.tm_min), digits: 2, at: 14)
            put(unsafe Int(parts.tm_sec), digits: 2, at: 17)
        }
        put(now.tv_nsec / 1_000_000, digits: 3, at: 20)
    }

    private mutating func put(_ value: Int, digits: Int, at offset: Int) {
        var rest = value
        for position in (0..<digits).reversed() {
            bytes[offset + position] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}
