import FlatTables
package import TrafficModel

/// What operators multiply shares by.
struct ShareFactors {
    /// By candidate: virtual servers count from 0, pools behind them. What is not here has 1.
    private var factors: [UInt32: Double] = [:]

    init(_ overrides: EffectiveOverrides, serverCount: Int) {
        for (server, factor) in overrides.serverFactors { factors[UInt32(server)] = factor }
        for (pool, factor) in overrides.poolFactors { factors[UInt32(pool + serverCount)] = factor }
    }

    var isEmpty: Bool { factors.isEmpty }

    func concern(_ candidates: [UInt32]) -> Bool { candidates.contains { factors[$0] != nil } }

    /// Shares of 0...1 with their factors, brought back to that range.
    func multiplied(_ shares: [Double], of candidates: [UInt32]) -> [Double] {
        let products = zip(shares, candidates).map { $0 * (factors[$1] ?? 1) }
        let most = max(products.max() ?? 0, 1)
        return products.map { $0 / most }
    }

    /// The plan's weights with their factors. Groups that have none stay as they are; the others use all of the range,
    /// so that halves and tenths of small ratios are whole numbers.
    func weights(of plan: SteeringPlan) -> FlatTable<UInt32> {
        var weights = (0..<plan.weights.count).map { plan.weights[$0] }
        for weighing in plan.weighings where concern(weighing.candidates) {
            let products = weighing.candidates.enumerated().map { local, candidate in
                Double(plan.weights[weighing.base + local]) * (factors[candidate] ?? 1)
            }
            guard let most = products.max(), most > 0 else {
                for local in products.indices { weights[weighing.base + local] = 0 }
                continue
            }
            for (local, product) in products.enumerated() {
                // What has a share keeps one, however small.
                weights[weighing.base + local] =
                    product > 0 ? max(1, UInt32((product / most * LoadTables.fullWeight).rounded())) : 0
            }
        }
        return FlatTable(weights)
    }
}

extension SteeringPlan {
    /// Whether any share that is drawn would be another one by what operators multiply.
    package func heeds(factorsOf overrides: EffectiveOverrides) -> Bool {
        let factors = ShareFactors(overrides, serverCount: serverCount)
        return weighings.contains { factors.concern($0.candidates) }
            || loadOperations.contains { operation in
                if case .weigh = operation.purpose { factors.concern(operation.candidates) } else { false }
            }
    }
}
