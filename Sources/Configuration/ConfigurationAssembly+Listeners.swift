internal import Addresses
internal import TrafficModel

extension ConfigurationAssembly {
    mutating func assembleListeners() {
        var seen: [Located<Endpoint>] = []
        for entry in draft.listeners {
            guard let value = entry.value else { continue }
            var listener = value.value
            listener.name = entry.name
            if case .http(var routes) = listener.mode {
                name(&routes, of: entry.name, at: value.places.routes)
                checkReach(routes, at: value.places.routes)
                listener.mode = .http(routes: routes)
            }
            let own = Located(value: listener.endpoint, position: value.places.address)
            checkCollision(own, with: seen, what: "listener \"\(entry.name)\"")
            seen.append(own)
            intent.listeners.append(listener)
        }
        var name: [Located<Endpoint>] = []
        for endpoint in draft.dns?.places.listen ?? [] {
            checkCollision(endpoint, with: name, what: "DNS")
            // DNS over TCP and a listener cannot share a port.
            checkCollision(endpoint, with: seen, what: "DNS")
            name.append(endpoint)
        }
        var operators: [Located<Endpoint>] = []
        if let admin = draft.admin, let endpoint = admin.value.listener?.endpoint {
            let own = Located(value: endpoint, position: admin.places.listen)
            checkCollision(own, with: seen + name, what: "admin", takesBothFamilies: true)
            operators.append(own)
        }
        if let metrics = draft.metrics, let endpoint = metrics.value.listen {
            let own = Located(value: endpoint, position: metrics.places)
            checkCollision(own, with: seen + name + operators, what: "metrics", takesBothFamilies: true)
        }
    }

    /// - Parameter takesBothFamilies: whether `own` takes IPv4 too where it is the unspecified address of IPv6.
    private func checkCollision(
        _ own: Located<Endpoint>, with others: [Located<Endpoint>], what: String, takesBothFamilies: Bool = false
    ) {
        // Port 0 is a free one.
        for other in others where other.value.port == own.value.port && own.value.port != 0 {
            let same = other.value.address == own.value.address
            let covers =
                own.value.address.covers(other.value.address) || other.value.address.covers(own.value.address)
                || takesBothFamilies && own.value.address == .v6(0)
            guard same || covers else { continue }
            // Told at the later of the two.
            let (first, second) = other.position < own.position ? (other, own) : (own, other)
            context.error(
                second.position,
                same
                    ? "\(second.value) is already listened on (line \(first.position.line))"
                    : "\(second.value) collides with \(first.value) on line \(first.position.line)",
                "choose another address or port for \(what)")
        }
    }

    private func name(_ routes: inout [Route], of listener: String, at positions: [Position]) {
        var seen: [String: Int] = [:]
        for index in routes.indices where !routes[index].name.isEmpty {
            if let first = seen[routes[index].name] {
                context.error(
                    positions[index],
                    "the route \"\(routes[index].name)\" is given twice, first on line \(positions[first].line)",
                    "name each route of a listener differently")
            }
            seen[routes[index].name] = index
        }
        for index in routes.indices where routes[index].name.isEmpty {
            routes[index].name = "\(listener)-\(index + 1)"
        }
    }

    /// A route without conditions takes all that comes to it.
    private func checkReach(_ routes: [Route], at positions: [Position]) {
        guard positions.count == routes.count, let last = routes.firstIndex(where: \.matchesAll) else { return }
        for index in routes.indices where index > last {
            context.warning(
                positions[index],
                "the route is never reached: that on line \(positions[last].line) takes every request",
                "move it above")
        }
    }
}

extension Route {
    fileprivate var matchesAll: Bool {
        let everyPath =
            switch path {
            case nil, .prefix("/"): true
            default: false
            }
        return everyPath && hosts.isEmpty && fields.isEmpty && methods.isEmpty
    }
}

extension IPAddress {
    /// The unspecified address listens on all of its family.
    fileprivate func covers(_ other: IPAddress) -> Bool { isUnspecified && byteCount == other.byteCount }
}
