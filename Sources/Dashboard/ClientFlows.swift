import ControlPlane
import Glibc

/// Where clients are sent: for each country and region how much, from samples of the answers of the last minute.
///
/// What was seen long ago counts less: after half a minute half. The number of pairs is bounded.
struct ClientFlows: Sendable {
    struct Pair: Hashable, Sendable {
        var country: String
        var region: String
    }

    private struct Weight {
        var value = 0.0
        /// Of the latest answer, in monotonic nanoseconds.
        var instant: UInt64 = 0
    }

    /// More than are ever drawn.
    private static let limit = 512
    private static let halfLife = 30.0
    /// A pair that nobody asked for so long is none.
    private static let span: UInt64 = 60_000_000_000

    private var weights: [Pair: Weight] = [:]
    private var unknown: [String: Weight] = [:]
    private var latest: UInt64 = 0
    private var newest: UInt64 = 0

    /// Of the newest answer.
    var instant: UInt64 { newest }

    /// - Parameters:
    ///   - answers: since the last time.
    ///   - regions: of the pools, by name.
    ///   - instant: now, in monotonic nanoseconds.
    mutating func add(_ answers: [ClientAnswer], regions: [String: String], instant: UInt64) {
        let instant = max(instant, latest)
        let factor = latest == 0 ? 1 : exp2(-Double(instant - latest) / 1e9 / Self.halfLife)
        latest = instant
        weights = weights.compactMapValues { Self.fade($0, factor, instant) }
        unknown = unknown.compactMapValues { Self.fade($0, factor, instant) }
        for answer in answers {
            newest = max(newest, answer.time)
            guard Self.isRecent(answer.time, instant), let region = answer.pool.flatMap({ regions[$0] }) else {
                continue
            }
            if let country = answer.country {
                Self.count(Pair(country: country, region: region), answer.time, in: &weights)
            } else {
                Self.count(region, answer.time, in: &unknown)
            }
        }
    }

    private static func isRecent(_ time: UInt64, _ instant: UInt64) -> Bool {
        instant - min(time, instant) <= span
    }

    private static func fade(_ weight: Weight, _ factor: Double, _ instant: UInt64) -> Weight? {
        isRecent(weight.instant, instant) ? Weight(value: weight.value * factor, instant: weight.instant) : nil
    }

    private static func count<Key: Hashable>(_ key: Key, _ time: UInt64, in weights: inout [Key: Weight]) {
        guard weights[key] != nil || weights.count < limit else { return }
        var weight = weights[key] ?? Weight()
        weight.value += 1
        weight.instant = max(weight.instant, time)
        weights[key] = weight
    }

    /// The largest, each with its part of all; a pair that comes and goes keeps its place in line.
    func largest(_ count: Int) -> [(pair: Pair, share: Double)] {
        let total = (weights.values.map(\.value) + unknown.values.map(\.value)).reduce(0, +)
        guard total > 0 else { return [] }
        return weights.sorted {
            ($1.value.value, $0.key.country, $0.key.region) < ($0.value.value, $1.key.country, $1.key.region)
        }
        .prefix(count).map { ($0.key, $0.value.value / total) }
    }
}
