import Addresses
import FlatTables
import Geography

extension SteeringSnapshot {
    /// What the stages of one name came to.
    private enum Outcome {
        /// The candidates of the decision, in order.
        case chosen
        /// A position in `SteeringPlan.fixedAnswers`.
        case fixed(Int)
        /// There is no candidate at all.
        case nothing
    }

    /// What one decision is for.
    private struct Question {
        let family: AddressFamily
        let client: ClientNetwork
        let sequence: UInt64
        /// A zone's apex, which cannot be a CNAME: a pool's addresses are answered in its place.
        let isApex: Bool
    }

    @inline(__always)
    func decide<Trace: DecisionTrace>(
        _ subject: SteeredSubject, family: AddressFamily, client: ClientNetwork, sequence: UInt64, isApex: Bool,
        into decision: inout SteeringDecision, trace: inout Trace
    ) {
        decision.scope = 0
        decision.serverCount = 0
        decision.serverCount4 = 0
        decision.service = -1
        decision.pool = -1
        decision.negativeTTL = nil
        let question = Question(family: family, client: client, sequence: sequence, isApex: isApex)
        Candidates.with { candidates in
            switch subject {
            case .poolHost(let pool):
                answerAddresses(of: pool, question, &candidates, into: &decision, trace: &trace)
            case .wideIP(let position):
                decideWideIP(position, question, &candidates, into: &decision, trace: &trace)
            }
        }
    }

    // MARK: Wide IP: which pool

    @inline(__always)
    private func decideWideIP<Trace: DecisionTrace>(
        _ position: Int, _ question: Question, _ candidates: inout Candidates, into decision: inout SteeringDecision,
        trace: inout Trace
    ) {
        let wideIP = plan.wideIPs[position]
        let hasTTL = wideIP.ttl != SteeringPlan.WideIPPlan.noTTL
        decision.ttl = hasTTL ? wideIP.ttl : SteeringPlan.WideIPPlan.fallbackTTL
        decision.answer = .noData
        guard wideIP.enabled else { return }
        var mode = Mode.asFound
        if redirections.standings.count > 0 {
            switch redirections.standings[position] {
            case .asFound: break
            case .disabled: return
            case .up: mode = .up
            case .down: mode = .down
            }
        }
        if Trace.isOn { trace.begin(.wideIP(position), wideIP.program) }
        let pool: Int
        switch run(
            wideIP.program, ofServers: false, mode, question, &candidates, into: &decision, trace: &trace)
        {
        case .nothing: return
        case .chosen:
            let candidate = plan.candidates[Int(wideIP.program.firstCandidate) &+ candidates[0]]
            let chosen = Int(candidate) &- plan.serverCount
            pool =
                redirections.starts.count > 0
                ? redirect(chosen, of: position, question, into: &decision, trace: &trace) : chosen
        case .fixed(let answer):
            let fixed = plan.fixedAnswers[answer]
            guard fixed.kind == .pool else {
                give(fixed, question, into: &decision)
                return
            }
            pool = Int(fixed.position)
        }
        if plan.pools[pool].answersAddresses || question.isApex && question.family.isOfAddresses {
            answerAddresses(of: pool, question, &candidates, into: &decision, trace: &trace)
        } else {
            decision.answer = .alias(pool: pool)
            decision.pool = Int32(truncatingIfNeeded: pool)
            decision.ttl = plan.pools[pool].ttl
        }
        if hasTTL { decision.ttl = wideIP.ttl }
        if plan.usesStateTTL { decision.ttl = min(decision.ttl, ttlLimits[plan.pools.count &+ position]) }
    }

