import Addresses
package import TrafficModel

extension Intent {
    /// Where this node's listeners are.
    var listeningEndpoints: Set<Endpoint> { Set(listeners.map(\.endpoint)) }

    /// Everything that must be probed: virtual servers as the WIP tier sees them and members as the VIP tier does. Two
    /// users of one check on one endpoint share a target.
    package var healthTargets: Set<HealthTarget> {
        var targets: Set<HealthTarget> = []
        for server in virtualServers {
            for monitor in server.monitors {
                targets.insert(HealthTarget(endpoint: server.endpoint, monitor: monitors[monitor]))
            }
        }
        for upstream in upstreams {
            for monitor in upstream.monitors {
                for member in upstream.members {
                    targets.insert(HealthTarget(endpoint: member.endpoint, monitor: monitors[monitor]))
                }
            }
        }
        return targets
    }
}
