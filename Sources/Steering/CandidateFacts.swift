import TrafficModel

/// What is known about candidates at one moment: virtual servers count from 0, pools behind them.
struct CandidateFacts {
    let intent: Intent
    let servers: [Availability]
    let measurements: Measurements
    let now: UInt64

    // MARK: Facts

    /// The value of a criterion; `nil`: not known, or no longer.
    func value(of candidate: Int, _ criterion: Criterion) -> Double? {
        guard candidate >= intent.virtualServers.count else { return value(ofServer: candidate, criterion) }
        let pool = intent.pools[candidate - intent.virtualServers.count]
        if criterion == .score { return Double(pool.score) }
        let working = pool.virtualServers.filter { servers[$0].isWorking }
        let known = working.compactMap { value(ofServer: $0, criterion) }
        guard !known.isEmpty, 2 * known.count >= working.count else { return nil }
        let mean = known.reduce(0, +) / Double(known.count)
        switch criterion {
        // Of those that do not tell, as much as of the others is assumed.
        case .connections, .requests, .packets, .bits, .queue, .members, .capacity:
            return mean * Double(working.count)
        case .cpu, .response, .score:
            return mean
        }
    }

    private func value(ofServer position: Int, _ criterion: Criterion) -> Double? {
        let server = intent.virtualServers[position]
        switch criterion {
        case .score: return Double(server.score)
        case .capacity:
            return measurements.reading(of: server.name, .capacity, now: now)?.value
                ?? server.capacity.map { Double($0) }
        default: return measurements.reading(of: server.name, criterion, now: now)?.value
        }
    }

    private func isWorking(_ candidate: Int) -> Bool {
        guard candidate >= intent.virtualServers.count else { return servers[candidate].isWorking }
        let pool = intent.pools[candidate - intent.virtualServers.count]
        return pool.virtualServers.isEmpty || pool.virtualServers.contains { servers[$0].isWorking }
    }

    /// Of all candidates, with the median for those that are not known; `nil` when fewer than half of those that work
    /// are known: then nobody is moved by guesses.
    func values(of candidates: [UInt32], _ criterion: Criterion) -> [Double]? {
        let found = candidates.map { value(of: Int($0), criterion) }
        let working = candidates.indices.filter { isWorking(Int(candidates[$0])) }
        let known = working.compactMap { found[$0] }.sorted()
        guard !known.isEmpty, 2 * known.count >= working.count else { return nil }
        let median =
            known.count % 2 == 1
            ? known[known.count / 2] : (known[known.count / 2 - 1] + known[known.count / 2]) / 2
        return found.map { $0 ?? median }
    }

    // MARK: Merits

    /// 0...1, the best has 1; `nil`: not known well enough.
    func merits(of candidates: [UInt32], by criterion: Criterion) -> [Double]? {
        guard let values = values(of: candidates, criterion) else { return nil }
        guard criterion.prefersLess else {
            guard let best = values.max(), best > 0 else { return values.map { _ in 1 } }
            return values.map { max($0, 0) / best }
        }
        // A part of the mean on top, so that an idle candidate does not get everything at once.
        let mean = values.reduce(0, +) / Double(values.count)
        let base = mean > 0 ? mean * 0.05 : 1
        let least = max(values.min() ?? 0, 0)
        return values.map { (least + base) / (max($0, 0) + base) }
    }

    /// The weighted sum of merits. A criterion that is not known well enough says the same for all.
    private func merits(of candidates: [UInt32], by quality: [Criterion: Double]) -> [Double]? {
        let total = quality.values.reduce(0, +)
        guard total > 0 else { return nil }
        var sums = [Double](repeating: 0, count: candidates.count)
        for criterion in Criterion.allCases {
            guard let coefficient = quality[criterion], coefficient > 0,
                let merits = merits(of: candidates, by: criterion)
            else { continue }
            for (local, merit) in merits.enumerated() { sums[local] += coefficient / total * merit }
        }
        guard let best = sums.max(), best > 0 else { return nil }
        return sums.map { $0 / best }
    }

    func merits(of candidates: [UInt32], by order: Stage.Order) -> [Double]? {
        switch order {
        case .list: nil
        case .criterion(let criterion): merits(of: candidates, by: criterion)
        case .quality(let quality): merits(of: candidates, by: quality)
        }
    }

    func merits(of candidates: [UInt32], by weight: Stage.Weight) -> [Double]? {
        switch weight {
        case .ratio: nil
        case .criterion(let criterion): merits(of: candidates, by: criterion)
        case .quality(let quality): merits(of: candidates, by: quality)
        }
    }

    // MARK: Outliers

    /// Differences in the time that health checks take that are never held against anybody, in seconds.
    static let noise = 0.01

    /// Which candidates answer health checks so many times slower than the best of those that work. One that is out
    /// comes back a tenth below. What is not known is no outlier.
    ///
    /// - Parameter before: which ones were out.
    func outliers(among candidates: [UInt32], factor: Double, before: [Bool]?) -> [Bool] {
        let times = candidates.map { isWorking(Int($0)) ? value(of: Int($0), .response) : nil }
        guard let best = times.compactMap(\.self).min() else { return candidates.map { _ in false } }
        return times.enumerated().map { local, time in
            guard let time else { return false }
            let wasOut = before.map { $0[local] } ?? false
            return time > best * factor * (wasOut ? LoadTables.returning : 1) && time > best + Self.noise
        }
    }

    // MARK: Shedding

    /// The part of the clients that may stay. It falls along a line between the limits, and rises along a line below
    /// that one, so that a load that follows it does not make it swing.
    func fraction(of candidate: Int, under shed: Stage.Shed, before: Double) -> Double {
        guard let load = value(of: candidate, shed.criterion), let soft = amount(shed.soft, of: candidate, shed),
            let hard = amount(shed.hard, of: candidate, shed), hard > soft
        else { return 1 }
        func line(_ factor: Double) -> Double {
            min(max((hard * factor - load) / ((hard - soft) * factor), 0), 1)
        }
        return min(max(before, line(LoadTables.returning)), line(1))
    }

    private func amount(_ limit: Stage.Limit, of candidate: Int, _ shed: Stage.Shed) -> Double? {
        switch limit {
        case .absolute(let amount): amount
        case .share(let share):
            shed.criterion == .cpu ? share : value(of: candidate, .capacity).map { $0 * share }
        }
    }
}
