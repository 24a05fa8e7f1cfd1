internal import TrafficModel

extension ConfigurationAssembly {
    /// Each source of each topology record, with the place it was written at.
    var topologySources: [(source: TopologyRecord.Source, position: Position)] {
        var result: [(TopologyRecord.Source, Position)] = []
        func add(_ records: [TopologyRecord], _ places: [TopologyRecordSection.Places]) {
            for (record, place) in zip(records, places) {
                result += zip(record.sources + record.exceptions, place.sources)
            }
        }
        func add(_ stages: [Stage]?, _ places: [StageSection.Places]) {
            for (stage, place) in zip(stages ?? [], places) {
                if case .topology(let topology) = stage.action { add(topology.records, place.records) }
            }
        }
        for case let (value, places)? in draft.wideIPs.map({ $0.value.map { ($0.value, $0.places) } }) {
            add(value.topology, places.topology)
            add(value.stages, places.stages)
        }
        for case let (value, places)? in draft.pools.map({ $0.value.map { ($0.value, $0.places) } }) {
            add(value.stages, places.stages)
        }
        return result
    }

    /// Where stages that order by distance were written.
    var nearestStages: [Position] {
        let wideIPs = draft.wideIPs.compactMap(\.value).map { ($0.value.stages, $0.places.stages) }
        let pools = draft.pools.compactMap(\.value).map { ($0.value.stages, $0.places.stages) }
        return (wideIPs + pools).flatMap { stages, places in
            zip(stages ?? [], places).compactMap { stage, place in
                if case .nearest = stage.action { place.stage } else { nil }
            }
        }
    }

    func checkStages(of wideIP: WideIP, _ places: WideIPSection.Places) {
        checkTopology(wideIP.topology, places.topology, candidates: wideIP.pools, part: .pool, match: .first)
        let candidates = wideIP.pools.map { pool in
            StageCandidate(
                name: intent.pools[pool].name, ratio: intent.pools[pool].ratio,
                region: intent.pools[pool].region,
                hasCapacity: intent.pools[pool].virtualServers.allSatisfy { intent.virtualServers[$0].capacity != nil })
        }
        check(
            wideIP.stages, places.stages, part: .pool, positions: wideIP.pools, candidates: candidates,
            at: places.allDown)
        if wideIP.stages == nil, wideIP.method == .ratio {
            checkRatios(of: candidates, .pool, at: places.method, advice: "give one a ratio, or write round-robin")
        }
    }

    private func checkRatios(of candidates: [StageCandidate], _ part: Part, at position: Position, advice: String) {
        guard !candidates.isEmpty, candidates.allSatisfy({ $0.ratio == 0 }) else { return }
        context.error(position, "every \(part.noun) has ratio 0, which gives nobody a share", advice)
    }

    func checkStages(of pool: Pool, _ places: PoolSection.Places, at position: Position) {
        let candidates = pool.virtualServers.map { server in
            let server = intent.virtualServers[server]
            return StageCandidate(
                name: server.name, ratio: server.ratio, region: server.region, hasCapacity: server.capacity != nil)
        }
        check(
            pool.stages, places.stages, part: .virtualServer, positions: pool.virtualServers, candidates: candidates,
            at: position)
        if pool.stages == nil, pool.method == .ratio {
            checkRatios(
                of: candidates, .virtualServer, at: places.method, advice: "give one a ratio, or write round-robin")
        }
    }

    /// What the checks need to know of a pool or a virtual server.
    struct StageCandidate {
        var name: String
        var ratio: Int
        var region: Int?
        var hasCapacity: Bool
    }

    /// A set of candidates is a word of bits.
    static var candidateLimit: Int { 64 }

    private func check(
        _ stages: [Stage]?, _ places: [StageSection.Places], part: Part, positions: [Int],
        candidates: [StageCandidate], at position: Position
    ) {
        if candidates.count > Self.candidateLimit {
            context.error(
                position, "\(candidates.count) \(part.noun)s to choose from, more than \(Self.candidateLimit)",
                part == .pool ? "share them out among several wide IPs" : "share them out among several pools")
        }
        // A stage that was wrong is told already, and is missing.
        guard let stages, stages.count == places.count, !stages.isEmpty else { return }
        if stages.count > StageSection.limit {
            context.error(
                places[StageSection.limit].stage, "more than \(StageSection.limit) stages", "leave some out")
            return
        }
        checkSequence(stages, places, part)
        for (stage, place) in zip(stages, places) {
            checkAlone(stage, place, part, positions, candidates)
        }
    }

