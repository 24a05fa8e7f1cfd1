package import TrafficModel

/// A route as a snapshot sees it.
package struct RouteSnapshot: Sendable {
    package let name: String
    /// The name in UTF-8, for logs.
    package let nameBytes: [UInt8]
    package let action: Route.Action
    package let limiter: RateLimiter?
    /// Its requests.
    package let traffic: TrafficCounters
}

/// One field that a route asks for.
package struct FieldCondition: Sendable, Hashable {
    /// Lower case.
    package let name: [UInt8]
    /// What one of the field's lines must say, exactly, white space around it aside; `nil`: the field must be there.
    package let value: [UInt8]?
}

/// Finds the route of a request.
///
/// Routes are read in the order of the configuration, and the first whose conditions all hold is taken:
/// - host: one of its hosts is the request's, or is `*.` and a suffix of it with at least one label more; none
///   given: every host, also a request without one;
/// - path: the whole, or a prefix of whole segments (a slash at the end of a prefix says nothing);
/// - method: one of those given, case-sensitive (RFC 9110 section 9.1);
/// - fields: all of those given.
///
/// The hosts are indexed, so that thousands of them cost no more than a few; the result is that of reading in order.
package final class RouteTable: Sendable {
    package let routes: [RouteSnapshot]

    private let conditions: [Conditions]
    /// Positions of routes for every host, ascending.
    let anyHost: [Int32]
    let hosts: HostIndex

    struct Conditions: Sendable {
        enum Path: Sendable {
            case any
            case exact([UInt8])
            /// Without a slash at the end.
            case prefix([UInt8])
        }

        var path: Path
        var methods: [[UInt8]]
        var fields: [FieldCondition]

        init(_ route: Route) {
            switch route.path {
            case nil: path = .any
            case .exact(let text): path = .exact(Array(text.utf8))
            case .prefix(let text):
                var bytes = Array(text.utf8)
                if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
                path = .prefix(bytes)
            }
            methods = route.methods.map { Array($0.utf8) }
            fields = route.fields.map { field in
                FieldCondition(name: field.name.utf8.map(asciiLowercase), value: field.value.map { Array($0.utf8) })
            }
        }
    }

    init(_ routes: [Route], limiters: [RateLimiter?], traffic: [TrafficCounters]) {
        self.routes = routes.indices.map { index in
            RouteSnapshot(
                name: routes[index].name, nameBytes: Array(routes[index].name.utf8), action: routes[index].action,
                limiter: limiters[index], traffic: traffic[index])
        }
        conditions = routes.map(Conditions.init)
        anyHost = routes.indices.filter { routes[$0].hosts.isEmpty }.map(Int32.init)
        hosts = HostIndex(routes)
    }

    /// The position of the request's route in ``routes``; `nil` when none matches.
    ///
    /// - Parameters:
    ///   - host: lower case, without port; empty when the request has none. One dot at its end is ignored.
    ///   - path: normalised, without query.
    ///   - method: as received.
    ///   - hasField: whether the request fulfils a condition on its fields; not kept.
    package func match(
        host: Span<UInt8>, path: Span<UInt8>, method: Span<UInt8>, hasField: (borrowing FieldCondition) -> Bool
    ) -> Int? {
        let (exact, wildcard) = hosts.find(host)
        // Merges the three ascending lists without building one.
        var exactNext = exact.lowerBound
        var wildcardNext = wildcard.lowerBound
        var anyNext = 0
        while true {
            let fromExact = exactNext < exact.upperBound ? hosts.routes[exactNext] : .max
            let fromWildcard = wildcardNext < wildcard.upperBound ? hosts.routes[wildcardNext] : .max
            let fromAny = anyNext < anyHost.count ? anyHost[anyNext] : .max
            let next = min(fromExact, fromWildcard, fromAny)
            if next == .max { return nil }
            // A route with several hosts can be in two lists.
            if fromExact == next { exactNext += 1 }
            if fromWildcard == next { wildcardNext += 1 }
            if fromAny == next { anyNext += 1 }
            if miss(Int(next), path: path, method: method, hasField: hasField) == nil { return Int(next) }
        }
    }

    /// The first condition beside the host's that a route does not find fulfilled; `nil`: all are.
    func miss(
        _ route: Int, path: Span<UInt8>, method: Span<UInt8>, hasField: (borrowing FieldCondition) -> Bool
    ) -> RouteMiss? {
        switch conditions[route].path {
        case .any: break
        case .exact(let whole):
            guard path.count == whole.count, whole.isPrefix(of: path) else { return .path }
        case .prefix(let prefix):
            guard path.count == prefix.count || (path.count > prefix.count && path[prefix.count] == UInt8(ascii: "/")),
                prefix.isPrefix(of: path)
            else { return .path }
        }
        if !conditions[route].methods.isEmpty {
            var allowed = false
            for candidate in conditions[route].methods
            where candidate.count == method.count && candidate.isPrefix(of: method) {
                allowed = true
                break
            }
            guard allowed else { return .method }
        }
        for index in conditions[route].fields.indices {
            guard hasField(conditions[route].fields[index]) else { return .field(index) }
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate func isPrefix(of bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= count else { return false }
        for index in indices where self[index] != bytes[index] { return false }
        return true
    }
}

func asciiLowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
