import Addresses
import Authority
import Balancing
package import ConfigurationLoading
import DNSWire
import HealthMonitoring
import ProxyService
import Steering
import Telemetry
import TrafficModel

/// The parts of a node, one by one: only what is asked for is put into words, for there may be tens of thousands.
extension NodeView {
    // MARK: Lists

    /// - Parameters:
    ///   - name, state: of the item at a position.
    ///   - item: makes it, of those that are on the page.
    private func list<Item: Codable & Sendable>(
        _ count: Int, _ query: ListQuery, name: (Int) -> String, state: (Int) -> String, item: (Int) -> Item
    ) -> Listing<Item> {
        let wanted = query.search.lowercased()
        let found = (0..<count).filter { position in
            (query.states.isEmpty || query.states.contains(state(position)))
                && (wanted.isEmpty || name(position).lowercased().contains(wanted))
        }
        return Listing(
            total: found.count, offset: query.offset, items: found.dropFirst(query.offset).prefix(query.limit).map(item)
        )
    }

    package func wideIPs(_ query: ListQuery) -> Listing<Resource.WideIP> {
        return list(
            intent.wideIPs.count, query, name: { intent.wideIPs[$0].name.description },
            state: { table.wideIPs[$0].text }, item: { wideIP(at: $0, isWhole: false) })
    }

    package func pools(_ query: ListQuery) -> Listing<Resource.Pool> {
        let load = ClientLoad(proxy)
        return list(
            intent.pools.count, query, name: { intent.pools[$0].name }, state: { table.pools[$0].text },
            item: { pool(at: $0, load, isWhole: false) })
    }

    package func regions(_ query: ListQuery) -> Listing<Resource.Region> {
        let load = ClientLoad(proxy)
        return list(
            intent.regions.count, query, name: { intent.regions[$0].name }, state: { table.regions[$0].text },
            item: { region(at: $0, load, isWhole: false) })
    }

    package func virtualServers(_ query: ListQuery) async -> Listing<Resource.VirtualServer> {
        let (findings, load) = (await findings(), ClientLoad(proxy))
        return list(
            intent.virtualServers.count, query, name: { intent.virtualServers[$0].name },
            state: { table.servers[$0].text }, item: { virtualServer(at: $0, findings, load, isWhole: false) })
    }

    package func upstreams(_ query: ListQuery) -> Listing<Resource.Upstream> {
        return list(
            intent.upstreams.count, query, name: { intent.upstreams[$0].name },
            state: { StateTable.summary(of: table.members[$0]).text }, item: upstream)
    }

    /// - Parameter upstream: `nil`: of all; an unknown one has no members, and no answer.
    package func members(of upstream: String?, _ query: ListQuery) async -> Listing<Resource.Member>? {
        let findings = await findings()
        let places = intent.upstreams.indices.filter { upstream == nil || intent.upstreams[$0].name == upstream }
            .flatMap { position in intent.upstreams[position].members.indices.map { (position, $0) } }
        if let upstream, !intent.upstreams.contains(where: { $0.name == upstream }) { return nil }
        return list(
            places.count, query,
            name: { index in
                let (upstream, member) = places[index]
                return "\(intent.upstreams[upstream].name)/\(intent.upstreams[upstream].members[member].endpoint)"
            },
            state: { table.members[places[$0].0][places[$0].1].text },
            item: { member(places[$0].0, places[$0].1, findings, isWhole: false) })
    }

    package func listeners(_ query: ListQuery) -> Listing<Resource.Listener> {
        let found = proxy.status.listeners
        return list(
            found.count, query, name: { found[$0].name }, state: { _ in "listening" },
            item: {
                .init(
                    name: found[$0].name, state: "listening", endpoint: found[$0].endpoint.description,
                    openConnections: found[$0].openConnections)
            })
    }

    package func certificates(_ query: ListQuery) -> Listing<Resource.Certificate> {
        let found = proxy.certificates.map { certificate in
            let left = certificate.daysLeft
            return Resource.Certificate(
                name: certificate.name, state: left < 0 ? "ended" : left < 30 ? "expiring" : "valid", daysLeft: left,
                end: Int64(certificate.end) * 1000)
        }
        return list(
            found.count, query, name: { found[$0].name }, state: { found[$0].state }, item: { found[$0] })
    }