    // MARK: One stage

    private func checkAlone(
        _ stage: Stage, _ place: StageSection.Places, _ part: Part, _ positions: [Int], _ candidates: [StageCandidate]
    ) {
        switch stage.action {
        case .topology(let topology):
            checkTopology(topology.records, place.records, candidates: positions, part: part, match: topology.match)
        case .nearest:
            checkLocations(of: candidates, part, at: place.stage)
            if draft.geography.isEmpty {
                context.error(
                    place.stage, "the distance cannot be told without geography",
                    "add geography: with a MaxMind DB of cities")
            }
        case .weigh(by: .ratio):
            checkRatios(
                of: candidates, part, at: place.stage,
                advice: "give one a ratio, or draw without weigh for equal shares")
        case .shed(let shed):
            guard case .share = shed.hard, shed.criterion != .cpu,
                let without = candidates.first(where: { !$0.hasCapacity })
            else { return }
            context.error(
                place.stage, "a share of the capacity needs one, and the \(part.noun) \"\(without.name)\" has none",
                "give \(part == .pool ? "its virtual servers" : "it") a capacity, or write the limits as numbers")
        case .answer(let answer):
            if case .pool(let pool) = answer, part == .pool, positions.contains(pool) {
                context.warning(
                    place.stage,
                    "the answer names the pool \"\(context.name(.pool, pool))\", which is already tried",
                    "name another pool, or choose by order behind the last otherwise")
            }
            if case .code(3, _) = answer {
                context.warning(
                    place.stage, "resolvers take NXDOMAIN for every type at the name and for all names below it",
                    "write nodata")
            }
        default: break
        }
    }

    private func checkLocations(of candidates: [StageCandidate], _ part: Part, at position: Position) {
        for candidate in candidates {
            guard let region = candidate.region else {
                context.error(
                    position, "the \(part.noun) \"\(candidate.name)\" has no region, so that its distance is not known",
                    "give it a region with a location")
                return
            }
            if intent.regions[region].location == nil {
                context.error(
                    position, "the region \"\(intent.regions[region].name)\" has no location",
                    "add location: { latitude: …, longitude: … } to it")
                return
            }
        }
    }

    // MARK: The stages together

    /// What one alternative of the stages has had so far.
    private struct Alternative {
        /// An order that nothing has made use of yet, by the words that tell it.
        var order: String?
        /// Shares that nothing has made use of yet.
        var weigh: Position?
        var weighCount = 0
    }

    /// Stages that cannot be reached, that undo each other or that have no effect.
    private func checkSequence(_ stages: [Stage], _ places: [StageSection.Places], _ part: Part) {
        var alternative = Alternative()
        var canRunDry = false
        for (index, stage) in stages.enumerated() {
            let position = places[index].stage
            if index > 0, case .answer = stages[index - 1].action, stage.action != .otherwise {
                context.error(
                    position, "this stage is never reached: the answer before it ends the decision",
                    "remove it, or put otherwise before it and what it shall follow")
                return
            }
            if part == .pool, case .take = stage.action {
                context.error(
                    position, "a wide IP answers with one pool, so that there is nothing to take",
                    "write take in the pool, which answers several addresses")
            }
            if case .answer = stage.action, index > 0, stages[index - 1].action != .otherwise {
                context.error(
                    position, "the answer hides what the stages before it left",
                    "put otherwise before it, to answer only when they leave nothing")
            }
            if stage.action == .otherwise {
                if index == 0 || stages[index - 1].action == .otherwise || index == stages.count - 1 {
                    context.error(
                        position, "otherwise stands between two alternatives", "put stages before it and behind it")
                    return
                }
                if !canRunDry {
                    context.error(
                        position,
                        "what stands behind otherwise is never reached: the stages before it always leave one",
                        "put available or another filter before it")
                }
                finish(alternative)
                alternative = Alternative()
                canRunDry = false
                continue
            }
            follow(stage, at: position, &alternative)
            if stage.canRunDry { canRunDry = true }
        }
        finish(alternative)
    }

