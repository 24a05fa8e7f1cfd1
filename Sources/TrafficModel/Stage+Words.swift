extension Stage {
    /// The stage as a configuration writes it, in short.
    package var words: String {
        switch action {
        case .available: "available"
        case .lastKnownGood: "last known good"
        case .outliers(let factor): "outliers beyond \(factor) times the best"
        case .topology(let topology):
            "topology (\(topology.records.count) records, \(topology.match.rawValue) match, \(topology.use.rawValue))"
        case .nearest(let limit): limit.map { "nearest within \(Int($0))km" } ?? "nearest"
        case .latency(let margin):
            "latency (margin \(margin.components.seconds * 1000 + margin.components.attoseconds / 1_000_000_000_000_000)ms)"
        case .order(by: .list): "order by list"
        case .order(by: .criterion(let criterion)): "order by \(criterion.rawValue)"
        case .order(by: .quality(let quality)): "order by quality (\(Self.words(quality)))"
        case .weigh(by: .ratio): "weigh by ratio"
        case .weigh(by: .criterion(let criterion)): "weigh by \(criterion.rawValue)"
        case .weigh(by: .quality(let quality)): "weigh by quality (\(Self.words(quality)))"
        case .shed(let shed): "shed by \(shed.criterion.rawValue)"
        case .roundRobin: "round-robin"
        case .draw: "draw"
        case .persist(let v4, let v6): "persist by /\(v4) and /\(v6)"
        case .take(let count): "take \(count)"
        case .otherwise: "otherwise"
        case .answer(.addresses(let addresses)): "answer with \(addresses.count) fixed addresses"
        case .answer(.pool): "answer with the last pool"
        case .answer(.zoneData): "answer from the zone"
        case .answer(.drop): "no answer"
        case .answer(.code(let code, _)): "answer with response code \(code)"
        }
    }

    private static func words(_ quality: [Criterion: Double]) -> String {
        Criterion.allCases.compactMap { criterion in quality[criterion].map { "\(criterion.rawValue) \($0)" } }
            .joined(separator: ", ")
    }
}
