import Addresses
import Geography
import TrafficModel

/// Turns lists of topology records into tables from client network to the first record that matches.
struct TopologyTables {
    /// Looked-up value 0: no record matches; i + 1: record i.
    private(set) var tables: [PrefixTable] = []
    private var known: [[[TopologyRecord.Source]]: Int] = [:]
    private let geography: GeographyDatabase

    init(geography: GeographyDatabase) { self.geography = geography }

    /// The position in `tables` for these records' sources, compiled once for all that are equal.
    mutating func position(of records: [[TopologyRecord.Source]]) -> Int {
        if let position = known[records] { return position }
        tables.append(compile(records))
        known[records] = tables.count - 1
        return tables.count - 1
    }

    /// The lowest record that matches wins, so every way of matching is a map from network to lowest record, and maps
    /// combine by their minimum.
    private func compile(_ records: [[TopologyRecord.Source]]) -> PrefixTable {
        let none = UInt32.max
        let byPlace = geography.places.map { place in
            records.firstIndex { sources in sources.contains { $0.matches(place) } }.map { UInt32($0) } ?? none
        }
        var ranges = geography.ranges.mapValues { byPlace[Int($0)] }
        for (position, sources) in records.enumerated() {
            let prefixes: [(IPPrefix, UInt32)] = sources.compactMap {
                if case .prefix(let prefix) = $0 { (prefix, UInt32(position)) } else { nil }
            }
            guard !prefixes.isEmpty else { continue }
            ranges = ranges.combining(RangeMap(prefixes: prefixes, default: none)) { min($0, $1) }
        }
        return PrefixTable(ranges.mapValues { $0 == none ? 0 : $0 + 1 })
    }
}

extension TopologyRecord.Source {
    fileprivate func matches(_ place: Place) -> Bool {
        switch self {
        case .country(let code): place.country == code
        case .continent(let code): place.continent == code
        case .network(let label): place.network == label
        case .prefix: false
        }
    }
}
