import Addresses
import Authority
import Balancing
import DNSService
import DNSWire
import ProxyService
import Steering
import Telemetry
import TrafficModel

/// Compares what is with what would be, by asking both the same questions.
struct ChangeComparison: Sendable {
    struct Side: Sendable {
        let intent: Intent
        let steering: SteeringSnapshot
        let overrides: EffectiveOverrides
    }

    let before: Side
    let after: Side
    /// Members as they are.
    let balancing: BalancingSnapshot
    /// Connections that are open on listeners, by where those listen.
    let connections: [Endpoint: Int]
    /// The latest clients that asked.
    let latestClients: [IPAddress]

    /// Decisions for one preview: about a tenth of a second.
    private static let decisionLimit = 100_000
    /// Clients tried for each name, where there are few names and where there are many.
    private static let clientCounts = 16...512
    /// Shares that differ by less are taken for the same.
    private static let leastShare = 0.000_001

    func preview() -> ChangePreview {
        var preview = ChangePreview()
        let clients = self.clients
        let later = Dictionary(
            after.steering.plan.names.map { ($0.name, $0.subject) }, uniquingKeysWith: { first, _ in first })
        var moved: [ChangePreview.Name] = []
        for (name, subject) in before.steering.plan.names {
            let old = shares(of: subject, before, clients)
            let new = later[name].map { shares(of: $0, after, clients) } ?? [Self.nothing: 1]
            add(name, old, new, to: &moved)
        }
        let earlier = Set(before.steering.plan.names.map(\.name))
        for (name, subject) in after.steering.plan.names where !earlier.contains(name) {
            add(name, [Self.nothing: 1], shares(of: subject, after, clients), to: &moved)
        }
        moved.sort { ($1.moved, $0.name) < ($0.moved, $1.name) }
        preview.names = Array(moved.prefix(ChangePreview.nameLimit))
        preview.movedNames = moved.count
        preview.allNames = Set(later.keys).union(earlier).count
        preview.clients = clients.count
        preview.states = states
        preview.openConnections = openConnections
        return preview
    }

    // MARK: Names

    private static let nothing = "no answer"

    private func add(
        _ name: DomainName, _ old: [String: Double], _ new: [String: Double], to moved: inout [ChangePreview.Name]
    ) {
        let gone = old.reduce(0) { $0 + max(0, $1.value - new[$1.key, default: 0]) }
        guard gone > Self.leastShare else { return }
        moved.append(.init(name: name.description, moved: gone, before: old, after: new))
    }

    private func shares(of subject: SteeredSubject, _ side: Side, _ clients: [IPAddress]) -> [String: Double] {
        var counts: [String: Int] = [:]
        var decision = SteeringDecision()
        // Of a side whose servers are all IPv6, only questions for AAAA say anything.
        let family: AddressFamily =
            side.intent.virtualServers.allSatisfy { $0.endpoint.address.byteCount == 16 } ? .v6 : .v4
        for (index, client) in clients.enumerated() {
            side.steering.decide(
                subject, family: family, client: ClientNetwork(address: client), sequence: UInt64(index + 1),
                into: &decision)
            counts[word(decision, subject, side), default: 0] += 1
        }
        return counts.mapValues { Double($0) / Double(clients.count) }
    }

    private func word(_ decision: SteeringDecision, _ subject: SteeredSubject, _ side: Side) -> String {
        if case .poolHost = subject {
            guard decision.serverCount > 0 else { return Self.nothing }
            return side.steering.plan.address(ofServer: Int(decision.servers[0])).description
        }
        switch decision.answer {
        case .noData, .failure, .drop: return Self.nothing
        case .zoneData: return "zone data"
        case .alias, .addresses, .service:
            let pool = Int(decision.pool)
            return side.intent.pools.indices.contains(pool) ? side.intent.pools[pool].name : "fixed addresses"
        }
    }

    /// Clients that asked lately, and networks spread evenly over the unicast addresses.
    private var clients: [IPAddress] {
        let names = max(1, before.steering.plan.names.count + after.steering.plan.names.count)
        let count = min(max(Self.decisionLimit / names, Self.clientCounts.lowerBound), Self.clientCounts.upperBound)
        var clients = Array(latestClients.prefix(count / 2))
        // Multiples of the golden ratio: even in every short run.
        var value: UInt32 = 0
        while clients.count < count {
            value &+= 0x9e37_79b9
            // 1.0.0.0 to 223.255.255.0; places within it that nobody has matter to no answer.
            let spread = (UInt64(value) * (223 << 24)) >> 32
            clients.append(.v4((UInt32(spread) + (1 << 24)) & 0xffff_ff00))
        }
        return clients
    }

    // MARK: States

