import Addresses
import Geography
import TrafficModel

/// A stage whose order, shares or fractions follow from measurements: computed with each epoch.
struct LoadOperation: Sendable {
    enum Purpose: Sendable {
        case order(Stage.Order)
        case weigh(Stage.Weight)
        case shed(Stage.Shed)
        case outliers(factor: Double)
    }

    let purpose: Purpose
    /// As in `SteeringPlan.candidates`.
    let candidates: [UInt32]
    /// The first of its keys, weights or fractions.
    let base: Int
}

/// Turns stages into operations and their tables.
struct PlanBuilder {
    enum Family { case pools, servers }

    private let intent: Intent
    private(set) var places: PlaceTables
    private(set) var operations: [Operation] = []
    private(set) var candidates: [UInt32] = []
    private(set) var keys: [UInt32] = []
    private(set) var weights: [UInt32] = []
    private(set) var weighings: [SteeringPlan.Weighing] = []
    private(set) var classes: [PlaceClass] = []
    private(set) var fixedAnswers: [FixedPlan] = []
    private(set) var fixedAddresses: [IPAddress] = []
    private(set) var loadOperations: [LoadOperation] = []
    private(set) var loadKeyCount = 0
    private(set) var loadWeightCount = 0
    private(set) var fractionCount = 0
    private(set) var usesLatency = false
    /// The programs that fall back on what was available at last.
    private(set) var lastGoodPrograms: [Program] = []
    /// Names with the same records over the same candidates share their classes.
    private var knownClasses: [ClassKey: (table: UInt32, classes: UInt32)] = [:]

    private struct ClassKey: Hashable {
        let topology: Topology?
        let limit: Double?
        let candidates: [UInt32]
    }

    init(intent: Intent, geography: GeographyDatabase) {
        self.intent = intent
        places = PlaceTables(geography: geography)
    }

    /// - Parameters:
    ///   - stages: without contradictions, as configurations are checked for.
    ///   - limit: the most candidates that may be chosen.
    mutating func program(_ stages: [Stage], candidates own: [UInt32], family: Family, limit: Int) -> Program {
        let own = Array(own.prefix(Candidates.capacity))
        let program = Program(
            firstOperation: UInt32(operations.count), firstCandidate: UInt32(candidates.count),
            candidateCount: UInt8(own.count), limit: UInt8(limit))
        candidates += own
        // Where an exhausted stage goes on: behind the next `otherwise`, or at the end, which is NODATA.
        var nexts = [UInt32](repeating: 0, count: stages.count)
        var next = UInt32(operations.count + stages.count + 1)
        for position in stages.indices.reversed() {
            nexts[position] = next
            if stages[position].action == .otherwise { next = UInt32(operations.count + position + 1) }
        }
        for (position, stage) in stages.enumerated() {
            if stage.action == .lastKnownGood { lastGoodPrograms.append(program) }
            var operation = operation(
                for: stage.action, own: own, family: family, needed: needed(behind: position, in: stages, limit: limit))
            operation.keeps = stage.whenEmpty == .keep
            operation.stage = UInt8(position)
            operation.next = nexts[position]
            operations.append(operation)
        }
        let end = UInt32(operations.count + 1)
        operations.append(Operation(kind: .done, keeps: false, stage: Operation.noStage, needed: 0, next: end))
        var last = Operation(kind: .answer, keeps: false, stage: Operation.noStage, needed: 0, next: end)
        last.argument = fixed(.code(0, ttl: nil))
        operations.append(last)
        return program
    }

    /// How many first places of an order matter to what comes behind it.
    private func needed(behind position: Int, in stages: [Stage], limit: Int) -> UInt8 {
        var needed = limit
        for stage in stages[(position + 1)...] {
            switch stage.action {
            case .take(let count): needed = min(needed, count)
            case .otherwise, .answer: return UInt8(needed)
            case .weigh: continue
            default: return UInt8(Candidates.capacity)
            }
        }
        return UInt8(needed)
    }

    private mutating func operation(
        for action: Stage.Action, own: [UInt32], family: Family, needed: UInt8
    ) -> Operation {
        var operation = Operation(kind: .done, keeps: false, stage: 0, needed: needed, next: 0)
        switch action {
        case .available:
            operation.kind = .available
        case .lastKnownGood:
            operation.kind = .lastGood
            operation.argument = UInt32(lastGoodPrograms.count - 1)
        case .outliers(let factor):
            operation.kind = .shed
            operation.argument = add(.outliers(factor: factor), own, counter: \.fractionCount)
        case .topology(let topology):
            operation.kind = .place
            operation.needed = topology.use == .prefer ? 1 : 0
            (operation.argument, operation.second) = topologyClasses(topology, own: own, family: family)
        case .nearest(let limit):
            operation.kind = .place
            operation.needed = limit == nil ? 1 : 0
            (operation.argument, operation.second) = distanceClasses(within: limit, own: own)
        case .latency(let margin):
            operation.kind = .latency
            operation.argument = LatencyTable.units(margin)
            usesLatency = true
        case .order(.list):
            operation.kind = .sort
            operation.argument = UInt32(keys.count)
            keys += own.indices.map { UInt32($0) }
        case .order(let order):
            operation.kind = .sortByLoad
            operation.argument = add(.order(order), own, counter: \.loadKeyCount)
        case .weigh(.ratio):
            operation.kind = .weigh
            operation.argument = UInt32(weights.count)
            weighings.append(.init(base: weights.count, candidates: own))
            weights += own.map { UInt32(clamping: ratio(of: Int($0))) }
        case .weigh(let weight):
            operation.kind = .weighByLoad
            operation.argument = add(.weigh(weight), own, counter: \.loadWeightCount)
        case .shed(let shed):
            operation.kind = .shed
            operation.argument = add(.shed(shed), own, counter: \.fractionCount)
        case .roundRobin:
            operation.kind = .rotate
        case .draw:
            operation.kind = .draw
        case .persist(let v4, let v6):
            operation.kind = .persist
            operation.argument = UInt32(v4) | UInt32(v6) << 8
        case .take(let count):
            operation.kind = .take
            operation.argument = UInt32(count)
        case .otherwise:
            operation.kind = .done
        case .answer(let answer):
            operation.kind = .answer
            operation.argument = fixed(answer)
        }
        return operation
    }

