import Addresses
import ControlPlane

extension DemoStatus {
    /// What the demo itself knows and the node does not.
    struct Stage: Sendable {
        var deadVirtualServers: Set<String> = []
        var deadMembers: Set<String> = []
        var memberRequests: [String: UInt64] = [:]
        var clients: [Client] = []
        var decisions: [Decision] = []
        var events: [String] = []
        var suggestions: [String] = []
    }

    /// Puts the node's own status into the picture of the plan.
    init(
        node: NodeStatus, plan: DemoPlan, stage: Stage, elapsed: Duration, meter: inout RateMeter<String>,
        now: ContinuousClock.Instant
    ) {
        self.init(dns: plan.dns[0])
        self.elapsed = elapsed
        service = DemoPlan.service
        ttl = plan.timing.ttl
        generation = node.generation
        epoch = node.epoch
        queriesPerSecond = meter.rate(
            of: "dns", count: node.dns.queries, now: now, window: plan.timing.lifetime * 2)
        requestsPerSecond = meter.rate(of: "proxy", count: node.proxy.requests, now: now)
        let pools = Dictionary(node.pools.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let servers = Dictionary(node.virtualServers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let upstreams = Dictionary(node.upstreams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for region in plan.regions {
            var shown = Region(
                name: region.name, title: region.title, host: region.host,
                mark: Mark(state: pools[region.name]?.state ?? "", checks: []), virtualServers: [])
            for server in region.virtualServers {
                let known = servers[server.name]
                let members = upstreams[server.name]?.members ?? []
                shown.virtualServers.append(
                    VirtualServer(
                        name: server.name, endpoint: server.endpoint,
                        mark: Mark(state: known?.state ?? "", checks: known?.checks ?? []),
                        isKilled: stage.deadVirtualServers.contains(server.name),
                        members: server.members.map { member in
                            let found = members.first { $0.endpoint == member.endpoint.description }
                            let requests = stage.memberRequests[member.name] ?? 0
                            return Member(
                                name: member.name,
                                mark: Mark(state: found?.state ?? "", checks: found?.checks ?? []),
                                isKilled: stage.deadMembers.contains(member.name),
                                requestsPerSecond: meter.rate(of: member.name, count: requests, now: now))
                        }))
            }
            if shown.mark == .up, shown.virtualServers.allSatisfy({ $0.mark == .unknown }) { shown.mark = .unknown }
            shown.isKilled = shown.virtualServers.allSatisfy(\.isKilled)
            regions.append(shown)
        }
        clients = stage.clients
        decisions = stage.decisions
        events = stage.events
        suggestions = stage.suggestions
    }

    /// The mark of each thing in the tree, by name: what changes of state are told from.
    var marks: [String: Mark] {
        var result: [String: Mark] = [:]
        for region in regions {
            result[region.name] = region.mark
            for server in region.virtualServers {
                result[server.name] = server.mark
                for member in server.members { result[member.name] = member.mark }
            }
        }
        return result
    }
}

extension DemoStatus.Mark {
    /// - Parameter state: as ``NodeStatus`` words it.
    init(state: String, checks: [NodeStatus.Check]) {
        switch state {
        case "available": self = checks.contains { $0.state == "unknown" } ? .unknown : .up
        case "draining": self = .draining
        case "down", "disabled": self = .down
        case "ejected": self = .ejected
        default: self = .unknown
        }
    }
}
