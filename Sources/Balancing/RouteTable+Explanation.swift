/// The first condition of a route that a request does not fulfil.
package enum RouteMiss: Sendable, Hashable {
    case host
    case path
    case method
    /// The position in the route's list of fields.
    case field(Int)
}

extension RouteTable {
    /// What ``match(host:path:method:hasField:)`` meets on its way with the same request: for each route up to the one
    /// that is taken, or for all when none is, what the request lacks; `nil` for the one that is taken.
    package func explain(
        host: Span<UInt8>, path: Span<UInt8>, method: Span<UInt8>, hasField: (borrowing FieldCondition) -> Bool
    ) -> [RouteMiss?] {
        let match = match(host: host, path: path, method: method, hasField: hasField)
        let (exact, wildcard) = hosts.find(host)
        let forHost = Set(hosts.routes[exact]).union(hosts.routes[wildcard]).union(anyHost)
        return routes.indices.prefix(match.map { $0 + 1 } ?? routes.count).map { route in
            guard forHost.contains(Int32(route)) else { return .host }
            return miss(route, path: path, method: method, hasField: hasField)
        }
    }
}
