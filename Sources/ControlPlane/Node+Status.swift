import Addresses
import Authority
import Balancing
import ConfigurationLoading
import DNSService
import DNSWire
import HealthMonitoring
import ProxyService
import Steering
import Telemetry
import TrafficModel

extension Node {
    /// One line for service managers.
    package var summary: String {
        "generation \(snapshot.generation), \(compiler.intent.wideIPs.count) wide IPs, \(compiler.intent.listeners.count) listeners"
    }

    /// What the node serves and how it fares, as of now.
    package func status() async -> NodeStatus { await view().status(windows: windowStatus) }
}

extension NodeView {
    @concurrent
    func status(windows: [NodeStatus.Window]) async -> NodeStatus {
        let found = await findings()
        let (intent, steering) = (intent, snapshot.authority.steering)
        let answers = AnswerCounts(dnsCounters.all, pairSlots, poolSlots)
        let now = MonotonicClock.now
        let upstreams = Dictionary(
            snapshot.balancing.listeners.map { listener in
                (listener.name, listener.upstreams.map { snapshot.balancing.upstreams[$0].name })
            }, uniquingKeysWith: { first, _ in first })
        return NodeStatus(
            generation: snapshot.generation, epoch: snapshot.epoch,
            uptime: Double((ContinuousClock.now - started) / .milliseconds(1)) / 1000,
            regions: intent.regions.enumerated().map { position, region in
                .init(
                    name: region.name, state: table.regions[position].text,
                    target: effective.regionCutovers[position]?.entry.target)
            },
            wideIPs: intent.wideIPs.enumerated().map { position, wideIP in
                .init(
                    name: wideIP.name.description, state: table.wideIPs[position].text, method: wideIP.method.rawValue,
                    pools: wideIP.pools.map { intent.pools[$0].name }, ttl: wideIP.ttl,
                    answers: answers.wideIPs[wideIP.name.description] ?? 0)
            },
            pools: intent.pools.enumerated().map { position, pool in
                .init(
                    name: pool.name, region: pool.region.map { intent.regions[$0].name },
                    host: pool.host?.description, state: table.pools[position].text,
                    target: effective.poolCutovers[position]?.entry.target,
                    virtualServers: pool.virtualServers.map { intent.virtualServers[$0].name }, ttl: pool.ttl,
                    answers: answers.pools[pool.name] ?? 0)
            },
            virtualServers: zip(intent.virtualServers, steering.servers).map { server, availability in
                .init(
                    name: server.name, region: intent.regions[server.region].name,
                    endpoint: server.endpoint.description, state: "\(availability)",
                    checks: checks(server.endpoint, server.monitors, found),
                    hold: observations.conditions[server.name].map { .init($0, now: MonotonicClock.now) })
            },
            upstreams: zip(intent.upstreams, snapshot.balancing.upstreams).map { upstream, compiled in
                .init(
                    name: upstream.name,
                    members: compiled.members.map { member in
                        Self.status(of: member, checks: checks(member.endpoint, upstream.monitors, found))
                    })
            },
            listeners: proxy.status.listeners.map {
                .init(
                    name: $0.name, endpoint: $0.endpoint.description, openConnections: $0.openConnections,
                    connections: $0.connections, upstreams: upstreams[$0.name] ?? [])
            },
            routes: proxy.routes.map {
                .init(
                    listener: $0.listener, name: $0.name, traffic: .init($0.traffic),
                    failedAgo: routeFailures.age(of: $0, now: now))
            },
            certificates: proxy.certificates.map { .init(name: $0.name, daysLeft: $0.daysLeft) },
            refusedReload: refusedReload,
            overrides: overrideStatus, windows: windows, shifts: shiftStatus,
            refusedChanges: refusedChanges, events: journal.counts, admin: adminCounters.totals,
            dns: .init(
                endpoints: dns?.endpoints.map(\.description) ?? [],
                queries: dnsCounters.all.reduce(0) { $0 + $1.value(.udpQueries) + $1.value(.tcpQueries) },
                latest: latestDecisions, counters: dns == nil ? [:] : dnsCounters.totals, zones: intent.zones.count,
                brokenZones: zoneFailures.map {
                    .init(name: $0.origin, file: $0.file, isServed: $0.isServed, reasons: $0.messages)
                }),
            proxy: .init(proxy.status))
    }

    private static func status(of member: MemberSnapshot, checks: [NodeStatus.Check]) -> NodeStatus.Member {
        let now = MonotonicClock.now
        var status = NodeStatus.Member(
            endpoint: member.endpoint.description, state: StateTable.State(member, now: now).text,
            open: member.state.openCount, started: member.state.startedCount, failed: member.state.failureCount,
            ejections: member.state.ejectionCount, checks: checks, traffic: .init(member.state.traffic.totals))
        if let failure = member.state.latestFailure, failure.reason.isOfCertificate {
            let age = Double(now - min(now, failure.at)) / 1e9
            if age < 3_600 { (status.refusal, status.refusedAgo) = ("\(failure.reason.text)", age) }
        }
        return status
    }

    /// Newest first, over all workers.
    private var latestDecisions: [NodeStatus.Decision] {
        let data = snapshot.authority.data
        let all = dnsCounters.all.flatMap { $0.latestDecisions(10, in: data) }
        return all.sorted { $0.time > $1.time }.prefix(10).map {
            .init(
                name: $0.name.description, client: $0.client.description, pool: $0.poolName, scope: Int($0.scope))
        }
    }
}

extension NodeStatus.Hold {
    fileprivate init(_ condition: ServerCondition, now: UInt64) {
        reason = condition.words
        switch condition {
        case .held(let end), .damped(let end): seconds = Double(end > now ? end - now : 0) / 1e9
        case .locked: seconds = nil
        }
        kind =
            switch condition {
            case .held: "hold-down"
            case .damped: "damping"
            case .locked: "manual"
            }
    }
}

extension NodeStatus.Traffic {
    init(_ totals: TrafficTotals) {
        self.init(
            requests: totals.requests, informational: totals.informational, successes: totals.successes,
            redirections: totals.redirections, clientErrors: totals.clientErrors, serverErrors: totals.serverErrors,
            unanswered: totals.unanswered, bytes: totals.bytes, seconds: Double(totals.nanoseconds / 1000) / 1_000_000)
    }
}

extension NodeStatus.Proxy {
    fileprivate init(_ status: ProxyStatus) {
        self.init(
            requests: status.requests, failures: status.failures, openConnections: status.openConnections,
            drainingConnections: status.drainingConnections, aborted: status.aborted, retries: status.retries,
            replays: status.replays, malformed: status.malformed, timeouts: status.timeouts,
            rateLimited: status.rateLimited, overloaded: status.overloaded, evicted: status.evicted,
            hoards: status.hoards, sourceLimited: status.sourceLimited, floods: status.floods,
            refusedStreams: status.refusedStreams, loops: status.loops,
            descriptorPauses: status.descriptorPauses,
            bufferedBytes: status.bufferedBytes)
    }
}
