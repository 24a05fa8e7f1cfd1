import ArgumentParser
import ControlPlane
import TrafficModel

/// The part of a status that somebody wants to see. Names may be patterns with `*` and `?`.
struct StatusFilter: ParsableArguments {
    @Option(
        help: "Only this region: its pools, virtual servers and listeners, and the wide IPs over them.",
        completion: LiveNames.completion(.region))
    var region: String?
    @Option(
        help: "Only this pool, its virtual servers, and the wide IPs over it.", completion: LiveNames.completion(.pool))
    var pool: String?
    @Option(
        help: "Only this wide IP, with its pools and virtual servers.", completion: LiveNames.completion(.wideIP))
    var wideIP: String?
    @Option(help: "Only this upstream.", completion: LiveNames.completion(.upstream)) var upstream: String?
    @Flag(help: "Only what is not as it should be.") var problems = false

    var isEmpty: Bool { region == nil && pool == nil && wideIP == nil && upstream == nil && !problems }

    func apply(to status: NodeStatus) -> NodeStatus {
        guard !isEmpty else { return status }
        var result = status
        if region != nil || pool != nil || wideIP != nil {
            steered(&result)
            if upstream == nil { result.upstreams = [] }
        } else if upstream != nil {
            (result.wideIPs, result.pools, result.virtualServers) = ([], [], [])
            (result.listeners, result.routes, result.certificates) = ([], [], [])
        }
        if let upstream {
            let glob = Glob(upstream)
            result.upstreams = result.upstreams.filter { glob.matches($0.name) }
        }
        if problems { keepProblems(&result) }
        return result
    }

    private func steered(_ status: inout NodeStatus) {
        if let wideIP {
            let glob = Glob(wideIP)
            status.wideIPs.removeAll { !glob.matches($0.name) }
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
        let endpoints = Set(status.virtualServers.map(\.endpoint))
        status.listeners.removeAll { !endpoints.contains($0.endpoint) }
        let listeners = Set(status.listeners.map(\.name))
        status.routes.removeAll { !listeners.contains($0.listener) }
    }

    private func keepProblems(_ status: inout NodeStatus) {
        status.virtualServers.removeAll { $0.isWell }
        let servers = Set(status.virtualServers.map(\.name))
        status.pools.removeAll { pool in
            pool.state == "available" && !pool.virtualServers.contains(where: servers.contains)
        }
        let pools = Set(status.pools.map(\.name))
        for index in status.wideIPs.indices { status.wideIPs[index].pools.removeAll { !pools.contains($0) } }
        status.wideIPs.removeAll { $0.pools.isEmpty }
        for index in status.upstreams.indices { status.upstreams[index].members.removeAll { $0.isWell } }
        status.upstreams.removeAll { $0.members.isEmpty }
        status.routes.removeAll { $0.traffic.serverErrors == 0 && $0.traffic.unanswered == 0 }
        status.certificates.removeAll { $0.daysLeft >= Self.certificateDays }
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