    /// Where the clients of a pool go whom operators moved. Which ones move is a matter of their networks, so that the
    /// same ones stay moved while a shift grows.
    private func redirect<Trace: DecisionTrace>(
        _ pool: Int, of wideIP: Int, _ question: Question, into decision: inout SteeringDecision, trace: inout Trace
    ) -> Int {
        for index in Int(redirections.starts[wideIP])..<Int(redirections.starts[wideIP &+ 1]) {
            let redirection = redirections.list[index]
            guard Int(redirection.from) == pool else { continue }
            var isMoved = true
            if redirection.fraction != .max {
                let network = StableHash.network(of: question.client.address, v4: 24, v6: 56)
                decision.scope = max(decision.scope, network.scope)
                // Turned twice, so that the clients that move are not those that `shed` or `persist` would move.
                let hash = StableHash.mix(network.hash ^ plan.seeds[pool &+ plan.serverCount].byteSwapped)
                isMoved = UInt32(truncatingIfNeeded: hash >> 32) < redirection.fraction
            }
            if Trace.isOn { trace.redirected(wideIP, redirection, isMoved: isMoved) }
            return isMoved ? Int(redirection.to) : pool
        }
        return pool
    }

    // MARK: Pool: which virtual servers

    @inline(__always)
    private func answerAddresses<Trace: DecisionTrace>(
        of position: Int, _ question: Question, _ candidates: inout Candidates, into decision: inout SteeringDecision,
        trace: inout Trace
    ) {
        let pool = plan.pools[position]
        decision.pool = Int32(truncatingIfNeeded: position)
        decision.ttl = plan.usesStateTTL ? min(pool.ttl, ttlLimits[position]) : pool.ttl
        decision.answer = .noData
        guard question.family != .any else { return }
        guard question.family != .both else {
            answerService(of: position, question, into: &decision, trace: &trace)
            return
        }
        if Trace.isOn { trace.begin(.poolHost(position), pool.program) }
        switch run(
            pool.program, ofServers: true, .asFound, question, &candidates, into: &decision, trace: &trace)
        {
        case .nothing: return
        case .chosen:
            giveServers(candidates, of: pool.program, into: &decision)
            decision.service = Int32(truncatingIfNeeded: position)
        case .fixed(let answer):
            let fixed = plan.fixedAnswers[answer]
            guard fixed.kind == .pool else {
                give(fixed, question, into: &decision)
                return
            }
            // Another pool's servers, whatever their state; that one passes nothing on.
            let other = plan.pools[Int(fixed.position)]
            if Trace.isOn { trace.begin(.poolHost(Int(fixed.position)), other.program) }
            if case .chosen = run(
                other.program, ofServers: true, .forced, question, &candidates, into: &decision, trace: &trace)
            {
                giveServers(candidates, of: other.program, into: &decision)
                decision.service = fixed.position < UInt32(Int32.max) ? Int32(fixed.position) : -1
            }
        }
    }

    /// The addresses that questions for A and AAAA get with the same sequence, together.
    @inline(never)
    private func answerService<Trace: DecisionTrace>(
        of position: Int, _ question: Question, into decision: inout SteeringDecision, trace: inout Trace
    ) {
        var hints = decision.servers
        var count = 0
        for family in [AddressFamily.v4, .v6] {
            let one = Question(
                family: family, client: question.client, sequence: question.sequence, isApex: question.isApex)
            decision.serverCount = 0
            Candidates.with { candidates in
                answerAddresses(of: position, one, &candidates, into: &decision, trace: &trace)
            }
            if decision.answer == .addresses {
                for index in 0..<min(decision.serverCount, SteeringDecision.hintLimit) {
                    hints[count] = decision.servers[index]
                    count &+= 1
                }
            }
            if family == .v4 { decision.serverCount4 = count }
        }
        // Without any address, what the second question would be told.
        guard count > 0 else { return }
        decision.servers = hints
        decision.serverCount = count
        decision.answer = .service
    }

    @inline(__always)
    private func giveServers(
        _ candidates: borrowing Candidates, of program: Program, into decision: inout SteeringDecision
    ) {
        decision.serverCount = candidates.count
        for index in 0..<decision.serverCount {
            decision.servers[index] = plan.candidates[Int(program.firstCandidate) &+ candidates[index]]
        }
        decision.answer = .addresses
    }

