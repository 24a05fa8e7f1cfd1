package import TrafficModel

/// What can have changed who is available since the snapshot before.
package struct AvailabilityChanges: Sendable {
    package var targets: Set<HealthTarget>
    /// Positions of virtual servers whose ``TrafficModel/ServerCondition`` began or ended.
    package var servers: [Int]

    package init(targets: Set<HealthTarget> = [], servers: [Int] = []) {
        self.targets = targets
        self.servers = servers
    }
}

/// Where each monitor's target and each virtual server is used, so that one change costs what depends on it and not
/// what there is.
struct ServerUses: Sendable {
    private let serversOfTarget: [HealthTarget: [UInt32]]
    /// The pools of server n are those from `firstPool[n]` to `firstPool[n + 1]`.
    private let firstPool: [UInt32]
    private let pools: [UInt32]

    init(_ intent: Intent) {
        var servers: [HealthTarget: [UInt32]] = [:]
        for (position, server) in intent.virtualServers.enumerated() {
            for monitor in server.monitors {
                let target = HealthTarget(endpoint: server.endpoint, monitor: intent.monitors[monitor])
                servers[target, default: []].append(UInt32(position))
            }
        }
        serversOfTarget = servers
        var counts = [UInt32](repeating: 0, count: intent.virtualServers.count + 1)
        for server in intent.pools.lazy.flatMap(\.virtualServers) { counts[server + 1] += 1 }
        for position in counts.indices.dropFirst() { counts[position] += counts[position - 1] }
        firstPool = counts
        var list = [UInt32](repeating: 0, count: Int(counts.last ?? 0))
        for (position, pool) in intent.pools.enumerated() {
            for server in pool.virtualServers {
                list[Int(counts[server])] = UInt32(position)
                counts[server] += 1
            }
        }
        pools = list
    }

    func servers(of target: HealthTarget) -> [Int] { serversOfTarget[target]?.map { Int($0) } ?? [] }

    func pools(of server: Int) -> [Int] {
        pools[Int(firstPool[server])..<Int(firstPool[server + 1])].map { Int($0) }
    }
}
