/// One metric as Prometheus knows it: a name, and series that differ in their labels.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        /// Rises only; its name ends with `_total`.
        case counter
        case gauge
        case histogram
    }

    /// With the unit at its end, as Prometheus wants it: `_seconds`, `_bytes`, `_ratio`.
    package let name: String
    package let kind: Kind
    /// One sentence.
    package let help: String
    /// Those that its series have, beside `le`.
    package let labels: [String]

    package init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}
