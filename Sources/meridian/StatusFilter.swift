import ArgumentParser
import ControlPlane
import TrafficModel

/// The part of a status that somebody wants to see. Names may be patterns with `*` and `?`.
struct StatusFilter: ParsableArguments {
    @Option(
        help:
            "Only this region: its pools and virtual servers, the wide IPs over them, and the listeners and upstreams behind.",
        completion: LiveNames.completion(.region))
    var region: String?
    @Option(
        help: "Only this pool, its virtual servers, the wide IPs over it, and what is behind.",
        completion: LiveNames.completion(.pool))
    var pool: String?
    @Option(
        help: "Only this wide IP, with its pools and virtual servers, and what is behind.",
        completion: LiveNames.completion(.wideIP))
    var wideIP: String?
    @Option(help: "Only this upstream.", completion: LiveNames.completion(.upstream)) var upstream: String?
    @Flag(help: "Only what is not as it should be.") var problems = false

    var isEmpty: Bool { !hasNames && !problems }

    private var hasNames: Bool { region != nil || pool != nil || wideIP != nil || upstream != nil }

    /// - Throws: `ExitCode.refused`, with a word on standard error, where a name fits nothing: all would seem well.
    func apply(to status: NodeStatus) throws -> NodeStatus {
        guard !isEmpty else { return status }
        var result = status
        try check(region, "region", status.regions.map(\.name))
        try check(pool, "pool", status.pools.map(\.name))
        // Names of the DNS are the same in capital letters and small ones.
        try check(wideIP?.lowercased(), "wide IP", status.wideIPs.map { $0.name.lowercased() })
        try check(upstream, "upstream", status.upstreams.map(\.name))
        if region != nil || pool != nil || wideIP != nil {
            steered(&result)
        } else if upstream != nil {
            (result.regions, result.wideIPs, result.pools, result.virtualServers) = ([], [], [], [])
            (result.listeners, result.routes, result.certificates) = ([], [], [])
        }
        if let upstream {
            let glob = Glob(upstream)
            result.upstreams = status.upstreams.filter { glob.matches($0.name) }
        }
        if hasNames { keepOrders(&result) }
        if problems { result.keepProblems() }
        return result
    }

    private func check(_ wanted: String?, _ noun: String, _ known: [String]) throws {
        guard let wanted else { return }
        let glob = Glob(wanted)
        guard !known.contains(where: glob.matches) else { return }
        let shown = known.prefix(Self.nameLimit).joined(separator: ", ")
        let more = known.count > Self.nameLimit ? " and \(known.count - Self.nameLimit) more" : ""
        Terminal.error("no \(noun) matches \(wanted); known: \(known.isEmpty ? "none" : shown + more)")
        throw ExitCode.refused
    }

    private static let nameLimit = 10

    private func steered(_ status: inout NodeStatus) {
        if let wideIP {
            let glob = Glob(wideIP.lowercased())
            status.wideIPs.removeAll { !glob.matches($0.name.lowercased()) }
            let pools = Set(status.wideIPs.flatMap(\.pools))
            status.pools.removeAll { !pools.contains($0.name) }
        }
        if let region {
            let glob = Glob(region)
            status.pools.removeAll { pool in !(pool.region.map(glob.matches) ?? false) }
            status.virtualServers.removeAll { !glob.matches($0.region) }
        }
        if let pool {
            let glob = Glob(pool)
            status.pools.removeAll { !glob.matches($0.name) }
        }
        if pool != nil || wideIP != nil {
            let servers = Set(status.pools.flatMap(\.virtualServers))
            status.virtualServers.removeAll { !servers.contains($0.name) }
        }
        let pools = Set(status.pools.map(\.name))
        for index in status.wideIPs.indices { status.wideIPs[index].pools.removeAll { !pools.contains($0) } }
        status.wideIPs.removeAll { $0.pools.isEmpty }
        var regions = Set(status.pools.compactMap(\.region) + status.virtualServers.map(\.region))
        if let region {
            let glob = Glob(region)
            regions.formUnion(status.regions.map(\.name).filter(glob.matches))
        }
        status.regions.removeAll { !regions.contains($0.name) }
        status.listeners = status.listeners(of: status.virtualServers)
        let listeners = Set(status.listeners.map(\.name))
        status.routes.removeAll { !listeners.contains($0.listener) }
        let upstreams = Set(status.listeners.flatMap(\.upstreams))
        status.upstreams.removeAll { !upstreams.contains($0.name) }
    }

    /// Of overrides, windows and shifts those that are about what is kept.
    private func keepOrders(_ status: inout NodeStatus) {
        let names: [String: [String]] = [
            "region": status.regions.map(\.name), "pool": status.pools.map(\.name),
            "wide-ip": status.wideIPs.map(\.name), "virtual-server": status.virtualServers.map(\.name),
            "member": status.upstreams.flatMap { upstream in
                upstream.members.map { "\(upstream.name)/\($0.endpoint)" }
            },
        ]
        let concerns = { (kind: String, name: String) in
            let glob = Glob(name)
            return names[kind]?.contains(where: glob.matches) ?? false
        }
        status.overrides.removeAll { override in
            !concerns(override.kind, override.name) && !(override.target.map { concerns(override.kind, $0) } ?? false)
        }
        status.windows.removeAll { !concerns($0.kind, $0.subject) }
        status.shifts.removeAll { !concerns($0.kind, $0.from) && !concerns($0.kind, $0.to) }
    }
}

extension NodeStatus {
    /// Takes out what is as it should be.
    mutating func keepProblems() {
        regions.removeAll { $0.state == "available" }
        virtualServers.removeAll { $0.isWell }
        let servers = Set(virtualServers.map(\.name))
        pools.removeAll { pool in
            pool.state == "available" && !pool.virtualServers.contains(where: servers.contains)
        }
        let kept = Set(pools.map(\.name))
        for index in wideIPs.indices { wideIPs[index].pools.removeAll { !kept.contains($0) } }
        wideIPs.removeAll { $0.pools.isEmpty && $0.state == "available" }
        for index in upstreams.indices { upstreams[index].members.removeAll { $0.isWell } }
        upstreams.removeAll { $0.members.isEmpty }
        routes.removeAll { $0.isWell }
        listeners = []
        certificates.removeAll { $0.daysLeft >= Self.certificateDays }
    }

    /// A certificate with fewer days left is a problem.
    private static let certificateDays = 14
}

extension NodeStatus.VirtualServer {
    var isWell: Bool { state == "available" && hold == nil && !checks.contains { $0.state == "down" } }
}

extension NodeStatus.Member {
    var isWell: Bool { state == "available" && !checks.contains { $0.state == "down" } }
}

extension NodeStatus.Route {
    /// Whether it failed nobody lately: errors of last month are no problem of now.
    var isWell: Bool { failedAgo.map { $0 >= Self.memory } ?? true }

    /// Seconds.
    private static let memory = 60.0
}
