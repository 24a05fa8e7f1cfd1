extension CalendarRule.MonthDay {
    private static let ordinals = ["first", "second", "third", "fourth", "last"]

    /// `15`, `last`, `second tue`, `last sun`.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        if text == "last" {
            self = .last
        } else if let day = Int(text), (1...31).contains(day), !text.hasPrefix("+") {
            self = .day(day)
        } else if words.count == 2, let ordinal = Self.ordinals.firstIndex(of: String(words[0])),
            let weekday = CalendarRule.Weekday(rawValue: String(words[1]))
        {
            self = .nth(ordinal + 1, weekday)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .day(let day): "\(day)"
        case .last: "last"
        case .nth(let ordinal, let weekday): "\(Self.ordinals[ordinal - 1]) \(weekday.rawValue)"
        }
    }
}

extension CalendarRule.Days {
    /// `weekly mon, thu`, `monthly 15, second tue`.
    package init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let words = parts[1].split(separator: ",", omittingEmptySubsequences: false).map {
            String($0.trimmingPrefix { $0 == " " })
        }
        switch parts[0] {
        case "weekly":
            let days = words.compactMap(CalendarRule.Weekday.init)
            guard days.count == words.count, !days.isEmpty else { return nil }
            self = .weekly(days)
        case "monthly":
            let days = words.compactMap(CalendarRule.MonthDay.init)
            guard days.count == words.count, !days.isEmpty else { return nil }
            self = .monthly(days)
        default: return nil
        }
    }

    package var text: String {
        switch self {
        case .weekly(let days): "weekly " + days.map(\.rawValue).joined(separator: ", ")
        case .monthly(let days): "monthly " + days.map(\.text).joined(separator: ", ")
        }
    }
}

extension CalendarRule {
    /// Minutes since midnight of `02:30`.
    package static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { digit in (48...57).contains(digit) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }

    package var timeText: String {
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(time / 60)):\(two(time % 60))"
    }

    package var text: String { "\(days.text) at \(timeText) \(zone)" }
}