    package func monitors(_ query: ListQuery) async -> Listing<Resource.Monitor> {
        let found = await health.status().sorted { left, right in
            (left.target.monitor.name, "\(left.target.endpoint)")
                < (right.target.monitor.name, "\(right.target.endpoint)")
        }
        return list(
            found.count, query, name: { Node.subject(of: found[$0].target).name }, state: { "\(found[$0].state)" },
            item: { monitor(found[$0], isWhole: false) })
    }

    // MARK: One

    /// - Parameter name: in capital letters or small ones: names of the DNS are the same in both.
    package func wideIP(named name: String) -> Resource.WideIP? {
        let name = name.lowercased()
        return intent.wideIPs.firstIndex { $0.name.description.lowercased() == name }.map {
            wideIP(at: $0, isWhole: true)
        }
    }

    package func pool(named name: String) -> Resource.Pool? {
        intent.pools.firstIndex { $0.name == name }.map { pool(at: $0, ClientLoad(proxy), isWhole: true) }
    }

    package func region(named name: String) -> Resource.Region? {
        intent.regions.firstIndex { $0.name == name }.map {
            region(at: $0, ClientLoad(proxy), isWhole: true)
        }
    }

    package func virtualServer(named name: String) async -> Resource.VirtualServer? {
        let findings = await findings()
        return intent.virtualServers.firstIndex { $0.name == name }.map {
            virtualServer(at: $0, findings, ClientLoad(proxy), isWhole: true)
        }
    }

    package func upstream(named name: String) -> Resource.Upstream? {
        intent.upstreams.firstIndex { $0.name == name }.map(upstream)
    }

    package func member(_ endpoint: String, of upstream: String) async -> Resource.Member? {
        let findings = await findings()
        guard let position = intent.upstreams.firstIndex(where: { $0.name == upstream }),
            let place = intent.upstreams[position].members.firstIndex(where: { $0.endpoint.description == endpoint })
        else { return nil }
        return member(position, place, findings, isWhole: true)
    }

    package func monitor(_ name: String, of endpoint: String) async -> Resource.Monitor? {
        await health.status().first { $0.target.monitor.name == name && $0.target.endpoint.description == endpoint }
            .map { monitor($0, isWhole: true) }
    }

    // MARK: Items

    /// What monitors find of an endpoint, whatever operators say of it.
    func checks(_ endpoint: Endpoint, _ monitors: [Int], _ findings: Findings) -> [NodeStatus.Check] {
        monitors.map { position in
            let monitor = intent.monitors[position]
            let status = findings[HealthTarget(endpoint: endpoint, monitor: monitor)]
            return .init(
                monitor: monitor.name, state: "\(status?.state ?? .unknown)",
                age: status.map { Double($0.stateAge / .milliseconds(1)) / 1000 }, reason: status?.lastReason ?? "")
        }
    }

    private func turns(
        _ kind: String, _ name: String, _ isWhole: Bool
    ) -> (latest: StateTurn?, history: [StateTurn]?) {
        let history = journal.history(of: .init(kind, name))
        return (history.last, isWhole ? history : nil)
    }

    private func servers(_ positions: some Sequence<Int>) -> [Resource.Part] {
        positions.map { .init(name: intent.virtualServers[$0].name, state: table.servers[$0].text) }
    }

    private func parts(ofPools positions: some Sequence<Int>) -> [Resource.Part] {
        positions.map { .init(name: intent.pools[$0].name, state: table.pools[$0].text) }
    }

    private func wideIP(at position: Int, isWhole: Bool) -> Resource.WideIP {
        let wideIP = intent.wideIPs[position]
        let name = wideIP.name.description
        let turns = turns("wide-ip", name, isWhole)
        return .init(
            name: name, state: table.wideIPs[position].text, latest: turns.latest, history: turns.history,
            method: wideIP.method.rawValue, ttl: wideIP.ttl, aliases: wideIP.aliases.map(\.description),
            pools: parts(ofPools: wideIP.pools))
    }

    private func pool(at position: Int, _ load: ClientLoad, isWhole: Bool) -> Resource.Pool {
        let pool = intent.pools[position]
        let turns = turns("pool", pool.name, isWhole)
        return .init(
            name: pool.name, state: table.pools[position].text, latest: turns.latest, history: turns.history,
            region: pool.region.map { intent.regions[$0].name }, host: pool.host?.description, ttl: pool.ttl,
            virtualServers: servers(pool.virtualServers),
            clients: load.clients(at: pool.virtualServers.lazy.map { intent.virtualServers[$0].endpoint }))
    }