    private func give(_ fixed: FixedPlan, _ question: Question, into decision: inout SteeringDecision) {
        switch fixed.kind {
        case .pool: break
        case .zoneData: decision.answer = .zoneData
        case .drop: decision.answer = .drop
        case .code:
            decision.negativeTTL = fixed.ttl == FixedPlan.zoneTTL ? nil : fixed.ttl
            decision.answer = fixed.number == 0 ? .noData : .failure(rcode: fixed.number)
        case .addresses:
            guard question.family.isOfAddresses else { return }
            for index in 0..<Int(fixed.number) {
                let position = Int(fixed.position) &+ index
                guard plan.isV4[position] == (question.family == .v4) else { continue }
                decision.servers[decision.serverCount] = UInt32(truncatingIfNeeded: position)
                decision.serverCount &+= 1
            }
            if decision.serverCount > 0 { decision.answer = .addresses }
        }
    }

    // MARK: Stages

    /// How `available` goes about its work.
    private enum Mode {
        case asFound
        /// What is down may be answered for want of better.
        case forced
        /// Operators said that all of them are up, or down.
        case up, down
    }

    @inline(__always)
    private func run<Trace: DecisionTrace>(
        _ program: Program, ofServers: Bool, _ mode: Mode, _ question: Question, _ candidates: inout Candidates,
        into decision: inout SteeringDecision, trace: inout Trace
    ) -> Outcome {
        let first = Int(program.firstCandidate)
        var position = Int(program.firstOperation)
        restart(program, ofServers: ofServers, question.family, &candidates)
        // Without any, only an answer that no candidate gives could follow; pools that are all disabled may have one.
        guard candidates.count > 0 || (hasDisabled && !ofServers) else { return .nothing }
        while true {
            let operation = plan.operations[position]
            let before = Trace.isOn ? candidates.positions : []
            var match: PrefixTable.Match?
            var isLeft = true
            switch operation.kind {
            case .available:
                isLeft =
                    mode == .up
                    || mode != .down
                        && (candidates.keep { ranks[Int(plan.candidates[first &+ $0])] == .available }
                            || candidates.keep { ranks[Int(plan.candidates[first &+ $0])] == .draining }
                            || mode == .forced)
            case .lastGood:
                let mask = lastGood[Int(operation.argument)]
                if mask != 0 { isLeft = candidates.keep { mask >> UInt64($0) & 1 != 0 } }
            case .place:
                // One candidate needs no order, and then the answer does not depend on the place.
                if operation.needed == 0 || candidates.count > 1 {
                    let found = plan.indexes[Int(operation.argument)].lookup(question.client.address)
                    match = found
                    decision.scope = max(decision.scope, found.length)
                    let place = plan.classes[Int(operation.second) &+ Int(found.value)]
                    if place.mask != .max {
                        isLeft = candidates.keep { place.mask >> UInt64($0) & 1 != 0 }
                    }
                    if isLeft, place.keys != PlaceClass.noOrder {
                        let keys = Int(place.keys)
                        candidates.sort { plan.keys[keys &+ $0] }
                    }
                }
            case .latency:
                match = sortByLatency(operation, first: first, question, &candidates, &decision)
            case .sort:
                let keys = Int(operation.argument)
                candidates.sort { plan.keys[keys &+ $0] }
            case .sortByLoad:
                let keys = Int(operation.argument)
                candidates.sort { loads.keys[keys &+ $0] }
            case .weigh:
                let weights = Int(operation.argument)
                candidates.weigh { self.weights[weights &+ $0] }
            case .weighByLoad:
                let weights = Int(operation.argument)
                candidates.weigh { loads.weights[weights &+ $0] }
            case .shed:
                isLeft = shed(operation, first: first, question, &candidates, &decision)
            case .rotate:
                candidates.rotate(question.sequence)
            case .draw:
                candidates.draw(question.sequence, needed: Int(operation.needed))
            case .persist:
                // One candidate keeps all its clients.
                if candidates.count > 1 {
                    let network = StableHash.network(
                        of: question.client.address, v4: Int(operation.argument & 255), v6: Int(operation.argument >> 8)
                    )
                    decision.scope = max(decision.scope, network.scope)
                    candidates.persist(network.hash, needed: Int(operation.needed)) {
                        plan.seeds[Int(plan.candidates[first &+ $0])]
                    }
                }
            case .take:
                candidates.take(Int(operation.argument))
            case .done:
                guard candidates.count > 0 else { return .nothing }
                candidates.take(Int(program.limit))
                if Trace.isOn {
                    trace.ran(operation, before: before, after: candidates, isLeft: true, match: nil)
                }
                return .chosen
            case .answer:
                if Trace.isOn {
                    trace.ran(operation, before: before, after: candidates, isLeft: true, match: nil)
                }
                return .fixed(Int(operation.argument))
            }
            if Trace.isOn {
                trace.ran(operation, before: before, after: candidates, isLeft: isLeft, match: match)
            }
            if isLeft || operation.keeps {
                position &+= 1
            } else {
                position = Int(operation.next)
                restart(program, ofServers: ofServers, question.family, &candidates)
            }
        }
    }

