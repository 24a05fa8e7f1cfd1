import Addresses
import Geography
import TrafficModel

/// Says which topology record is about a place and the networks around it.
struct PlaceMatcher {
    let rules: [(sources: [TopologyRecord.Source], exceptions: [TopologyRecord.Source])]
    let match: Topology.Match

    /// The record's position plus one; 0: none.
    func record(for place: Place, prefixes: Set<IPPrefix>) -> UInt32 {
        var best = 0
        var bestSpecificity = -1
        for (position, rule) in rules.enumerated() {
            guard !rule.exceptions.contains(where: { $0.specificity(for: place, prefixes) != nil }) else { continue }
            let found =
                rule.sources.isEmpty ? 0 : rule.sources.compactMap { $0.specificity(for: place, prefixes) }.max()
            guard let found else { continue }
            guard match == .longest else { return UInt32(position + 1) }
            if found > bestSpecificity {
                bestSpecificity = found
                best = position + 1
            }
        }
        return UInt32(best)
    }
}

extension TopologyRecord.Source {
    /// How closely the source describes a client that it matches; `nil` when it does not match.
    fileprivate func specificity(for place: Place, _ prefixes: Set<IPPrefix>) -> Int? {
        let (matches, rank): (Bool, Int) =
            switch self {
            case .continent(let code): (place.continent == code, 1)
            case .country(let code): (place.country == code, 2)
            case .subdivision(let country, let code): (place.country == country && place.subdivision == code, 3)
            case .city(let country, let name): (place.country == country && place.city == name, 4)
            case .isp(let name): (place.isp == name, 5)
            case .asn(let number): (place.asn == number, 6)
            case .network(let label): (place.network == label, 7)
            case .prefix(let prefix):
                (prefixes.contains(prefix.unmapped), 8 + prefix.unmapped.length)
            }
        return matches ? rank : nil
    }
}
