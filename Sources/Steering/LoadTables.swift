import FlatTables
import Geography
import TrafficModel

/// What stages that heed measurements need for one epoch.
struct LoadTables: Sendable {
    /// Ranks, small first, for `sortByLoad`.
    let keys: FlatTable<UInt32>
    /// Shares for `weighByLoad`.
    let weights: FlatTable<UInt32>
    /// Of the clients that may stay, for `shed`; `UInt32.max`: all.
    let fractions: FlatTable<UInt32>

    /// What a share by measurement is a part of.
    static let fullWeight = 65_535.0
    /// Load must fall this far below the limits before clients come back.
    static let returning = 0.9

    /// - Parameter previous: of the same plan; what `shed` goes on from.
    init(
        plan: SteeringPlan, facts: CandidateFacts, factors: ShareFactors, previous: LoadTables?
    ) {
        var keys = [UInt32](repeating: 0, count: plan.loadKeyCount)
        var weights = [UInt32](repeating: UInt32(Self.fullWeight), count: plan.loadWeightCount)
        var fractions = [UInt32](repeating: .max, count: plan.fractionCount)
        for operation in plan.loadOperations {
            switch operation.purpose {
            case .order(let order):
                guard let merits = facts.merits(of: operation.candidates, by: order) else { continue }
                let ranked = Set(merits).sorted(by: >)
                for (local, merit) in merits.enumerated() {
                    keys[operation.base + local] = UInt32(ranked.firstIndex(of: merit) ?? 0)
                }
            case .weigh(let weight):
                let found = facts.merits(of: operation.candidates, by: weight)
                guard found != nil || !factors.isEmpty else { continue }
                let merits = found ?? operation.candidates.map { _ in 1 }
                for (local, merit) in factors.multiplied(merits, of: operation.candidates).enumerated() {
                    weights[operation.base + local] = UInt32((merit * Self.fullWeight).rounded())
                }
            case .outliers(let factor):
                let outliers = facts.outliers(
                    among: operation.candidates, factor: factor,
                    before: previous.map { tables in
                        operation.candidates.indices.map { tables.fractions[operation.base + $0] == 0 }
                    })
                for (local, isOut) in outliers.enumerated() where isOut { fractions[operation.base + local] = 0 }
            case .shed(let shed):
                for (local, candidate) in operation.candidates.enumerated() {
                    let before = previous.map { Double($0.fractions[operation.base + local]) / Double(UInt32.max) } ?? 1
                    let fraction = facts.fraction(of: Int(candidate), under: shed, before: before)
                    fractions[operation.base + local] =
                        fraction >= 1 ? .max : UInt32((fraction * Double(UInt32.max)).rounded(.down))
                }
            }
        }
        self.keys = FlatTable(keys)
        self.weights = FlatTable(weights)
        self.fractions = FlatTable(fractions)
    }

    func deallocate() {
        keys.deallocate()
        weights.deallocate()
        fractions.deallocate()
    }
}
