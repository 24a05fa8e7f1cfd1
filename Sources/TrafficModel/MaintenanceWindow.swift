/// A time in which something is drained or disabled: once, or by a rule of the calendar.
package struct MaintenanceWindow: Sendable, Hashable {
    package enum Schedule: Sendable, Hashable {
        case once(start: WallTime)
        case rule(CalendarRule)
    }

    package var subject: Overrides.Subject
    /// What holds during the window: `drain` or `disable`.
    package var verdict = Overrides.Verdict.drain
    package var schedule: Schedule
    /// From its start, as time that passes: a change to or from summer time does not change it.
    package var duration: Duration
    /// For how long before the start it is drained.
    package var lead = Duration.zero
    package var reason = ""
    /// Who planned it; empty: the configuration.
    package var author = ""

    /// Windows of one node, configured ones included.
    package static let limit = 1000
    package static let durations: ClosedRange<Duration> = .seconds(1) ... .seconds(31 * 86_400)
    package static let leads: ClosedRange<Duration> = .zero ... .seconds(86_400)

    /// Whether each run is still open when the next begins: then it drains, or disables, for ever.
    package var neverCloses: Bool {
        guard case .rule(let rule) = schedule else { return false }
        switch rule.days {
        case .weekly(let days):
            let days = Set(days.compactMap { CalendarRule.Weekday.allCases.firstIndex(of: $0) }).sorted()
            guard let first = days.first else { return false }
            let gaps = zip(days, days.dropFirst() + [first + 7]).map { $1 - $0 }
            return duration >= .seconds(86_400 * (gaps.max() ?? 7))
        // Some months have no such day, and weekdays come up to five weeks apart.
        case .monthly(let days):
            guard days.count == 1, duration >= .seconds(86_400 * 31) else { return false }
            return switch days[0] {
            case .day(let day): day <= 28
            case .last: true
            case .nth: false
            }
        }
    }

    package init(subject: Overrides.Subject, schedule: Schedule, duration: Duration) {
        self.subject = subject
        self.schedule = schedule
        self.duration = duration
    }
}

/// Days and a time of day in a time zone.
package struct CalendarRule: Sendable, Hashable {
    package enum Weekday: String, Sendable, Hashable, CaseIterable {
        case mon, tue, wed, thu, fri, sat, sun
    }

    package enum MonthDay: Sendable, Hashable {
        /// 1...31; a month that lacks it has none.
        case day(Int)
        case last
        /// The first to fourth of a weekday, or with 5 its last.
        case nth(Int, Weekday)
    }

    package enum Days: Sendable, Hashable {
        case weekly([Weekday])
        case monthly([MonthDay])
    }

    package var days: Days
    /// Minutes since midnight, on the clock of the zone. A time that a change to summer time leaves out is the first
    /// one after it; one that comes twice is the first of the two.
    package var time: Int
    /// IANA's name, as `Europe/Berlin`.
    package var zone: String

    package init(days: Days, time: Int, zone: String) {
        self.days = days
        self.time = time
        self.zone = zone
    }
}

/// One run of a window.
package struct WindowRun: Sendable, Hashable {
    package enum Phase: String, Sendable, Hashable {
        /// Before its start.
        case draining
        case open
    }

    package var phase: Phase
    package var starts: WallTime
    package var ends: WallTime

    package init(phase: Phase, starts: WallTime, ends: WallTime) {
        self.phase = phase
        self.starts = starts
        self.ends = ends
    }
}
