import Addresses
import Balancing
import ProxyService

/// What clients do on the listeners of this node, by the addresses of virtual servers.
struct ClientLoad {
    private var loads: [Resource.Clients] = []
    private var byEndpoint: [Endpoint: [Int]] = [:]
    /// Of listeners on any address.
    private var byPort: [UInt16: [Int]] = [:]

    init(_ proxy: ProxyServer) {
        var requests: [String: UInt64] = [:]
        for route in proxy.routes { requests[route.listener, default: 0] += route.traffic.requests }
        for listener in proxy.status.listeners {
            let endpoint = listener.endpoint
            if endpoint.address.isUnspecified {
                byPort[endpoint.port, default: []].append(loads.count)
            } else {
                byEndpoint[endpoint, default: []].append(loads.count)
            }
            // Connections where nothing is known of requests.
            loads.append(
                .init(open: listener.openConnections, arrived: requests[listener.name] ?? listener.connections))
        }
    }

    /// Of all of them together; a listener that takes what is sent to several counts once. `nil`: there is none.
    func clients(at endpoints: some Sequence<Endpoint>) -> Resource.Clients? {
        var places: Set<Int> = []
        for endpoint in endpoints { places.formUnion((byEndpoint[endpoint] ?? []) + (byPort[endpoint.port] ?? [])) }
        guard !places.isEmpty else { return nil }
        return places.reduce(into: Resource.Clients(open: 0, arrived: 0)) { sum, place in
            sum.open += loads[place].open
            sum.arrived += loads[place].arrived
        }
    }
}
