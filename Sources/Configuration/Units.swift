/// Durations, sizes and shares as people write them.
package enum Units {
    private static let durations: [(unit: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    private static let sizes: [(unit: String, bytes: Int)] = [
        ("B", 1), ("kB", 1000), ("KiB", 1024), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
    ]

    /// Milliseconds of `500ms`, `5s`, `1m30s`, `1h`, `7d`; `nil` for anything else or more than 100 years.
    package static func milliseconds(_ text: String) -> Int64? {
        var total: Int64 = 0
        var rest = text[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard digits.count <= 12, let number = Int64(digits),
                let factor = durations.first(where: { $0.unit == unit })?.milliseconds
            else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: factor)
            guard !overflow, product <= longest, total + product <= longest else { return nil }
            total += product
        }
        return total
    }

    private static let longest: Int64 = 36_525 * 86_400_000

    static func text(milliseconds: Int64) -> String {
        guard milliseconds > 0 else { return "0s" }
        let unit = durations.last { milliseconds % $0.milliseconds == 0 } ?? durations[0]
        return "\(milliseconds / unit.milliseconds)\(unit.unit)"
    }

    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard digits.count <= 12, let number = Int(digits), let factor = sizes.first(where: { $0.unit == unit })?.bytes
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    static func text(bytes: Int) -> String {
        let binary = sizes.filter { ["B", "KiB", "MiB", "GiB"].contains($0.unit) }
        let unit = binary.last { bytes % $0.bytes == 0 && bytes > 0 } ?? binary[0]
        return "\(bytes / unit.bytes)\(unit.unit)"
    }

    static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
