import Glibc

/// The wall clock as logs write it, `2026-11-29T13:08:40.123Z`: made anew once a second, its milliseconds when they change.
@usableFromInline
package struct LogTime: Sendable {
    @usableFromInline package private(set) var bytes: InlineArray<24, UInt8> = [
        0x31, 0x39, 0x37, 0x30, 0x2d, 0x30, 0x31, 0x2d, 0x30, 0x31, 0x54, 0x30, 0x30, 0x3a, 0x30, 0x30, 0x3a, 0x30,
        0x30,
        0x2e, 0x30, 0x30, 0x30, 0x5a,
    ]
    /// Milliseconds and seconds since 1970 that are shown.
    private var millisecond = Int.min
    private var second = Int.min
    /// The wall clock when the monotonic one showed `readAt`, both in nanoseconds.
    private var wall = 0
    private var readAt: UInt64?

    /// Nanoseconds after which the wall clock is looked at again: somebody may have set it. Between that, its time follows
    /// from the monotonic clock, which is read for each request anyway.
    private static let trust: UInt64 = 100_000_000

    package init() {}

    package mutating func refresh() { refresh(at: MonotonicClock.now) }

    /// - Parameter now: what the monotonic clock showed.
    /// - Returns: whether another time is shown.
    @discardableResult
    package mutating func refresh(at now: UInt64) -> Bool { refresh(at: now, ClockReading.init) }

    /// - Parameter read: looks at the clocks.
    @discardableResult
    mutating func refresh(at now: UInt64, _ read: () -> ClockReading) -> Bool {
        let known = readAt ?? 0
        let since = Int64(bitPattern: now &- known)
        guard readAt != nil, since > -Int64(Self.trust), since < Int64(Self.trust) else {
            wall = ClockPair(reading: read).wall(at: now)
            readAt = now
            return show(Self.floor(wall, 1_000_000))
        }
        return show(Self.floor(wall &+ Int(since), 1_000_000))
    }

    /// Towards the past, also before 1970.
    private static func floor(_ value: Int, _ divisor: Int) -> Int {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// - Returns: whether that is another time.
    private mutating func show(_ wanted: Int) -> Bool {
        guard wanted != millisecond else { return false }
        millisecond = wanted
        let wantedSecond = Self.floor(wanted, 1000)
        if wantedSecond != second {
            second = wantedSecond
            var parts = unsafe tm()
            unsafe gmtime_r(&second, &parts)
            put(unsafe Int(parts.tm_year) + 1900, digits: 4, at: 0)
            put(unsafe Int(parts.tm_mon) + 1, digits: 2, at: 5)
            put(unsafe Int(parts.tm_mday), digits: 2, at: 8)
            put(unsafe Int(parts.tm_hour), digits: 2, at: 11)
            put(unsafe Int(parts.tm_min), digits: 2, at: 14)
            put(unsafe Int(parts.tm_sec), digits: 2, at: 17)
        }
        put(wanted - second * 1000, digits: 3, at: 20)
        return true
    }

    private mutating func put(_ value: Int, digits: Int, at offset: Int) {
        var rest = value
        for position in (0..<digits).reversed() {
            bytes[offset + position] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}

extension [UInt8] {
    package mutating func append(time: borrowing LogTime) {
        for index in time.bytes.indices { append(time.bytes[index]) }
    }
}
