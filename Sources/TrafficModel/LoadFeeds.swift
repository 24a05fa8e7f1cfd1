/// Readings of load by where they come from, and which of them count.
///
/// Sources would take turns if the latest reading counted, so their order is fixed: what a file says goes before what
/// servers report to health checks, and that before what this node counts at its own listeners. A reading that became
/// too old gives way to the next source.
package struct LoadFeeds: Sendable, Hashable {
    /// By name of the virtual server.
    package typealias Readings = [String: [Criterion: Measurements.Reading]]

    package var file: Readings = [:]
    package var checks: Readings = [:]
    package var listeners: Readings = [:]

    package init() {}

    /// What counts now; what is too old is left out.
    package func merged(maximumAge: Duration, now: UInt64) -> Readings {
        var result: Readings = [:]
        for feed in [listeners, checks, file] {
            for (server, readings) in feed {
                for (criterion, reading) in readings {
                    guard Measurements.age(of: reading.time, now: now) <= maximumAge,
                        reading.confidence >= Measurements.leastConfidence
                    else { continue }
                    result[server, default: [:]][criterion] = reading
                }
            }
        }
        return result
    }
}
