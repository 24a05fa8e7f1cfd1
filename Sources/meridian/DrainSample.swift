import ControlPlane
import TrafficModel

/// One look at what drains.
struct DrainSample {
    /// Connections of its listeners, or requests and connections of its members.
    var open = 0
    /// Requests or connections that ever came to it, and to all that is like it.
    var arrived: UInt64 = 0
    var all: UInt64 = 0
    /// Listeners or members that are part of it here.
    var parts: [String] = []
    /// How long resolvers may keep an answer that leads to it.
    var memory = Duration.zero

    init(of kind: Overrides.Subject.Kind, _ name: String, in status: NodeStatus) {
        let glob = Glob(name)
        if kind == .member { members(glob, status) } else { listeners(kind, glob, status) }
    }

    private mutating func members(_ glob: Glob, _ status: NodeStatus) {
        for upstream in status.upstreams {
            let own = upstream.members.filter { glob.matches("\(upstream.name)/\($0.endpoint)") }
            guard !own.isEmpty else { continue }
            open += own.reduce(0) { $0 + $1.open }
            arrived += own.reduce(0) { $0 + $1.started }
            all += upstream.members.reduce(0) { $0 + $1.started }
            parts += own.map { "\(upstream.name)/\($0.endpoint)" }
        }
    }

    private mutating func listeners(_ kind: Overrides.Subject.Kind, _ glob: Glob, _ status: NodeStatus) {
        let pools = status.pools.filter { pool in
            switch kind {
            case .pool: glob.matches(pool.name)
            case .region: pool.region.map(glob.matches) ?? false
            default: pool.virtualServers.contains(where: glob.matches)
            }
        }
        let servers = status.virtualServers.filter { server in
            switch kind {
            case .pool: pools.contains { $0.virtualServers.contains(server.name) }
            case .region: glob.matches(server.region)
            default: glob.matches(server.name)
            }
        }
        // A client may learn the pool's name at the last moment, and its address at the last moment of that.
        let names = Set(pools.map(\.name))
        let first = status.wideIPs.filter { !names.isDisjoint(with: $0.pools) }.compactMap(\.ttl).max() ?? 0
        let second = pools.map(\.ttl).max() ?? 0
        memory = status.dns.endpoints.isEmpty ? .zero : .seconds(Int(max(first, second)) + Int(second))
        let own = Set(status.listeners(of: servers).map(\.name))
        for listener in status.listeners {
            let routes = status.routes.filter { $0.listener == listener.name }
            // Connections where nothing is known of requests.
            let came = routes.isEmpty ? listener.connections : routes.reduce(0) { $0 + $1.traffic.requests }
            all += came
            guard own.contains(listener.name) else { continue }
            open += listener.openConnections
            arrived += came
            parts.append("listener \(listener.name)")
        }
    }
}
