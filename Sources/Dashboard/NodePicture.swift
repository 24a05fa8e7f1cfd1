import ControlPlane
import TrafficModel

/// A node at one moment, as the dashboard sees it: its parts, how they fare and what they do. Immutable; made once for
/// all who look.
final class NodePicture: Sendable {
    struct Member: Sendable {
        var endpoint: String
        var upstream: Int
        var condition: Condition
        var reason: String
        var traffic: Traffic
        var open: Int
    }

    struct Upstream: Sendable {
        var name: String
        var members: Range<Int>
        var condition: Condition
        var traffic: Traffic
    }

    struct Server: Sendable {
        var name: String
        var region: String
        var endpoint: String
        var condition: Condition
        var reason: String
        /// Whether it is kept out although its monitors have it up.
        var isHeld: Bool
        /// Whether it waits for an operator to resume it.
        var waits: Bool
        /// Positions; empty when nothing of this node is behind it.
        var upstreams: [Int]
        var traffic: Traffic?
    }

    struct Pool: Sendable {
        var name: String
        var region: String?
        var host: String?
        var condition: Condition
        var servers: [Int]
        /// Answers a second that chose it; `nil`: not measured yet.
        var answers: Double?
        var traffic: Traffic?
    }

    struct WideIP: Sendable {
        var name: String
        var method: String
        var condition: Condition
        var pools: [Int]
        var answers: Double?
    }

    struct Region: Sendable {
        var name: String
        var condition: Condition
        var servers: [Int]
        var pools: [Int]
        var location: Location?
        var answers: Double?
        var traffic: Traffic?
        /// Of all answers of steered names lately, a part of 1; `nil`: there were none.
        var share: Double?
    }

    struct Listener: Sendable {
        var name: String
        var endpoint: String
        var open: Int
        var condition: Condition
        var upstreams: [Int]
        var traffic: Traffic?
    }

    /// Rates; `nil`: not measured yet.
    struct Traffic: Sendable, Hashable {
        /// Requests or connections a second.
        var rate: Double?
        /// Of those, a part of 1 that ended with 5xx or without a response; `nil` without requests.
        var errorShare: Double?
        /// Mean seconds until a response began.
        var latency: Double?

        static let unknown = Traffic()

        init() {}

        init(requests: Double, errors: Double, seconds: Double, elapsed: Double) {
            rate = requests / elapsed
            if requests > 0 {
                errorShare = min(errors / requests, 1)
                latency = seconds / requests
            }
        }

        /// Of several together.
        init(sum parts: some Sequence<Traffic>) {
            var requests = 0.0
            var errors = 0.0
            var seconds = 0.0
            var isMeasured = false
            for part in parts {
                guard let rate = part.rate else { continue }
                isMeasured = true
                requests += rate
                errors += rate * (part.errorShare ?? 0)
                seconds += rate * (part.latency ?? 0)
            }
            self.init()
            if isMeasured { self = Traffic(requests: requests, errors: errors, seconds: seconds, elapsed: 1) }
        }
    }

    let status: NodeStatus
    let topology: NodeTopology
    /// Rises with each picture.
    let number: UInt64
    let time: Int64
    let members: [Member]
    let upstreams: [Upstream]
    let servers: [Server]
    let pools: [Pool]
    let wideIPs: [WideIP]
    let regions: [Region]
    let listeners: [Listener]
    let flows: [Flow]
    /// How wide IPs and pools keep to their objectives.
    let levels: [ServiceLevel]
    /// Operators' own overrides of exactly one subject, by `kind:name`, with their verdicts.
    let overridden: [String: String]
    let counters: PictureCounters

    struct Flow: Sendable {
        var country: String
        var region: String
        var share: Double
    }