    /// All candidates, in the order of the configuration: virtual servers of the family that is asked for.
    @inline(__always)
    private func restart(
        _ program: Program, ofServers: Bool, _ family: AddressFamily, _ candidates: inout Candidates
    ) {
        candidates.removeAll()
        for local in 0..<Int(program.candidateCount) {
            if ofServers {
                let server = plan.candidates[Int(program.firstCandidate) &+ local]
                guard plan.isV4[Int(server)] == (family == .v4) else { continue }
            }
            if hasDisabled, ranks[Int(plan.candidates[Int(program.firstCandidate) &+ local])] == .disabled { continue }
            candidates.append(local)
        }
        // A pool's own name answers with disabled virtual servers rather than with none: clients that were sent to it
        // before have nowhere else to go.
        guard hasDisabled, ofServers, candidates.count == 0 else { return }
        for local in 0..<Int(program.candidateCount)
        where plan.isV4[Int(plan.candidates[Int(program.firstCandidate) &+ local])] == (family == .v4) {
            candidates.append(local)
        }
    }

    private func sortByLatency(
        _ operation: Operation, first: Int, _ question: Question, _ candidates: inout Candidates,
        _ decision: inout SteeringDecision
    ) -> PrefixTable.Match? {
        guard let latency, candidates.count > 1 else { return nil }
        let table = latency.value
        let found = table.table.lookup(question.client.address)
        decision.scope = max(decision.scope, found.length)
        guard found.value > 0 else { return found }
        var best = LatencyTable.unknown
        for index in 0..<candidates.count {
            let region = plan.regions[Int(plan.candidates[first &+ candidates[index]])]
            best = min(best, table.time(row: found.value, region: region))
        }
        let margin = operation.argument
        // What is not known stays where the stages before put it: those decide until there is evidence.
        candidates.sortKnown(unknown: LatencyTable.unknown) { local in
            let time = table.time(row: found.value, region: plan.regions[Int(plan.candidates[first &+ local])])
            return time != LatencyTable.unknown && time &- best <= margin ? best : time
        }
        return found
    }

    /// Which clients stay is a matter of their networks, so that the same ones stay while the load does not change.
    private func shed(
        _ operation: Operation, first: Int, _ question: Question, _ candidates: inout Candidates,
        _ decision: inout SteeringDecision
    ) -> Bool {
        let base = Int(operation.argument)
        var isPartial = false
        var isShedding = false
        for index in 0..<candidates.count {
            let fraction = loads.fractions[base &+ candidates[index]]
            if fraction != .max { isShedding = true }
            if fraction != .max, fraction != 0 { isPartial = true }
        }
        guard isShedding else { return true }
        let network = StableHash.network(of: question.client.address, v4: 24, v6: 56)
        if isPartial { decision.scope = max(decision.scope, network.scope) }
        return candidates.keep { local in
            let fraction = loads.fractions[base &+ local]
            guard fraction != .max else { return true }
            // Turned, so that the clients that leave are not those that `persist` puts first.
            let hash = StableHash.mix(network.hash ^ ~plan.seeds[Int(plan.candidates[first &+ local])])
            return UInt32(truncatingIfNeeded: hash >> 32) < fraction
        }
    }
}

extension AddressFamily {
    @inline(__always)
    fileprivate var isOfAddresses: Bool { self == .v4 || self == .v6 }
}
