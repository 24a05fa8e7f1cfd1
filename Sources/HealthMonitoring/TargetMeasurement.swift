import HTTPWire
package import TrafficModel

/// What the probes of one target measured.
package struct TargetMeasurement: Sendable {
    package let target: HealthTarget
    /// Seconds from the start of a probe to its verdict, smoothed over successful ones.
    package let responseTime: Double
    /// What the target told of its load with the last of them.
    package let loads: [Criterion: Double]
    /// When that was: monotonic nanoseconds.
    package let time: UInt64
}

extension Criterion {
    /// Reports name what all servers have by names of their own; the rest are named metrics with a criterion's word.
    static func loads(in metrics: LoadMetrics?) -> [Criterion: Double] {
        guard let values = metrics?.values, !values.isEmpty else { return [:] }
        var result: [Criterion: Double] = [:]
        for criterion in Criterion.allCases where criterion.isReported {
            let word = criterion.rawValue
            let standard: String? =
                switch criterion {
                case .cpu: "cpu_utilization"
                case .requests: "rps_fractional"
                default: nil
                }
            result[criterion] = standard.flatMap { values[$0] } ?? values["named_metrics.\(word)"] ?? values[word]
        }
        return result
    }

    /// A score is an operator's to give, and how long checks take is measured here.
    private var isReported: Bool { self != .score && self != .response }
}
