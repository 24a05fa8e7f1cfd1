import Balancing
import TrafficModel

extension ListenerSnapshot {
    /// Positions of the upstreams that its routes, or its connections, lead to: each once, in the order of the routes.
    var upstreams: [Int] {
        switch mode {
        case .tcp(let upstream): return [upstream]
        case .http(let table):
            var seen: Set<Int> = []
            return table.routes.compactMap { route in
                guard case .upstream(let position) = route.action else { return nil }
                return seen.insert(position).inserted ? position : nil
            }
        }
    }
}
