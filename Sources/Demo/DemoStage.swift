import Addresses
import ControlPlane
import DNSWire
import TrafficModel

/// The running picture: the node, the members and the clients, and what can be done to them.
actor DemoStage {
    nonisolated let plan: DemoPlan
    nonisolated let clients: [DemoClient]
    nonisolated let start: ContinuousClock.Instant
    private let members: [String: DemoMember]
    private let node: Node
    private let source: DemoSource
    private var events = DemoEvents()
    private var decisions = DecisionFeed()
    private var meter = RateMeter<String>()
    private var drained: Set<DemoTarget> = []

    init(
        plan: DemoPlan, node: Node, source: DemoSource, members: [DemoMember], clients: [DemoClient],
        start: ContinuousClock.Instant
    ) {
        self.plan = plan
        self.node = node
        self.source = source
        self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.plan.name, $0) })
        self.clients = clients
        self.start = start
    }

    /// Requests that a member answered since the start.
    nonisolated func requests(of member: String) -> UInt64 { members[member]?.requests ?? 0 }

    // MARK: Commands

    /// Kills a member, a VIP, or a region with all that is in it.
    func kill(_ target: DemoTarget) async throws(DemoError) {
        note("kill \(target.name)")
        // VIPs first, so that a dying region does not answer 503 for its members on the way.
        let servers = target.virtualServers(in: plan).map(\.name)
        if !servers.isEmpty {
            source.kill(servers)
            try await reload()
        }
        for member in target.members(in: plan) { await members[member.name]?.kill() }
    }

    /// Brings back what is dead in the target, and ends its drain.
    func revive(_ target: DemoTarget) async throws(DemoError) {
        note("revive \(target.name)")
        let servers = target.virtualServers(in: plan).map(\.name)
        var back = target.members(in: plan)
        if case .virtualServer(let name) = target { back = plan.members.filter { $0.virtualServer == name } }
        for member in back {
            do {
                try await members[member.name]?.revive()
            } catch {
                throw DemoError(reason: "cannot revive \(member.name) at \(member.endpoint): \(error)")
            }
        }
        if source.deadVirtualServers.contains(where: servers.contains) {
            source.revive(servers)
            try await reload()
        }
        for drained in drained where target == .everything || drained == target { await resume(drained) }
    }

    /// Nothing new goes to the target; what runs may end.
    func drain(_ target: DemoTarget) async {
        note("drain \(target.name)")
        drained.insert(target)
        await override(target, with: .init(verdict: .drain, reason: "demo"))
    }

    func resume(_ target: DemoTarget) async {
        note("resume \(target.name)")
        drained.remove(target)
        await override(target, with: nil)
    }

    private func override(_ target: DemoTarget, with entry: Overrides.Entry?) async {
        for subject in subjects(of: target) {
            do {
                // The demo shows what happens then, too.
                if let entry {
                    try await node.override(subject, with: entry, by: Self.author, isForced: true)
                } else {
                    try await node.clearOverride(subject, by: Self.author, isForced: true)
                }
            } catch {
                note("refused: \(error)")
            }
        }
    }

    func isDrained(_ target: DemoTarget) -> Bool { drained.contains(target) }

    private static let author = Author(name: "demo", origin: "demo")

    private func subjects(of target: DemoTarget) -> [Overrides.Subject] {
        switch target {
        case .region(let name): [.region(name)]
        case .virtualServer(let name): [.virtualServer(name)]
        case .member:
            target.members(in: plan).map {
                .member(upstream: $0.virtualServer, endpoint: $0.endpoint.description)
            }
        case .everything: plan.regions.map { .region($0.name) }
        }
    }

    private func reload() async throws(DemoError) {
        let outcome: ReloadOutcome
        do throws(ChangeError) {
            outcome = try await node.reload(by: Self.author)
        } catch {
            throw DemoError(reason: "the reload was turned away: \(error)")
        }
        guard outcome.applied else { throw DemoError(reason: outcome.messages.joined(separator: "\n")) }
    }

    private func note(_ text: String) { events.note("> " + text, elapsed: .now - start) }

    // MARK: Status

    func status() async -> DemoStatus {
        let node = await node.status()
        let now = ContinuousClock.now
        var stage = DemoStatus.Stage()
        stage.deadVirtualServers = source.deadVirtualServers
        for (name, member) in members {
            stage.memberRequests[name] = member.requests
            if !member.isAlive { stage.deadMembers.insert(name) }
        }
        stage.clients = clients.map { client in
            let ledger = client.ledger.snapshot
            return .init(
                country: client.country.code, address: client.subnet.description, home: client.country.home,
                region: ledger.region, member: ledger.member, succeeded: ledger.succeeded, failed: ledger.failed,
                lastFailure: ledger.streak == 0 ? ledger.failures.last?.reason : nil)
        }
        decisions.follow(node.dns.latest, service: DemoPlan.service, elapsed: now - start) { address in
            IPAddress(address).flatMap { address in
                clients.first { $0.subnet.address == address }?.country.code
            }
        }
        stage.decisions = decisions.lines
        stage.suggestions = suggestions
        stage.events = events.lines
        var status = DemoStatus(
            node: node, plan: plan, stage: stage, elapsed: now - start, meter: &meter, now: now)
        events.follow(status.marks, elapsed: now - start)
        status.events = events.lines
        return status
    }

    /// Command lines to type in another terminal.
    nonisolated var suggestions: [String] {
        let dns = plan.dns[0]
        let dig = "dig @\(dns.address) -p \(dns.port)"
        // The upper half of a client's network: its country, but told from the client itself among the decisions.
        let queries = ["PL", "US", "SG"].compactMap { code -> String? in
            guard let client = clients.first(where: { $0.country.code == code }),
                case .v4(let network) = client.subnet.address
            else { return nil }
            return "\(dig) \(DemoPlan.service) +subnet=\(IPAddress.v4(network | 128))/25   # \(code)"
        }
        guard let region = plan.regions.first, let server = region.virtualServers.first else { return queries }
        return queries + [
            "\(dig) \(region.host)   # its VIPs",
            "curl -H 'Host: \(DemoPlan.service)' http://\(server.endpoint)/   # one of them",
        ]
    }
}
