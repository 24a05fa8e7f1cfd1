import Addresses
import Geography
import TrafficModel

/// Turns rules about places into tables from client network to class, each compiled once for all that are equal.
struct PlaceTables {
    /// Topology: 0 where no record matches, i + 1 where record i does. Nearest: 0 where the place is not known.
    private(set) var tables: [PrefixTable] = []
    private let geography: GeographyDatabase
    private var knownTopologies: [TopologyKey: Int] = [:]
    private var knownDistances: [DistanceKey: (table: Int, orders: [DistanceOrder])] = [:]

    private struct TopologyKey: Hashable {
        let match: Topology.Match
        let rules: [Rule]
    }

    private struct Rule: Hashable {
        let sources: [TopologyRecord.Source]
        let exceptions: [TopologyRecord.Source]
    }

    private struct DistanceKey: Hashable {
        let locations: [Location?]
        let biases: [Double]
        let limit: Double?
    }

    /// An order of candidates by distance.
    struct DistanceOrder: Hashable {
        /// Nearest first; those whose location is not known last.
        let order: [UInt8]
        /// Bit n: candidate n is within the limit.
        let mask: UInt64
    }

    init(geography: GeographyDatabase) { self.geography = geography }

    // MARK: Topology

    /// The position in `tables` for what these records match.
    mutating func position(of records: [TopologyRecord], match: Topology.Match) -> Int {
        let key = TopologyKey(
            match: match, rules: records.map { Rule(sources: $0.sources, exceptions: $0.exceptions) })
        if let position = knownTopologies[key] { return position }
        tables.append(compile(key))
        knownTopologies[key] = tables.count - 1
        return tables.count - 1
    }

    /// Prefixes are nested or disjoint, so the most specific one around an address says which of them are around it.
    /// A client's class follows from that one and its place; both are maps from network to number, and combine.
    private func compile(_ key: TopologyKey) -> PrefixTable {
        var prefixes: [IPPrefix] = []
        var seen: Set<IPPrefix> = []
        for source in key.rules.flatMap({ $0.sources + $0.exceptions }) {
            guard case .prefix(let prefix) = source else { continue }
            let plain = prefix.unmapped
            if seen.insert(plain).inserted { prefixes.append(plain) }
        }
        let around: [Set<IPPrefix>] = prefixes.map { inner in
            Set((0...inner.length).compactMap { IPPrefix(inner.address, length: $0) }.filter(seen.contains))
        }
        let matcher = PlaceMatcher(rules: key.rules.map { ($0.sources, $0.exceptions) }, match: key.match)
        let byPlace = geography.places.map { matcher.record(for: $0, prefixes: []) }
        guard !prefixes.isEmpty else { return PrefixTable(geography.ranges.mapValues { byPlace[Int($0)] }) }
        let numbered = RangeMap(
            prefixes: prefixes.enumerated().map { ($0.element, UInt32($0.offset + 1)) }, default: 0)
        var pairs: [UInt64: UInt32] = [:]
        return PrefixTable(
            geography.ranges.combining(numbered) { place, prefix in
                guard prefix != 0 else { return byPlace[Int(place)] }
                let pair = UInt64(prefix) << 32 | UInt64(place)
                if let known = pairs[pair] { return known }
                let record = matcher.record(for: geography.places[Int(place)], prefixes: around[Int(prefix) - 1])
                pairs[pair] = record
                return record
            })
    }

    // MARK: Distance

    /// The squared chord of what a distance looks like.
    private static func biased(_ squaredChord: Double, by bias: Double) -> Double {
        guard bias != 0, squaredChord.isFinite else { return squaredChord }
        let distance = UnitVector.kilometres(ofSquaredChord: squaredChord)
        // A chord would not grow with what lies beyond the other side of the globe.
        let looked = bias > 0 ? distance * (1 - bias) : distance / (1 + bias)
        let beyond = max(looked - UnitVector.longest, 0)
        return UnitVector.squaredChord(ofKilometres: looked) + beyond
    }

    /// The position in `tables`, and the orders that its values stand for; value 0 has none, but a place in the list.
    mutating func position(
        ofNearest locations: [Location?], biases: [Double], within limit: Double?
    ) -> (table: Int, orders: [DistanceOrder]) {
        let key = DistanceKey(locations: locations, biases: biases, limit: limit)
        if let known = knownDistances[key] { return known }
        var orders = [DistanceOrder(order: [], mask: .max)]
        var numbers: [DistanceOrder: UInt32] = [:]
        let points = locations.map { $0.map { UnitVector(latitude: $0.latitude, longitude: $0.longitude) } }
        // Chords grow with angles, and are cheaper.
        let longest = limit.map { UnitVector.squaredChord(ofKilometres: $0) } ?? .infinity
        let byPlace = geography.places.map { place -> UInt32 in
            guard let coordinates = place.coordinates else { return 0 }
            let client = UnitVector(latitude: coordinates.latitude, longitude: coordinates.longitude)
            let distances = points.map { $0.map { client.squaredChord(to: $0) } ?? .infinity }
            var mask: UInt64 = 0
            for (local, distance) in distances.enumerated() where distance <= longest { mask |= 1 << UInt64(local) }
            let ranked = zip(distances, biases).map { Self.biased($0, by: $1) }
            let sorted = ranked.indices.sorted { (ranked[$0], $0) < (ranked[$1], $1) }
            let order = DistanceOrder(order: sorted.map { UInt8($0) }, mask: mask)
            if let number = numbers[order] { return number }
            let number = UInt32(orders.count)
            orders.append(order)
            numbers[order] = number
            return number
        }
        tables.append(PrefixTable(geography.ranges.mapValues { byPlace[Int($0)] }))
        knownDistances[key] = (tables.count - 1, orders)
        return (tables.count - 1, orders)
    }
}

extension IPPrefix {
    /// A network of IPv4-mapped IPv6 addresses as the IPv4 network that it is.
    var unmapped: IPPrefix {
        guard length >= 96, case .v4 = address.unmapped, case .v6 = address else { return self }
        return IPPrefix(address.unmapped, length: length - 96) ?? self
    }
}