    private func region(at position: Int, _ load: ClientLoad, isWhole: Bool) -> Resource.Region {
        let region = intent.regions[position]
        let turns = turns("region", region.name, isWhole)
        let inside = intent.virtualServers.indices.filter { intent.virtualServers[$0].region == position }
        return .init(
            name: region.name, state: table.regions[position].text, latest: turns.latest,
            history: turns.history, latitude: region.location?.latitude, longitude: region.location?.longitude,
            virtualServers: servers(inside),
            pools: parts(ofPools: intent.pools.indices.filter { intent.pools[$0].region == position }),
            clients: load.clients(at: inside.lazy.map { intent.virtualServers[$0].endpoint }))
    }

    private func virtualServer(
        at position: Int, _ findings: Findings, _ load: ClientLoad, isWhole: Bool
    ) -> Resource.VirtualServer {
        let server = intent.virtualServers[position]
        let turns = turns("virtual-server", server.name, isWhole)
        return .init(
            name: server.name, state: table.servers[position].text, latest: turns.latest,
            history: turns.history, region: intent.regions[server.region].name,
            endpoint: server.endpoint.description, checks: checks(server.endpoint, server.monitors, findings),
            condition: observations.conditions[server.name]?.words(now: MonotonicClock.now),
            clients: load.clients(at: CollectionOfOne(server.endpoint)))
    }

    private func upstream(at position: Int) -> Resource.Upstream {
        let states = table.members[position]
        return .init(
            name: intent.upstreams[position].name, state: StateTable.summary(of: states).text,
            members: states.count, available: states.count { $0 == .available },
            open: snapshot.balancing.upstreams[position].members.reduce(0) { $0 + $1.state.openCount })
    }

    private func member(
        _ upstream: Int, _ position: Int, _ findings: Findings, isWhole: Bool
    ) -> Resource.Member {
        let settings = intent.upstreams[upstream]
        let found = snapshot.balancing.upstreams[upstream].members[position]
        let name = "\(settings.name)/\(found.endpoint)"
        let turns = turns("member", name, isWhole)
        return .init(
            name: name, state: table.members[upstream][position].text, latest: turns.latest,
            history: turns.history, upstream: settings.name, endpoint: found.endpoint.description,
            open: found.state.openCount, started: found.state.startedCount, failed: found.state.failureCount,
            ejections: found.state.ejectionCount, checks: checks(found.endpoint, settings.monitors, findings),
            traffic: .init(found.state.traffic.totals))
    }

    private func monitor(_ status: TargetStatus, isWhole: Bool) -> Resource.Monitor {
        let subject = Node.subject(of: status.target)
        let turns = turns(subject.kind, subject.name, isWhole)
        return .init(
            name: subject.name, state: "\(status.state)", latest: turns.latest, history: turns.history,
            monitor: status.target.monitor.name, endpoint: status.target.endpoint.description,
            reason: status.lastReason ?? "", checks: status.checks, failures: status.failures,
            seconds: status.lastDuration.map { Double(Int($0 / .microseconds(1))) / 1_000_000 })
    }

    // MARK: The node

    package func overview() -> Resource.Node {
        let states = table
        func count(_ states: some Sequence<StateTable.State>) -> [String: Int] {
            states.reduce(into: [:]) { $0[$1.text, default: 0] += 1 }
        }
        return .init(
            generation: snapshot.generation, epoch: snapshot.epoch,
            uptime: Double((ContinuousClock.now - started) / .milliseconds(1)) / 1000, configuration: configurationPath,
            states: [
                "wide-ip": count(states.wideIPs), "pool": count(states.pools), "region": count(states.regions),
                "virtual-server": count(states.servers), "member": count(states.members.joined()),
            ], overrides: overrideStatus.count, windows: windows.count, shifts: operators.shifts.count,
            zones: intent.zones.count, brokenZones: zoneFailures.count, events: journal.counts,
            admin: adminCounters.totals)
    }

    /// The configuration in force, with what was to think about when it was read.
    package func configuration() -> Resource.Configuration {
        .init(
            path: configurationPath, generation: snapshot.generation, isValid: true,
            diagnostics: diagnostics.map(Resource.Diagnostic.init), refusedReload: refusedReload)
    }
}

extension Resource.Diagnostic {
    package init(_ diagnostic: Diagnostic) {
        self.init(
            severity: diagnostic.severity.rawValue, file: diagnostic.file, line: diagnostic.line,
            column: diagnostic.column, path: diagnostic.path, message: diagnostic.message)
    }
}
