import Authority
import HealthMonitoring
import Steering
import TrafficModel

/// Puts the numbers of a decision's record into words.
struct StepTeller {
    let explainer: Explainer

    private var intent: Intent { explainer.intent }
    private var steering: SteeringSnapshot { explainer.snapshot.steering }

    private func name(_ candidate: DecisionRecord.Candidate) -> String {
        switch candidate {
        case .server(let position): intent.virtualServers[position].name
        case .pool(let position): intent.pools[position].name
        }
    }

    private func stages(of subject: SteeredSubject) -> [Stage] {
        switch subject {
        case .wideIP(let position): steering.plan.wideIPStages[position]
        case .poolHost(let position): steering.plan.poolStages[position]
        }
    }

    func step(_ step: DecisionRecord.Step) -> Explanation.Step {
        let stage = step.stage.map { stages(of: step.subject)[$0] }
        let removed = step.before.filter { !step.after.contains($0) }
        var notes: [String] = []
        switch step.effect {
        case .ran: break
        case .kept: notes.append("would have left nothing, and keeps what there was")
        case .exhausted: notes.append("leaves nothing: on behind the next otherwise")
        }
        if let record = step.record {
            notes.append(record == 0 ? "no record matches the client" : "\(words(record, of: stage))")
        }
        if let scope = step.scope { notes.append("alike for the /\(scope) around the client") }
        var shares: [String: Double]?
        if let parts = step.shares {
            shares = Dictionary(zip(step.before.map(name), parts), uniquingKeysWith: { first, _ in first })
        }
        let of =
            switch step.subject {
            case .wideIP(let position): "wide IP \(intent.wideIPs[position].name)"
            case .poolHost(let position): "pool \(intent.pools[position].name)"
            }
        return Explanation.Step(
            of: of, number: step.stage.map { $0 + 1 },
            stage: stage?.words ?? (step.before.isEmpty ? "NODATA" : "the choice"),
            before: step.before.map(name), after: step.after.map(name),
            removed: removed.map { candidate in
                let index = step.before.firstIndex(of: candidate) ?? 0
                return Explanation.Removal(
                    candidate: name(candidate), reason: reason(candidate, stage, step.fractions?[index]))
            }, shares: shares, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
    }

    private func words(_ record: Int, of stage: Stage?) -> String {
        guard case .topology(let topology)? = stage?.action, topology.records.indices.contains(record - 1) else {
            return "the client's place is known"
        }
        return "record \(record) matches"
    }

    private func reason(_ candidate: DecisionRecord.Candidate, _ stage: Stage?, _ fraction: Double?) -> String {
        switch stage?.action {
        case .available:
            if let words = substitution(candidate) { return words }
            let state =
                switch candidate {
                case .server(let position): steering.servers[position]
                case .pool(let position): steering.pools[position]
                }
            return state == .available ? "nothing is available" : "\(state)\(shortage(candidate))"
        case .topology: return "not in the record"
        case .lastKnownGood: return "was not available at last"
        case .outliers(let factor): return "takes more than \(factor.brief) times as long to answer as the best"
        case .nearest: return "too far away"
        case .shed:
            return fraction.map { "loaded: keeps \(Int(($0 * 100).rounded())) % of its clients, and this is none" }
                ?? "loaded"
        case .draw, .persist: return "has no share"
        case .take, nil: return "behind those that are taken"
        default: return "left out"
        }
    }

    /// What takes over a pool, where that is what counts for it.
    private func substitution(_ candidate: DecisionRecord.Candidate) -> String? {
        guard case .pool(let position) = candidate, let takers = explainer.overrides.substitutes[position] else {
            return nil
        }
        let state = takers.map { steering.pools[$0] }.max { $0.rawValue < $1.rawValue } ?? .down
        return "cut over to \(takers.map { intent.pools[$0].name }.joined(separator: ", ")), which is \(state)"
    }

    /// How many virtual servers a pool that is out would need.
    private func shortage(_ candidate: DecisionRecord.Candidate) -> String {
        guard case .pool(let position) = candidate, !intent.pools[position].virtualServers.isEmpty else { return "" }
        let pool = intent.pools[position]
        let up = pool.virtualServers.count { steering.servers[$0] == .available }
        let needed = pool.minimumUp.count(of: pool.virtualServers.count)
        return up > 0 && up < needed
            ? ": \(up) of \(pool.virtualServers.count) virtual servers available, \(needed) needed" : ""
    }

    // MARK: Scope, TTL, facts

    func scopeReason(_ record: DecisionRecord?, _ usesSubnet: Bool) -> String {
        guard let record else { return "the answer is the same for everybody: the name is not steered" }
        guard usesSubnet else { return "the query told no client network that counts, so the resolver stands for it" }
        if record.decision.scope == 0 { return "no stage looked at the client" }
        let lookups = record.steps.compactMap { step in
            step.scope.map { "\(words(step)) holds for /\($0)" }
        }
        let hashed = record.steps.contains { $0.before.count > 1 && isHashed($0) }
        let isShifted = record.redirection.map { $0.part < 1 } ?? false
        return (lookups + (hashed || isShifted ? ["clients are told apart by networks"] : []))
            .joined(separator: "; ")
    }

    private func words(_ step: DecisionRecord.Step) -> String {
        step.stage.map { stages(of: step.subject)[$0].words } ?? "the decision"
    }

    private func isHashed(_ step: DecisionRecord.Step) -> Bool {
        guard let stage = step.stage.map({ stages(of: step.subject)[$0] }) else { return false }
        return switch stage.action {
        case .persist, .shed: true
        default: false
        }
    }

    func ttlReason(_ record: DecisionRecord?, _ subject: SteeredSubject?) -> String {
        guard let record, let subject else { return "the zone's own" }
        if let limit = steering.ttlLimit(of: subject), limit == record.decision.ttl {
            return "a monitor may change the answer in \(limit) s"
        }
        if case .wideIP(let position) = subject, intent.wideIPs[position].ttl != nil { return "the wide IP's ttl" }
        if record.decision.negativeTTL != nil { return "the answer stage's ttl" }
        switch record.decision.answer {
        case .alias, .addresses, .service:
            return record.decision.pool >= 0
                ? "the ttl of pool \(intent.pools[Int(record.decision.pool)].name)" : "the default of fixed addresses"
        default: return "the zone's negative time"
        }
    }

    func redirection(_ redirection: DecisionRecord.Redirection) -> String {
        let (from, to) = (intent.pools[redirection.from].name, intent.pools[redirection.to].name)
        let cutover = explainer.overrides.poolCutovers[redirection.from]
        if let cutover, redirection.part >= 1 { return "\(from) goes to \(to): \(cutover.words)" }
        return "a shift sends \(Node.percent(redirection.part)) of the clients of \(from) to \(to), "
            + (redirection.isMoved ? "and this is one" : "and this is none")
    }

    func facts(_ record: DecisionRecord?) -> [Explanation.Fact] {
        var seen: Set<Int> = []
        var order: [Int] = []
        func add(_ server: Int) { if seen.insert(server).inserted { order.append(server) } }
        for candidate in record?.steps.flatMap(\.before) ?? [] {
            switch candidate {
            case .server(let position): add(position)
            case .pool(let position): intent.pools[position].virtualServers.forEach(add)
            }
        }
        return order.map(fact)
    }

    private func fact(_ position: Int) -> Explanation.Fact {
        let server = intent.virtualServers[position]
        var reasons: [String] = []
        if !server.enabled { reasons.append("disabled in the configuration") }
        if let effect = explainer.overrides.servers[position] { reasons.append(effect.words) }
        if let factor = explainer.overrides.serverFactors[position] {
            reasons.append("operators multiply its share by \(factor)")
        }
        for monitor in server.monitors {
            let target = HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[monitor])
            let state = explainer.observations.health[target] ?? .unknown
            let status = explainer.health[target]
            let age = status.map { ", for \($0.stateAge.components.seconds) s" } ?? ""
            let why = status?.lastReason.map { ": \($0)" } ?? ""
            reasons.append("monitor \(intent.monitors[monitor].name): \(state)\(age)\(why)")
        }
        if let condition = explainer.observations.conditions[server.name] {
            reasons.append(condition.words(now: explainer.now))
        }
        for other in server.dependsOn where steering.servers[other] == .down {
            reasons.append("depends on \(intent.virtualServers[other].name), which is down")
        }
        for criterion in Criterion.allCases {
            guard let reading = explainer.observations.measurements.loads[server.name]?[criterion] else { continue }
            let age = Measurements.age(of: reading.time, now: explainer.now).components.seconds
            reasons.append("\(criterion.rawValue) \(reading.value), from \(reading.source), \(age) s old")
        }
        if reasons.isEmpty { reasons.append("nothing watches it: it counts as up") }
        return Explanation.Fact(virtualServer: server.name, state: "\(steering.servers[position])", reasons: reasons)
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var brief: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}
