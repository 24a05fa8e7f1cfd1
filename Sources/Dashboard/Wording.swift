/// Figures as people read them, the same in what the server renders and in what it sends to open pages.
enum Wording {
    /// `—`: not measured.
    static let nothing = "—"

    /// Three significant digits with a unit: `0`, `3.4`, `120`, `1.25k`, `34M`.
    static func count(_ value: Double) -> String {
        guard value.isFinite else { return nothing }
        var value = value
        var unit = ""
        for next in ["k", "M", "G", "T"] where value >= 999.5 {
            value /= 1000
            unit = next
        }
        return digits(value) + unit
    }

    static func count(_ value: Int) -> String { value < 10_000 ? "\(value)" : count(Double(value)) }

    /// Events a second.
    static func rate(_ value: Double?) -> String { value.map { count($0) } ?? nothing }

    /// A part of 1.
    static func share(_ value: Double?) -> String {
        guard let value, value.isFinite else { return nothing }
        let percent = value * 100
        if percent > 0, percent < 0.01 { return "<0.01%" }
        if percent < 100, percent > 99.99 { return ">99.99%" }
        return digits(percent) + "%"
    }

    /// A part of 1 whose distance from 1 matters: 100% is what has no error at all.
    static func availability(_ value: Double?) -> String {
        guard let value, value.isFinite else { return nothing }
        if value >= 1 { return "100%" }
        let thousandths = Int((value * 100_000).rounded(.down))
        guard thousandths > 0 else { return "0%" }
        var fraction = "\(thousandths % 1000)"
        while fraction.count < 3 { fraction = "0" + fraction }
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(thousandths / 1000)\(fraction.isEmpty ? "" : ".")\(fraction)%"
    }

    static func latency(seconds: Double?) -> String {
        guard let seconds, seconds.isFinite else { return nothing }
        if seconds < 0.000_9995 { return digits(seconds * 1_000_000) + " µs" }
        if seconds < 0.9995 { return digits(seconds * 1000) + " ms" }
        return digits(seconds) + " s"
    }

    /// Bits a second, with the prefix at the unit: `334 kbit/s`.
    static func bits(_ value: Double?) -> String {
        guard let value, value.isFinite else { return nothing }
        let text = count(value)
        let prefix = text.last.flatMap { $0.isLetter ? String($0) : nil } ?? ""
        return "\(text.dropLast(prefix.count)) \(prefix)bit/s"
    }

    static func duration(seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 1e12))
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    /// What is left of a time. It rounds up, so that only what is over is said to have nothing left.
    static func remaining(seconds: Double) -> String { duration(seconds: seconds.rounded(.up)) }

    /// With its middle left out where it is longer: what names differ in stands at their ends.
    static func shortened(_ name: String, to length: Int) -> String {
        guard name.count > length else { return name }
        let end = (length - 1) / 2
        return "\(name.prefix(length - 1 - end))…\(name.suffix(end))"
    }

    /// Up to three significant digits, no more than two behind the point.
    private static func digits(_ value: Double) -> String {
        let (factor, places): (Double, Int) = value < 9.995 ? (100, 2) : value < 99.95 ? (10, 1) : (1, 0)
        let scaled = Int((value * factor).rounded())
        guard places > 0, scaled % Int(factor) != 0 else { return "\(scaled / Int(factor))" }
        var fraction = "\(scaled % Int(factor))"
        while fraction.count < places { fraction = "0" + fraction }
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(scaled / Int(factor)).\(fraction)"
    }
}