    private var states: [ChangePreview.State] {
        var states: [ChangePreview.State] = []
        func compare(_ kind: String, _ old: [(String, String)], _ new: [(String, String)]) {
            let later = Dictionary(new, uniquingKeysWith: { first, _ in first })
            for (name, state) in old where later[name] != state {
                states.append(.init(kind: kind, name: name, before: state, after: later[name] ?? "gone"))
            }
            let earlier = Set(old.map(\.0))
            for (name, state) in new where !earlier.contains(name) {
                states.append(.init(kind: kind, name: name, before: "absent", after: state))
            }
        }
        compare("region", regions(before), regions(after))
        compare("pool", pools(before), pools(after))
        compare("virtual-server", servers(before), servers(after))
        compare("member", members(before), members(after))
        compare("listener", listeners(before), listeners(after))
        return states
    }

    private func pools(_ side: Side) -> [(String, String)] {
        zip(side.intent.pools, side.steering.pools).enumerated().map { position, pair in
            (pair.0.name, word(StateTable.State(pair.1), side.overrides.poolCutovers[position]))
        }
    }

    private func regions(_ side: Side) -> [(String, String)] {
        let states = StateTable.regions(
            of: side.intent, servers: side.steering.servers.map(StateTable.State.init),
            pools: side.steering.pools.map(StateTable.State.init))
        return zip(side.intent.regions, states).enumerated().map { position, pair in
            (pair.0.name, word(pair.1, side.overrides.regionCutovers[position]))
        }
    }

    private func word(_ state: StateTable.State, _ cutover: EffectiveOverrides.Effect?) -> String {
        guard let target = cutover?.entry.target, state.whenCutOver == .cutOver else { return state.text }
        return "cut over to \(target)"
    }

    private func servers(_ side: Side) -> [(String, String)] {
        zip(side.intent.virtualServers, side.steering.servers).map { ($0.name, "\($1)") }
    }

    /// What operators and the configuration say of members; what monitors find stays as it is.
    private func members(_ side: Side) -> [(String, String)] {
        side.intent.upstreams.enumerated().flatMap { position, upstream in
            upstream.members.enumerated().map { index, member in
                let name = EffectiveOverrides.Member(upstream: position, member: index)
                let verdict = side.overrides.members[name]?.entry.verdict.rawValue ?? "enabled"
                let factor = side.overrides.memberFactors[name].map { ", share times \($0)" } ?? ""
                return ("\(upstream.name)/\(member.endpoint)", verdict + factor)
            }
        }
    }

    /// Where they listen. Of one that goes, or moves, what is open ends with it.
    private func listeners(_ side: Side) -> [(String, String)] {
        side.intent.listeners.map { ($0.name, "\($0.endpoint)") }
    }

    private var openConnections: Int { openOnMembers + openOnListeners }

    private var openOnListeners: Int {
        let kept = Set(after.intent.listeners.map(\.endpoint))
        return before.intent.listeners.reduce(0) {
            $0 + (kept.contains($1.endpoint) ? 0 : connections[$1.endpoint] ?? 0)
        }
    }

    private var openOnMembers: Int {
        let takesOut: (EffectiveOverrides.Effect?) -> Bool = { effect in
            effect.map { [.drain, .disable, .forceDown].contains($0.entry.verdict) } ?? false
        }
        var count = 0
        for (position, upstream) in balancing.upstreams.enumerated() {
            for (index, member) in upstream.members.enumerated() {
                let name = EffectiveOverrides.Member(upstream: position, member: index)
                if takesOut(after.overrides.members[name]), !takesOut(before.overrides.members[name]) {
                    count += member.state.openCount
                }
            }
        }
        return count
    }
}

extension Node {
    /// What another configuration, or other overrides and shifts, would change.
    func preview(
        of candidate: Compiler, _ steering: SteeringSnapshot, _ overrides: EffectiveOverrides
    ) async -> ChangePreview {
        await compare(with: .init(intent: candidate.intent, steering: steering, overrides: overrides))
    }

    /// How a configuration would steer now.
    func steering(of candidate: Compiler, _ overrides: EffectiveOverrides) -> SteeringSnapshot {
        SteeringSnapshot(
            plan: candidate.plan, intent: candidate.intent, overrides: overrides, observations: observations,
            epoch: snapshot.epoch, now: MonotonicClock.now, previous: snapshot.authority.steering)
    }

    private func compare(with after: ChangeComparison.Side) async -> ChangePreview {
        let data = snapshot.authority.data
        let latest = dnsCounters.all.flatMap { $0.latestDecisions(.max, in: data) }
        let comparison = ChangeComparison(
            before: .init(
                intent: compiler.intent, steering: snapshot.authority.steering, overrides: effective),
            after: after, balancing: snapshot.balancing,
            connections: Dictionary(
                proxy.status.listeners.map { ($0.endpoint, $0.openConnections) }, uniquingKeysWith: +),
            latestClients: Array(Set(latest.map(\.client))))
        return await Self.run(comparison)
    }

    /// Beside the actor, which goes on to apply what monitors find.
    @concurrent
    private static func run(_ comparison: ChangeComparison) async -> ChangePreview { comparison.preview() }
}
