package import Addresses

/// What was measured about load and latency, from whatever source: the one way in which such facts reach a snapshot.
///
/// The rules for what is missing are here, so that all stages share them. A reading counts while it is younger than
/// `maximumAge`; after that it is missing. A candidate without a reading is taken for the median of those that have
/// one; when fewer than half of the candidates have one, a stage that needs it has no effect, and the order that
/// geography gave stays. `shed` never sheds on missing data.
package struct Measurements: Sendable, Hashable {
    package struct Reading: Sendable, Hashable {
        package var value: Double
        /// Where it comes from: a file, a health check, the node's own listeners.
        package var source: String
        /// Monotonic nanoseconds, on the clock that snapshots are compiled with.
        package var time: UInt64
        /// 0...1; readings below `Measurements.leastConfidence` are missing.
        package var confidence: Double

        package init(value: Double, source: String, time: UInt64, confidence: Double = 1) {
            self.value = value
            self.source = source
            self.time = time
            self.confidence = confidence
        }
    }

    /// Round-trip times from a client network to a region.
    package struct LatencySample: Sendable, Hashable {
        /// Seconds.
        package var roundTrip: Double
        /// How many were measured.
        package var count: Int
        package var source: String
        package var time: UInt64

        package init(roundTrip: Double, count: Int, source: String, time: UInt64) {
            self.roundTrip = roundTrip
            self.count = count
            self.source = source
            self.time = time
        }
    }

    /// By name of the virtual server, so that readings survive a reload that reorders.
    package var loads: [String: [Criterion: Reading]] = [:]
    /// By client network (/24 and /48, or wider) and name of the region.
    package var latency: [IPPrefix: [String: LatencySample]] = [:]
    /// Rises with each change of `latency`: the table made from it is kept as long as this stays.
    package var latencyVersion: UInt64 = 0
    package var maximumAge: Duration = .seconds(60)
    package var maximumLatencyAge: Duration = .seconds(86_400)

    package static let leastConfidence = 0.5
    /// Samples of one network and region that are evidence enough; thinner ones join the network around theirs.
    package static let leastSamples = 3
    /// Networks in the latency table; the thinnest join the networks around them beyond that.
    package static let networkLimit = 65_536

    package init() {}

    /// The reading of a virtual server, unless it is too old or too vague.
    package func reading(of server: String, _ criterion: Criterion, now: UInt64) -> Reading? {
        guard let reading = loads[server]?[criterion], reading.confidence >= Self.leastConfidence,
            Self.age(of: reading.time, now: now) <= maximumAge
        else { return nil }
        return reading
    }

    /// Whether the values are the same, whenever and by whom they were measured.
    package func hasSameLoads(as other: Measurements) -> Bool {
        loads.count == other.loads.count
            && loads.allSatisfy { server, readings in
                guard let others = other.loads[server], others.count == readings.count else { return false }
                return readings.allSatisfy { others[$0.key]?.value == $0.value.value }
            }
    }

    /// A time in the future is no age at all: clocks of sources differ.
    package static func age(of time: UInt64, now: UInt64) -> Duration {
        .nanoseconds(now > time ? Int64(clamping: now - time) : 0)
    }
}
