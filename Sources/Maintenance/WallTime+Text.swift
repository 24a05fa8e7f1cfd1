import Foundation
package import TrafficModel

extension WallTime {
    /// An instant as RFC 3339 writes it: `2026-12-01T02:00:00Z`, `2026-12-01T02:00+01:00`. Seconds may be left out.
    package init?(text: String) {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2, let zoneStart = parts[1].firstIndex(where: { "Z+-".contains($0) }),
            let offset = Self.offset(parts[1][zoneStart...])
        else { return nil }
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        var clock = parts[1][..<zoneStart].split(separator: ":", omittingEmptySubsequences: false)
        if clock.count == 2 { clock.append("00") }
        guard date.map(\.utf8.count) == [4, 2, 2], clock.map(\.utf8.count) == [2, 2, 2] else { return nil }
        let numbers = (date + clock).map {
            $0.utf8.allSatisfy { digit in (48...57).contains(digit) } ? Int($0) ?? -1 : -1
        }
        guard !numbers.contains(-1), numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let components = DateComponents(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
        guard components.isValidDate(in: calendar), let date = calendar.date(from: components) else { return nil }
        self.init(milliseconds: (Int64(date.timeIntervalSince1970) - Int64(offset)) * 1000)
    }

    private static func offset(_ text: Substring) -> Int? {
        if text == "Z" { return 0 }
        guard let minutes = CalendarRule.minutes(String(text.dropFirst())) else { return nil }
        return (text.hasPrefix("-") ? -60 : 60) * minutes
    }

    /// The next time at which the clock of a zone shows `14:00`.
    ///
    /// - Parameter zone: the machine's, if `nil`.
    package static func next(_ text: String, after now: WallTime, zone: String? = nil) -> WallTime? {
        guard let minutes = CalendarRule.minutes(text) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone.flatMap { TimeZone(identifier: $0) } ?? .current
        let found = calendar.nextDate(
            after: Date(timeIntervalSince1970: Double(now.milliseconds) / 1000),
            matching: DateComponents(hour: minutes / 60, minute: minutes % 60, second: 0), matchingPolicy: .nextTime,
            repeatedTimePolicy: .first, direction: .forward)
        return found.map { WallTime(milliseconds: Int64($0.timeIntervalSince1970) * 1000) }
    }

    /// In UTC, to the second.
    package var text: String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