    private mutating func add(
        _ purpose: LoadOperation.Purpose, _ own: [UInt32], counter: WritableKeyPath<PlanBuilder, Int>
    ) -> UInt32 {
        let base = self[keyPath: counter]
        loadOperations.append(LoadOperation(purpose: purpose, candidates: own, base: base))
        self[keyPath: counter] += own.count
        return UInt32(base)
    }

    private func ratio(of candidate: Int) -> Int {
        candidate < intent.virtualServers.count
            ? intent.virtualServers[candidate].ratio : intent.pools[candidate - intent.virtualServers.count].ratio
    }

    private mutating func fixed(_ answer: Stage.FixedAnswer) -> UInt32 {
        var plan = FixedPlan(kind: .code, number: 0, position: 0, ttl: FixedPlan.zoneTTL)
        switch answer {
        case .addresses(let addresses):
            plan.kind = .addresses
            plan.number = UInt8(min(addresses.count, 16))
            plan.position = UInt32(intent.virtualServers.count + fixedAddresses.count)
            fixedAddresses += addresses.prefix(16)
        case .pool(let pool):
            plan.kind = .pool
            plan.position = UInt32(pool)
        case .zoneData:
            plan.kind = .zoneData
        case .drop:
            plan.kind = .drop
        case .code(let code, let ttl):
            plan.number = code
            plan.ttl = ttl ?? FixedPlan.zoneTTL
        }
        if plan.kind != .addresses,
            let known = fixedAnswers.firstIndex(where: {
                $0.kind == plan.kind && $0.number == plan.number && $0.position == plan.position && $0.ttl == plan.ttl
            })
        {
            return UInt32(known)
        }
        fixedAnswers.append(plan)
        return UInt32(fixedAnswers.count - 1)
    }

    // MARK: Places

    private mutating func topologyClasses(
        _ topology: Topology, own: [UInt32], family: Family
    ) -> (table: UInt32, classes: UInt32) {
        let key = ClassKey(topology: topology, limit: nil, candidates: own)
        if let known = knownClasses[key] { return known }
        let table = places.position(of: topology.records, match: topology.match)
        let first = UInt32(classes.count)
        let everyone = UInt64.max
        classes.append(
            PlaceClass(mask: topology.use == .only ? 0 : everyone, keys: PlaceClass.noOrder, record: 0))
        let offset = family == .pools ? intent.virtualServers.count : 0
        for (number, record) in topology.records.enumerated() {
            let preferred = record.candidates.compactMap { own.firstIndex(of: UInt32($0 + offset)) }
            var mask: UInt64 = 0
            var ranks = [UInt32](repeating: UInt32(Candidates.capacity), count: own.count)
            for (rank, local) in preferred.enumerated() {
                mask |= 1 << UInt64(local)
                ranks[local] = UInt32(rank)
            }
            classes.append(
                PlaceClass(
                    mask: topology.use == .only ? mask : everyone, keys: UInt32(keys.count), record: UInt32(number + 1))
            )
            keys += ranks
        }
        knownClasses[key] = (UInt32(table), first)
        return (UInt32(table), first)
    }

    private mutating func distanceClasses(within limit: Double?, own: [UInt32]) -> (table: UInt32, classes: UInt32) {
        let key = ClassKey(topology: nil, limit: limit ?? -1, candidates: own)
        if let known = knownClasses[key] { return known }
        let locations = own.map { region(of: Int($0))?.location }
        let biases = own.map { region(of: Int($0))?.bias ?? 0 }
        let (table, orders) = places.position(ofNearest: locations, biases: biases, within: limit)
        let first = UInt32(classes.count)
        for (number, order) in orders.enumerated() {
            guard number > 0 else {
                // Where the client is not known, the order stays.
                classes.append(PlaceClass(mask: .max, keys: PlaceClass.noOrder, record: 0))
                continue
            }
            classes.append(PlaceClass(mask: order.mask, keys: UInt32(keys.count), record: UInt32(number)))
            var ranks = [UInt32](repeating: 0, count: own.count)
            for (rank, local) in order.order.enumerated() { ranks[Int(local)] = UInt32(rank) }
            keys += ranks
        }
        knownClasses[key] = (UInt32(table), first)
        return (UInt32(table), first)
    }

    private func region(of candidate: Int) -> Region? {
        let position =
            candidate < intent.virtualServers.count
            ? intent.virtualServers[candidate].region : intent.pools[candidate - intent.virtualServers.count].region
        return position.map { intent.regions[$0] }
    }
}