    /// - Parameters:
    ///   - answers: of the last seconds.
    ///   - previous: the picture before: rates of requests are over the time since then.
    init(
        status: NodeStatus, topology: NodeTopology, counters: PictureCounters, answers: AnswerHistory,
        previous: NodePicture?, flows: [Flow], levels: [ServiceLevel] = [], time: Int64
    ) {
        self.status = status
        self.topology = topology
        self.counters = counters
        self.flows = flows
        self.levels = levels
        self.time = time
        number = (previous?.number ?? 0) + 1
        let old = previous?.counters
        let elapsed = old.map { Double(counters.instant - min($0.instant, counters.instant)) / 1e9 } ?? 0

        var members: [Member] = []
        members.reserveCapacity(status.upstreams.reduce(0) { $0 + $1.members.count })
        var upstreams: [Upstream] = []
        for (position, upstream) in status.upstreams.enumerated() {
            let before = old?.members[upstream.name]
            let start = members.count
            for (index, member) in upstream.members.enumerated() {
                var traffic = Traffic.unknown
                // Positions hold within a generation; a reload begins anew.
                if let before, elapsed > 0, old?.generation == counters.generation, index < before.count {
                    traffic = Traffic(from: before[index], to: .init(member), elapsed: elapsed)
                    if let known = previous?.members[start + index].traffic { traffic.smooth(known, elapsed) }
                }
                members.append(
                    Member(
                        endpoint: member.endpoint, upstream: position,
                        condition: Condition(state: member.state, checks: member.checks),
                        reason: Self.reason(member.checks), traffic: traffic, open: member.open))
            }
            let range = start..<members.count
            upstreams.append(
                Upstream(
                    name: upstream.name, members: range, condition: Condition(of: members[range].map(\.condition)),
                    traffic: Traffic(sum: members[range].lazy.map(\.traffic))))
        }
        let upstreamPositions = Self.positions(upstreams.map(\.name))
        var servers: [Server] = []
        for server in status.virtualServers {
            let behind = (topology.upstreamsOfServer[server.name] ?? []).compactMap { upstreamPositions[$0] }
            servers.append(
                Server(
                    name: server.name, region: server.region, endpoint: server.endpoint,
                    condition: Self.combined(
                        Condition(state: server.state, checks: server.checks), behind.map { upstreams[$0].condition }),
                    reason: server.hold.map(Self.reason) ?? Self.reason(server.checks),
                    isHeld: server.hold != nil, waits: server.hold?.kind == "manual", upstreams: behind,
                    traffic: behind.isEmpty ? nil : Traffic(sum: behind.map { upstreams[$0].traffic })))
        }
        let serverPositions = Self.positions(servers.map(\.name))
        let rates = answers.rates
        var pools: [Pool] = []
        for pool in status.pools {
            let inside = pool.virtualServers.compactMap { serverPositions[$0] }
            let traffic = Self.sum(inside.map { servers[$0].traffic })
            pools.append(
                Pool(
                    name: pool.name, region: pool.region, host: pool.host,
                    condition: Self.combined(Condition(state: pool.state), inside.map { servers[$0].condition }),
                    servers: inside, answers: rates?.rate(pool.name, \.pools), traffic: traffic))
        }
        let poolPositions = Self.positions(pools.map(\.name))
        wideIPs = status.wideIPs.map { wideIP in
            let inside = wideIP.pools.compactMap { poolPositions[$0] }
            let parts = inside.map { pools[$0].condition }
            // Its pools say more than that it works; that somebody disabled it, they do not know.
            let own = Condition(state: wideIP.state)
            return WideIP(
                name: wideIP.name, method: wideIP.method,
                condition: own == .up && !parts.isEmpty && !parts.contains(where: \.needsAttention)
                    ? Condition(of: parts) : Self.combined(own, parts),
                pools: inside, answers: rates?.rate(wideIP.name, \.wideIPs))
        }
        listeners = topology.listeners.map { listener in
            let behind = listener.upstreams.compactMap { upstreamPositions[$0] }
            return Listener(
                name: listener.name, endpoint: listener.endpoint,
                open: status.listeners.first { $0.name == listener.name }?.openConnections ?? 0,
                condition: behind.isEmpty ? .up : Condition(of: behind.map { upstreams[$0].condition }),
                upstreams: behind, traffic: behind.isEmpty ? nil : Traffic(sum: behind.map { upstreams[$0].traffic }))
        }
        let shares = answers.shares
        let lately = pools.map { shares?.rate($0.name, \.pools) ?? 0 }
        let allLately = lately.reduce(0, +)
        let cutOver = Set(status.regions.filter { $0.state == "cut-over" }.map(\.name))
        regions = topology.regions.map { region in
            let inside = servers.indices.filter { servers[$0].region == region.name }
            let named = pools.indices.filter { pools[$0].region == region.name }
            // A pool counts on its own only where it has no virtual server of this region to speak for it.
            let parts =
                inside.map { servers[$0].condition }
                + named.filter { pools[$0].servers.isEmpty || pools[$0].condition == .draining }
                .map { pools[$0].condition }
            return Region(
                name: region.name, condition: cutOver.contains(region.name) ? .cutOver : Condition(of: parts),
                servers: inside, pools: named,
                location: region.location,
                answers: rates == nil ? nil : named.compactMap { pools[$0].answers }.reduce(0, +),
                traffic: Self.sum(inside.map { servers[$0].traffic }),
                share: allLately > 0 ? named.reduce(0) { $0 + lately[$1] } / allLately : nil)
        }
        self.members = members
        self.upstreams = upstreams
        self.servers = servers
        self.pools = pools
        overridden = Dictionary(
            status.overrides.filter { $0.window == nil && $0.verdict != "weight" }
                .map { ("\($0.kind):\($0.name)", $0.verdict) }, uniquingKeysWith: { first, _ in first })
    }

    /// What says more than the state: the first check that is not well.
    private static func reason(_ checks: [NodeStatus.Check]) -> String {
        guard let check = checks.first(where: { $0.state == "down" }) else { return "" }
        return "\(check.monitor): \(check.reason)"
    }

    private static func reason(_ hold: NodeStatus.Hold) -> String {
        hold.reason.sentenceCase + (hold.seconds.map { ", let in again in \(Wording.remaining(seconds: $0))" } ?? "")
    }

    private static func positions(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What is up although something in it is not is degraded.
    private static func combined(_ own: Condition, _ parts: [Condition]) -> Condition {
        own == .up && parts.contains(where: \.needsAttention) ? .degraded : own
    }

    private static func sum(_ parts: [Traffic?]) -> Traffic? {
        let known = parts.compactMap(\.self)
        return known.isEmpty ? nil : Traffic(sum: known)
    }
}
