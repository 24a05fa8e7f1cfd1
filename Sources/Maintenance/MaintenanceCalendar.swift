import Foundation
package import TrafficModel

/// Tells when windows begin and end. A function of the calendar's time alone: a clock that is set back into a window
/// is in it again, and one that is set past a window was never in it.
package struct MaintenanceCalendar {
    package struct Occurrence: Sendable, Hashable {
        /// When draining begins.
        package var drains: WallTime
        package var starts: WallTime
        package var ends: WallTime

        package func phase(at now: WallTime) -> WindowRun.Phase? {
            now < drains || now >= ends ? nil : now < starts ? .draining : .open
        }
    }

    /// Two months in which a rule has no day are followed by one that has: 31 days, twice, and a day of slack.
    private static let searchedDays = 64

    /// What was found, which holds until the occurrence ends or the clock is set back.
    private var known: [String: (window: MaintenanceWindow, asked: WallTime, found: Occurrence?)] = [:]

    package init() {}

    /// The occurrence of a window that has not ended, the first of them; `nil` when there is none to come.
    ///
    /// - Parameter skip: the end of an occurrence that was cancelled.
    package mutating func occurrence(
        of window: MaintenanceWindow, named name: String, at now: WallTime, skip: WallTime? = nil
    ) -> Occurrence? {
        let moment = skip.map { max($0, now) } ?? now
        if let entry = known[name], entry.window == window, entry.asked <= moment,
            entry.found.map({ moment < $0.ends }) ?? true
        {
            return entry.found
        }
        let found = Self.occurrence(of: window, notEndedAt: moment)
        known[name] = (window, moment, found)
        return found
    }

    package static func occurrence(of window: MaintenanceWindow, notEndedAt now: WallTime) -> Occurrence? {
        switch window.schedule {
        case .once(let start):
            let occurrence = Occurrence(start, window)
            return now < occurrence.ends ? occurrence : nil
        case .rule(let rule):
            guard let calendar = calendar(of: rule.zone) else { return nil }
            // From the day on which one that has not ended could have begun at the earliest.
            let earliest = now.advanced(by: .zero - window.duration - .seconds(86_400))
            guard var day = calendar.dateInterval(of: .day, for: earliest.date)?.start else { return nil }
            let days = searchedDays + Int(window.duration / .seconds(86_400))
            for _ in 0..<days {
                if rule.days.contains(calendar, day), let start = rule.start(calendar, day) {
                    let occurrence = Occurrence(WallTime(start), window)
                    if now < occurrence.ends { return occurrence }
                }
                // Through its middle: days have 23 to 25 hours, and some begin at one o'clock.
                guard let next = calendar.dateInterval(of: .day, for: day.addingTimeInterval(36 * 3600))?.start,
                    next > day
                else { return nil }
                day = next
            }
            return nil
        }
    }

    /// `nil`: there is no such time zone.
    private static func calendar(of zone: String) -> Calendar? {
        guard let zone = TimeZone(identifier: zone) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        calendar.locale = Locale(identifier: "en_US_POSIX")
        return calendar
    }

    package static func isZone(_ name: String) -> Bool { !name.isEmpty && TimeZone(identifier: name) != nil }
}

extension MaintenanceCalendar.Occurrence {
    fileprivate init(_ start: WallTime, _ window: MaintenanceWindow) {
        self.init(
            drains: start.advanced(by: .zero - window.lead), starts: start, ends: start.advanced(by: window.duration))
    }
}

extension WallTime {
    fileprivate init(_ date: Date) {
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    fileprivate var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension CalendarRule {
    /// The instant of its time on a day: the first after it where a change to summer time leaves it out, the first of
    /// the two where it comes twice.
    fileprivate func start(_ calendar: Calendar, _ day: Date) -> Date? {
        let wanted = DateComponents(hour: time / 60, minute: time % 60, second: 0)
        // The search begins before midnight, for it finds only what is later.
        let found = calendar.nextDate(
            after: day.addingTimeInterval(-1), matching: wanted, matchingPolicy: .nextTime, repeatedTimePolicy: .first,
            direction: .forward)
        return found.flatMap { calendar.isDate($0, inSameDayAs: day) ? $0 : nil }
    }
}

extension CalendarRule.Days {
    fileprivate func contains(_ calendar: Calendar, _ day: Date) -> Bool {
        // Gregorian weekdays count from Sunday, 1.
        let weekday = CalendarRule.Weekday.allCases[(calendar.component(.weekday, from: day) + 5) % 7]
        switch self {
        case .weekly(let days): return days.contains(weekday)
        case .monthly(let days):
            let number = calendar.component(.day, from: day)
            let length = calendar.range(of: .day, in: .month, for: day)?.count ?? 31
            return days.contains { $0.matches(number, weekday, length) }
        }
    }
}

extension CalendarRule.MonthDay {
    fileprivate func matches(_ day: Int, _ weekday: CalendarRule.Weekday, _ length: Int) -> Bool {
        switch self {
        case .day(let wanted): day == wanted
        case .last: day == length
        case .nth(5, let wanted): weekday == wanted && day + 7 > length
        case .nth(let ordinal, let wanted): weekday == wanted && (day + 6) / 7 == ordinal
        }
    }
}
