import Balancing
import DNSWire
import Steering
import TrafficModel

/// Whether a change may be made: safety rules, and names and upstreams that must keep something to answer with.
///
/// It compares what is with what would be. What is broken already, by a failure or a new configuration, does not keep
/// operators from changes that do not make it worse.
struct ChangeReview {
    let intent: Intent
    let observations: Observations

    struct Side {
        let overrides: EffectiveOverrides
        let steering: SteeringSnapshot
        let shifts: [Int64: Shift]
    }

    /// Names listed in one objection.
    private static let listLimit = 5

    /// One line for each reason against it.
    func objections(from before: Side, to after: Side) -> [String] {
        brokenRules(before, after) + namesWithoutAnswer(before, after) + upstreamsWithoutMember(before, after)
    }

    // MARK: Safety rules

    /// Rules that a change would break, or break worse.
    private func brokenRules(_ before: Side, _ after: Side) -> [String] {
        zip(findings(before), findings(after)).filter { $1.excess > $0.excess }.map { $1.text("would be") }
    }

    /// One line for each rule that does not hold, whatever brought that about.
    func brokenRules(in side: Side) -> [String] { findings(side).filter { $0.excess > 0 }.map { $0.text("are") } }

    /// How one rule fares.
    private struct Finding {
        let rule: Safety.Rule
        /// Its regions' names.
        let names: String
        /// Regions that are out, or that are enabled and work: what the rule bounds.
        let count: Int

        /// By how many the rule is broken.
        var excess: Int {
            switch rule.bound {
            case .drained(let most): max(0, count - most)
            case .enabled(let least): max(0, least - count)
            }
        }

        func text(_ verb: String) -> String {
            let end =
                switch rule.bound {
                case .drained(let most): "taken out, at most \(most) may be"
                case .enabled(let least): "enabled and work, \(least) must"
                }
            return "safety rule \(rule.name): \(count) of \(names) \(verb) \(end)"
        }
    }

    private func findings(_ side: Side) -> [Finding] {
        guard !intent.safety.rules.isEmpty else { return [] }
        let out = regionsOut(side)
        return intent.safety.rules.map { rule in
            let count =
                switch rule.bound {
                case .drained: rule.regions.count { out.contains($0) }
                case .enabled: enabled(rule, out, side)
                }
            return Finding(
                rule: rule, names: rule.regions.map { intent.regions[$0].name }.joined(separator: ", "), count: count)
        }
    }

    private func enabled(_ rule: Safety.Rule, _ out: Set<Int>, _ side: Side) -> Int {
        rule.regions.count { region in
            guard !out.contains(region) else { return false }
            var hasServers = false
            for (index, server) in intent.virtualServers.enumerated() where server.region == region {
                if side.steering.servers[index].isWorking { return true }
                hasServers = true
            }
            return !hasServers
        }
    }

    /// Regions that nothing new goes to because of operators: all their virtual servers or all their pools are
    /// drained, disabled, forced down, cut over or wholly shifted.
    private func regionsOut(_ side: Side) -> Set<Int> {
        let overrides = side.overrides
        var remaining = Set(intent.regions.indices.filter { overrides.regions[$0].map(\.takesOut) != true })
        var (servers, pools) = (Set<Int>(), Set<Int>())
        var (freeServers, freePools) = (Set<Int>(), Set<Int>())
        for (index, server) in intent.virtualServers.enumerated() {
            servers.insert(server.region)
            if overrides.servers[index].map(\.takesOut) != true { freeServers.insert(server.region) }
        }
        for (index, pool) in intent.pools.enumerated() {
            guard let region = pool.region else { continue }
            pools.insert(region)
            if overrides.pools[index].map(\.takesOut) != true, overrides.poolCutovers[index] == nil {
                freePools.insert(region)
            }
        }
        // A region that is out may have virtual servers with verdicts of their own that are not.
        remaining.formUnion(freeServers)
        remaining.subtract(servers.subtracting(freeServers))
        remaining.subtract(pools.subtracting(freePools))
        remaining.subtract(overrides.regionCutovers.keys)
        for shift in side.shifts.values where shift.kind == .region && shift.wideIP == "*" && shift.goal >= 1 {
            if let region = intent.regions.firstIndex(where: { $0.name == shift.from }) { remaining.remove(region) }
        }
        return Set(intent.regions.indices).subtracting(remaining)
    }

