/// What the configuration says, with every reference resolved: the first input of `compile`.
///
/// References between parts are positions in the arrays below, so an `Intent` that exists has none that dangle.
package struct Intent: Sendable {
    /// Rises with each configuration that was accepted; 1 is the first.
    package var generation: UInt64 = 1
    package var dns = NameServer()
    package var geography: [GeographySource] = []
    package var regions: [Region] = []
    package var monitors: [Monitor] = []
    package var virtualServers: [VirtualServer] = []
    package var pools: [Pool] = []
    package var wideIPs: [WideIP] = []
    package var zones: [Zone] = []
    package var certificates: [Certificate] = []
    package var listeners: [Listener] = []
    package var upstreams: [Upstream] = []
    package var proxy = ProxySettings()
    package var measurements = MeasurementSettings()
    package var admin = AdminSettings()
    package var metrics = MetricsSettings()
    package var objectives = ObjectiveSettings()
    package var log = LogSettings()
    package var safety = Safety()
    /// By name.
    package var windows: [String: MaintenanceWindow] = [:]

    package init() {}
}

extension Intent {
    /// Whether the TTL of some answer goes by what is known of servers.
    package var usesStateTTL: Bool {
        pools.contains { $0.minimumTTL != nil } || wideIPs.contains { $0.minimumTTL != nil }
    }

    /// What a virtual server must show before it is used again: its own rule, else its region's.
    package func failback(of server: VirtualServer) -> Failback? {
        let rule = server.failback ?? regions[server.region].failback
        return rule.flatMap { $0.isAny ? $0 : nil }
    }

    /// What a virtual server's monitors say together: one that has it down is enough, and all must have been heard for
    /// it to be up. Without monitors nothing is known.
    package func health(of server: VirtualServer, in health: [HealthTarget: HealthState]) -> HealthState {
        var result = server.monitors.isEmpty ? HealthState.unknown : .up
        for monitor in server.monitors {
            switch health[HealthTarget(endpoint: server.endpoint, monitor: monitors[monitor])] ?? .unknown {
            case .down: return .down
            case .unknown: result = .unknown
            case .up: break
            }
        }
        return result
    }

    /// The virtual servers that depend on others, each behind those that it depends on; `nil`: some do in a circle.
    package var dependents: [Int]? {
        var order: [Int] = []
        /// 1: on the way, 2: done.
        var marks = [UInt8](repeating: 0, count: virtualServers.count)
        for start in virtualServers.indices where !virtualServers[start].dependsOn.isEmpty && marks[start] == 0 {
            // Depth first, without recursion: a chain may be as long as the list.
            var path: [(server: Int, next: Int)] = [(start, 0)]
            marks[start] = 1
            while let (server, next) = path.last {
                let needed = virtualServers[server].dependsOn
                guard next < needed.count else {
                    marks[server] = 2
                    if !needed.isEmpty { order.append(server) }
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                switch marks[needed[next]] {
                case 0:
                    marks[needed[next]] = 1
                    path.append((needed[next], 0))
                case 1: return nil
                default: break
                }
            }
        }
        return order
    }
}