    private func follow(_ stage: Stage, at position: Position, _ alternative: inout Alternative) {
        if let (order, isWhole) = stage.order {
            if isWhole, let earlier = alternative.order {
                context.error(
                    position, "\(order) undoes the order by \(earlier) before it",
                    "keep one of the two, or let the first one filter")
            }
            alternative.order = order
        }
        switch stage.action {
        case .weigh:
            alternative.weigh = position
            alternative.weighCount += 1
            if alternative.weighCount > 2 {
                context.error(position, "more than two stages weigh", "join them in one quality")
            }
        case .draw, .persist: alternative.weigh = nil
        // What was ordered is made use of.
        case .take: alternative.order = nil
        default: break
        }
    }

    private func finish(_ alternative: Alternative) {
        if let position = alternative.weigh {
            context.error(
                position, "nothing makes use of these shares", "put draw or persist behind it")
        }
    }

    // MARK: Topology

    private func checkTopology(
        _ records: [TopologyRecord], _ places: [TopologyRecordSection.Places], candidates: [Int], part: Part,
        match: Topology.Match
    ) {
        var seen: [TopologyRecord.Source: Position] = [:]
        for (record, place) in zip(records, places) {
            for candidate in record.candidates where !candidates.contains(candidate) {
                context.error(
                    place.record,
                    "the \(part.noun) \"\(context.name(part, candidate))\" is not one of the "
                        + (part == .pool ? "wide IP's pools" : "pool's virtual servers"),
                    "add it to \(part == .pool ? "pools" : "virtual_servers")")
            }
            // With exceptions, a record is about less than its sources say.
            for (source, position) in zip(record.sources, place.sources) where record.exceptions.isEmpty {
                if let first = seen[source] {
                    context.warning(
                        position, "\(source.words) is already matched on line \(first.line)",
                        "remove it: the first record that matches decides")
                    continue
                }
                if match == .first, let (wider, first) = covering(source, in: seen) {
                    context.warning(
                        position, "\(source.words) is never reached: \(wider.words) on line \(first.line) comes first",
                        "move this record above that one")
                }
                seen[source] = position
            }
        }
        let all = zip(records, places).flatMap { zip($0.0.sources + $0.0.exceptions, $0.1.sources) }
        if draft.geography.isEmpty, let needy = all.filter({ !$0.0.isPrefix }).min(by: { $0.1 < $1.1 }) {
            context.error(
                needy.1, "\(needy.0.words) cannot be told without geography",
                "add geography: with a country database, or match by prefixes")
        }
    }
}

extension Stage {
    /// The pools that a wide IP's stage can answer with besides its candidates.
    var pools: [Int] { if case .answer(.pool(let pool)) = action { [pool] } else { [] } }

    fileprivate var canRunDry: Bool {
        guard whenEmpty == .next else { return false }
        return switch action {
        case .available, .shed: true
        case .topology(let topology): topology.use == .only
        case .nearest(let limit): limit != nil
        default: false
        }
    }

    /// Of stages that only order: their word, and whether they leave nothing of the order before them.
    fileprivate var order: (word: String, isWhole: Bool)? {
        switch action {
        case .draw: ("draw", true)
        case .persist: ("persist", true)
        case .roundRobin: ("round-robin", true)
        case .order(by: .list): ("list", true)
        case .order(by: .criterion(let criterion)): (criterion.rawValue, false)
        case .order(by: .quality): ("quality", false)
        case .latency: ("latency", false)
        case .nearest(within: nil): ("nearest", false)
        case .topology(let topology): topology.use == .prefer ? ("topology", false) : nil
        default: nil
        }
    }
}

extension Pool {
    /// The pool that answers for this one's host name in the end.
    var lastResort: Int? {
        for stage in pipeline { if case .answer(.pool(let pool)) = stage.action { return pool } }
        return nil
    }
}