    // MARK: Names

    private func namesWithoutAnswer(_ before: Side, _ after: Side) -> [String] {
        var lost = intent.wideIPs.indices.filter { answer(of: $0, after) < answer(of: $0, before) }
            .map { (intent.wideIPs[$0].name.description, why($0, after)) }
        // Host names of pools that wide IPs use are steps on the way to an answer, and go where the wide IP does not.
        let used = Set(intent.wideIPs.flatMap(\.pools))
        for (index, pool) in intent.pools.enumerated() where !used.contains(index) {
            guard let host = pool.host, before.steering.pools[index].isWorking, !after.steering.pools[index].isWorking
            else { continue }
            lost.append((host.description, "its pool \(pool.name) would be \(after.steering.pools[index])"))
        }
        guard let first = lost.first else { return [] }
        return ["\(Self.list(lost.map(\.0))) would have nothing to answer with: \(first.1)"]
    }

    private enum Answer: Int, Comparable {
        case none
        /// With what is down, because the policy for that is open.
        case doubtful
        case sound

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private func answer(of position: Int, _ side: Side) -> Answer {
        let wideIP = intent.wideIPs[position]
        guard wideIP.enabled else { return .none }
        let states = wideIP.pools.map { side.steering.availability(ofPool: $0, in: position, side.overrides) }
        let atWorst: Answer = wideIP.isOpen && states.contains { $0 != .disabled } ? .doubtful : .none
        switch side.overrides.wideIPs[position]?.entry.verdict {
        case .disable: return .none
        case .forceUp: return .sound
        case .forceDown: return wideIP.hasLastResort ? .sound : atWorst
        default: return wideIP.hasLastResort || states.contains(where: \.isWorking) ? .sound : atWorst
        }
    }

    private func why(_ position: Int, _ side: Side) -> String {
        let wideIP = intent.wideIPs[position]
        if let effect = side.overrides.wideIPs[position] { return "it would be \(effect.entry.verdict.participle)" }
        let pools = wideIP.pools.map { pool in
            let state = "\(side.steering.availability(ofPool: pool, in: position, side.overrides))"
            let name = intent.pools[pool].name
            return side.overrides.cutover(of: pool, in: position) == nil
                ? "\(name) \(state)" : "\(name) cut over to what is \(state)"
        }
        return "its pools would be \(Self.list(pools))"
    }

    // MARK: Members

    private func upstreamsWithoutMember(_ before: Side, _ after: Side) -> [String] {
        guard !after.overrides.members.isEmpty || !after.overrides.memberFactors.isEmpty else { return [] }
        let lost = intent.upstreams.indices.filter { hasMember($0, before) && !hasMember($0, after) }
        guard !lost.isEmpty else { return [] }
        return ["\(Self.list(lost.map { "upstream \(intent.upstreams[$0].name)" })) would have no member to send to"]
    }

    private func hasMember(_ position: Int, _ side: Side) -> Bool {
        UpstreamSnapshot.hasMember(
            intent.upstreams[position], at: position, monitors: intent.monitors, overrides: side.overrides,
            observations: observations)
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(listLimit).joined(separator: ", ")
        return names.count > listLimit ? "\(shown) and \(names.count - listLimit) more" : shown
    }
}

extension WideIP {
    /// Whether it answers with pools that are down rather than not at all.
    var isOpen: Bool { pipeline.contains { $0.action == .otherwise } || !pipeline.contains { $0.action == .available } }

    /// Whether it answers with something of its own when all its pools are down.
    var hasLastResort: Bool {
        pipeline.contains { stage in
            switch stage.action {
            case .answer(.pool), .answer(.addresses), .answer(.zoneData): true
            default: false
            }
        }
    }
}
