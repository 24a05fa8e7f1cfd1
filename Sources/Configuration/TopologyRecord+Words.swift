internal import Addresses
internal import Geography
internal import TrafficModel

extension TopologyRecord.Source {
    /// As diagnostics call it.
    var words: String {
        switch self {
        case .country(let code): "the country \(code)"
        case .continent(let code): "the continent \(code)"
        case .network(let label): "the network region \"\(label.shortened)\""
        case .subdivision(let country, let code): "the subdivision \(country)-\(code)"
        case .city(let country, let name): "the city \(country)/\(name.shortened)"
        case .asn(let number): "AS\(number)"
        case .isp(let name): "the provider \"\(name.shortened)\""
        case .prefix(let prefix): "the network \(prefix)"
        }
    }

    var isPrefix: Bool { if case .prefix = self { true } else { false } }
}

extension ConfigurationAssembly {
    /// The source of an earlier record that already matches everything this one does.
    func covering(
        _ source: TopologyRecord.Source, in seen: [TopologyRecord.Source: Position]
    ) -> (TopologyRecord.Source, Position)? {
        switch source {
        case .country(let code):
            guard let continent = Countries.continent(of: code) else { return nil }
            return seen[.continent(continent)].map { (.continent(continent), $0) }
        case .prefix(let prefix):
            for length in 0..<prefix.length {
                guard let wider = IPPrefix(prefix.address, length: length), let first = seen[.prefix(wider)] else {
                    continue
                }
                return (.prefix(wider), first)
            }
            return nil
        case .subdivision(let country, _), .city(let country, _):
            if let first = seen[.country(country)] { return (.country(country), first) }
            return covering(.country(country), in: seen)
        case .continent, .network, .asn, .isp: return nil
        }
    }
}
