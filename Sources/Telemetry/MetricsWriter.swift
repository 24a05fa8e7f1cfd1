/// Writes metrics in Prometheus's text format 0.0.4, or in OpenMetrics 1.0. Series of a family follow each other: begin it
/// once, then write them all.
package struct MetricsWriter: Sendable {
    package enum Format: Sendable, CaseIterable {
        case text
        case openMetrics

        /// By what a client accepts: OpenMetrics where it names it and does not rank plain text higher.
        ///
        /// - Parameter accept: the value of the request's `Accept`; RFC 9110 section 12.5.1.
        package init(accept: String) {
            var (open, plain) = (0.0, 0.0)
            for part in accept.split(separator: ",") {
                let pieces = part.split(separator: ";").map { Self.trimmed($0).lowercased() }
                guard let type = pieces.first else { continue }
                var quality = 1.0
                var version = ""
                for piece in pieces.dropFirst() {
                    if piece.hasPrefix("q=") { quality = Double(piece.dropFirst(2)) ?? 0 }
                    if piece.hasPrefix("version=") { version = String(piece.dropFirst(8)) }
                }
                switch type {
                case "application/openmetrics-text" where version.isEmpty || version == "1.0.0" || version == "0.0.1":
                    open = max(open, quality)
                case "text/plain": plain = max(plain, quality)
                default: break
                }
            }
            self = open > 0 && open >= plain ? .openMetrics : .text
        }

        private static func trimmed(_ text: Substring) -> Substring {
            var text = text.drop { $0 == " " || $0 == "\t" }
            while text.last == " " || text.last == "\t" { text.removeLast() }
            return text
        }

        package var contentType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    package private(set) var bytes: [UInt8] = []
    /// Names of the families that were begun.
    package private(set) var families: [String] = []
    private let format: Format
    private var name: [UInt8] = []

    package init(_ format: Format, capacity: Int = 64 << 10) {
        self.format = format
        bytes.reserveCapacity(capacity)
    }

    package mutating func begin(_ family: MetricFamily) {
        families.append(family.name)
        name = Array(family.name.utf8)
        // OpenMetrics names a counter without the end that its series have.
        let told = format == .openMetrics && family.kind == .counter ? name.dropLast("_total".utf8.count) : name[...]
        bytes.append(text: "# HELP ")
        bytes.append(contentsOf: told)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: family.help.utf8)
        bytes.append(text: "\n# TYPE ")
        bytes.append(contentsOf: told)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: family.kind.rawValue.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A family with one series and no labels.
    package mutating func write(_ family: MetricFamily, _ value: UInt64) {
        begin(family)
        sample(value)
    }

    package mutating func write(_ family: MetricFamily, _ value: Double) {
        begin(family)
        sample(value)
    }

    package mutating func sample(_ value: UInt64) { sample(MetricLabels(), value) }
    package mutating func sample(_ value: Double) { sample(MetricLabels(), value) }

    package mutating func sample(_ labels: borrowing MetricLabels, _ value: UInt64) {
        start(labels)
        bytes.append(decimal: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    package mutating func sample(_ labels: borrowing MetricLabels, _ value: Int) {
        start(labels)
        bytes.append(decimal: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    package mutating func sample(_ labels: borrowing MetricLabels, _ value: Double) {
        start(labels)
        append(value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// With one label more, whose name and value need no escape.
    package mutating func sample(
        _ labels: borrowing MetricLabels, _ name: StaticString, _ text: StaticString, _ value: UInt64
    ) {
        start(labels, name, text)
        bytes.append(decimal: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Seconds, from whole nanoseconds.
    package mutating func sample(_ labels: borrowing MetricLabels, nanoseconds value: UInt64) {
        start(labels)
        append(nanoseconds: value)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A histogram of durations.
    ///
    /// - Parameters:
    ///   - bounds: upper ends in nanoseconds, ascending; values on a bound count for it.
    ///   - counts: of each bound, not of those below it too; and one more of what is above all.
    ///   - nanoseconds: the sum of all values.
    package mutating func histogram(
        _ labels: borrowing MetricLabels, bounds: [UInt64], counts: [UInt64], nanoseconds: UInt64
    ) {
        precondition(counts.count == bounds.count + 1, "a histogram has one count more than bounds")
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total &+= count
            start(labels, suffix: "_bucket", hasMore: true)
            bytes.append(text: "le=\"")
            if index < bounds.count { append(Double(bounds[index]) / 1e9) } else { bytes.append(text: "+Inf") }
            bytes.append(text: "\"} ")
            bytes.append(decimal: total)
            bytes.append(UInt8(ascii: "\n"))
        }
        start(labels, suffix: "_sum")
        append(nanoseconds: nanoseconds)
        bytes.append(UInt8(ascii: "\n"))
        start(labels, suffix: "_count")
        bytes.append(decimal: total)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// All is written.
    package mutating func finish() {
        if format == .openMetrics { bytes.append(text: "# EOF\n") }
    }

    // MARK: Parts of a line

    private mutating func start(
        _ labels: borrowing MetricLabels, suffix: StaticString = "", hasMore: Bool = false
    ) {
        bytes.append(contentsOf: name)
        bytes.append(text: suffix)
        guard !labels.bytes.isEmpty || hasMore else { return bytes.append(UInt8(ascii: " ")) }
        bytes.append(UInt8(ascii: "{"))
        bytes.append(contentsOf: labels.bytes)
        if hasMore {
            if !labels.bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
        } else {
            bytes.append(text: "} ")
        }
    }

    private mutating func start(_ labels: borrowing MetricLabels, _ name: StaticString, _ text: StaticString) {
        start(labels, hasMore: true)
        bytes.append(text: name)
        bytes.append(text: "=\"")
        bytes.append(text: text)
        bytes.append(text: "\"} ")
    }

    private mutating func append(_ value: Double) {
        if value.isNaN {
            bytes.append(text: "NaN")
        } else if value.isInfinite {
            bytes.append(text: value < 0 ? "-Inf" : "+Inf")
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
    }

    private mutating func append(nanoseconds value: UInt64) {
        bytes.append(decimal: value / 1_000_000_000)
        bytes.append(UInt8(ascii: "."))
        let rest = value % 1_000_000_000
        var divisor: UInt64 = 100_000_000
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10))
            divisor /= 10
        } while divisor > 0 && rest % (divisor * 10) > 0
    }
}
