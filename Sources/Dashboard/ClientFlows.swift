import ControlPlane
import Glibc

/// Where clients are sent: for each country and region how much, from samples of the latest answers.
///
/// What was seen long ago counts less: after half a minute half. The number of pairs is bounded.
struct ClientFlows: Sendable {
    struct Pair: Hashable, Sendable {
        var country: String
        var region: String
    }

    /// More than are ever drawn.
    private static let limit = 512
    private static let halfLife = 30.0
    /// Below this a pair is forgotten.
    private static let least = 0.05

    private var weights: [Pair: Double] = [:]
    private var unknown: [String: Double] = [:]
    private var newest: UInt64 = 0

    var instant: UInt64 { newest }

    /// - Parameters:
    ///   - answers: since the last time.
    ///   - regions: of the pools, by name.
    ///   - elapsed: seconds since the last time.
    mutating func add(_ answers: [ClientAnswer], regions: [String: String], elapsed: Double) {
        let factor = exp2(-max(elapsed, 0) / Self.halfLife)
        weights = weights.compactMapValues { $0 * factor >= Self.least ? $0 * factor : nil }
        unknown = unknown.compactMapValues { $0 * factor >= Self.least ? $0 * factor : nil }
        for answer in answers {
            newest = max(newest, answer.time)
            guard let region = answer.pool.flatMap({ regions[$0] }) else { continue }
            guard let country = answer.country else {
                if unknown[region] != nil || unknown.count < Self.limit { unknown[region, default: 0] += 1 }
                continue
            }
            let pair = Pair(country: country, region: region)
            if weights[pair] != nil || weights.count < Self.limit { weights[pair, default: 0] += 1 }
        }
    }

    /// The largest, each with its part of all; a pair that comes and goes keeps its place in line.
    func largest(_ count: Int) -> [(pair: Pair, share: Double)] {
        let total = weights.values.reduce(0, +) + unknown.values.reduce(0, +)
        guard total > 0 else { return [] }
        return weights.sorted { ($1.value, $0.key.country, $0.key.region) < ($0.value, $1.key.country, $1.key.region) }
            .prefix(count).map { ($0.key, $0.value / total) }
    }
}
