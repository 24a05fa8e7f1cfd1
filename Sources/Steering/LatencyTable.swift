import Addresses
import FlatTables
import Geography
import TrafficModel

/// Round-trip times by client network and region, as decisions look them up.
struct LatencyTable: Sendable {
    /// Value 0: no evidence; i + 1: row i.
    let table: PrefixTable
    /// Rows of one time for each region; `unknown` where there is no evidence.
    private let rows: FlatTable<UInt32>
    private let regionCount: Int
    /// Of the measurements that it was made from.
    let version: UInt64

    static let unknown = UInt32.max
    /// Thin evidence joins the network around it in steps of so many bits, until these lengths.
    private static let step = 4
    private static let shortest = (v4: 8, v6: 16)

    /// Tenths of milliseconds.
    static func units(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        return UInt32(clamping: seconds * 10_000 + attoseconds / 100_000_000_000_000)
    }

    private static func units(seconds: Double) -> UInt32 {
        UInt32(min(max(seconds * 10_000, 0), Double(UInt32.max - 1)).rounded())
    }

    private struct Sum {
        var weighted = 0.0
        var count = 0
    }

    init(measurements: Measurements, regions: [String], now: UInt64) {
        var samples: [IPPrefix: [Int: Sum]] = [:]
        let positions = Dictionary(regions.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for (network, byRegion) in measurements.latency {
            for (name, sample) in byRegion {
                guard let region = positions[name], sample.count > 0, sample.roundTrip >= 0,
                    Measurements.age(of: sample.time, now: now) <= measurements.maximumLatencyAge
                else { continue }
                var sum = samples[network, default: [:]][region, default: Sum()]
                sum.weighted += sample.roundTrip * Double(sample.count)
                sum.count += sample.count
                samples[network, default: [:]][region] = sum
            }
        }
        var least = Measurements.leastSamples
        var kept = Self.aggregate(samples, least: least)
        while kept.count > Measurements.networkLimit {
            least *= 2
            kept = Self.aggregate(samples, least: least)
        }
        var rows: [UInt32] = []
        var prefixes: [(IPPrefix, UInt32)] = []
        for (network, sums) in kept {
            prefixes.append((network, UInt32(prefixes.count + 1)))
            for region in regions.indices {
                let sum = sums[region].flatMap { $0.count >= least ? $0 : nil }
                rows.append(sum.map { Self.units(seconds: $0.weighted / Double($0.count)) } ?? Self.unknown)
            }
        }
        table = PrefixTable(RangeMap(prefixes: prefixes, default: 0))
        self.rows = FlatTable(rows)
        regionCount = regions.count
        version = measurements.latencyVersion
    }

    /// Keeps networks with enough evidence about two regions at least, for one alone compares with nothing; the others'
    /// samples join the network around them.
    private static func aggregate(_ samples: [IPPrefix: [Int: Sum]], least: Int) -> [(IPPrefix, [Int: Sum])] {
        var byLength: [Int: [IPPrefix: [Int: Sum]]] = [:]
        for (network, sums) in samples { byLength[network.length, default: [:]][network] = sums }
        var kept: [(IPPrefix, [Int: Sum])] = []
        for length in (0...128).reversed() {
            for (network, sums) in byLength[length] ?? [:] {
                if sums.values.count(where: { $0.count >= least }) >= 2 {
                    kept.append((network, sums))
                    continue
                }
                let shortest = if case .v4 = network.address { shortest.v4 } else { shortest.v6 }
                let wider = (length - 1) / step * step
                guard length > shortest, wider >= shortest,
                    let around = IPPrefix(network.address, length: wider)
                else { continue }
                byLength[wider, default: [:]][around, default: [:]].merge(sums) { left, right in
                    Sum(weighted: left.weighted + right.weighted, count: left.count + right.count)
                }
            }
        }
        return kept
    }

    func deallocate() { rows.deallocate() }

    /// - Parameter row: a value of `table` above 0.
    @inline(__always)
    func time(row: UInt32, region: UInt32) -> UInt32 {
        guard region < UInt32(regionCount) else { return Self.unknown }
        return rows[(Int(row) &- 1) &* regionCount &+ Int(region)]
    }
}
