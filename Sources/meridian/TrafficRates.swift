import ControlPlane

/// What moved between two looks at a node, as tables of rates.
struct TrafficRates {
    enum Kind: String, CaseIterable {
        case names, pools, routes, members, listeners, regions
    }

    struct Column {
        var title: String
        /// Decimals shown.
        var decimals: Int
    }

    struct Row {
        var name: String
        var state: String?
        /// One for each column; `nil`: nothing to say, such as a mean of nothing.
        var figures: [Double?]
    }

    struct Table {
        var kind: Kind
        var columns: [Column]
        var rows: [Row]

        /// Largest first by a column; those without a figure last, equals by name.
        func sorted(by column: Int) -> [Row] {
            rows.sorted { ($1.figures[column] ?? -1, $0.name) < ($0.figures[column] ?? -1, $1.name) }
        }
    }

    let before: NodeStatus
    let after: NodeStatus

    /// Seconds between the two.
    var seconds: Double { max(after.uptime - before.uptime, 0.001) }

    /// A second; 0 where the node was started anew in between.
    private func rate(_ old: UInt64, _ new: UInt64) -> Double { new >= old ? Double(new - old) / seconds : 0 }

    var queries: Double { rate(before.dns.queries, after.dns.queries) }
    var requests: Double { rate(before.proxy.requests, after.proxy.requests) }

    func table(_ kind: Kind) -> Table {
        switch kind {
        case .names: names
        case .pools: pools
        case .routes: routes
        case .members: members
        case .listeners: listeners
        case .regions: regions
        }
    }

    private static func find<Item>(_ items: [Item], _ key: (Item) -> String) -> [String: Item] {
        Dictionary(items.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    private var names: Table {
        let old = Self.find(before.wideIPs) { $0.name }
        return Table(
            kind: .names, columns: [.init(title: "ANSWERS/S", decimals: 1)],
            rows: after.wideIPs.map { wideIP in
                Row(name: wideIP.name, figures: [rate(old[wideIP.name]?.answers ?? wideIP.answers, wideIP.answers)])
            })
    }

    private var pools: Table {
        let old = Self.find(before.pools) { $0.name }
        return Table(
            kind: .pools, columns: [.init(title: "CHOSEN/S", decimals: 1)],
            rows: after.pools.map { pool in
                Row(
                    name: pool.name, state: Self.state(pool.state, pool.target),
                    figures: [rate(old[pool.name]?.answers ?? pool.answers, pool.answers)])
            })
    }

    private var regions: Table {
        let old = Self.find(before.pools) { $0.name }
        return Table(
            kind: .regions, columns: [.init(title: "CHOSEN/S", decimals: 1)],
            rows: after.regions.map { region in
                let chosen = after.pools.filter { $0.region == region.name }
                    .reduce(0) { $0 + rate(old[$1.name]?.answers ?? $1.answers, $1.answers) }
                return Row(name: region.name, state: Self.state(region.state, region.target), figures: [chosen])
            })
    }

    private static func state(_ word: String, _ target: String?) -> String {
        target.map { word == "cut-over" ? "cut over to \($0)" : "\(word), cut over to \($0)" } ?? word
    }

    private var routes: Table {
        let key = { (route: NodeStatus.Route) in "\(route.listener)/\(route.name)" }
        let old = Self.find(before.routes, key)
        return Table(
            kind: .routes,
            columns: [
                .init(title: "REQ/S", decimals: 1), .init(title: "4XX/S", decimals: 1),
                .init(title: "5XX/S", decimals: 1), .init(title: "MS", decimals: 1), .init(title: "KB/S", decimals: 0),
            ],
            rows: after.routes.map { route in
                let (was, now) = (old[key(route)]?.traffic ?? route.traffic, route.traffic)
                return Row(
                    name: key(route),
                    figures: [
                        rate(was.requests, now.requests), rate(was.clientErrors, now.clientErrors),
                        rate(was.serverErrors, now.serverErrors), mean(was, now), rate(was.bytes, now.bytes) / 1000,
                    ])
            })
    }

    private var members: Table {
        let flat = { (status: NodeStatus) in
            status.upstreams.flatMap { upstream in
                upstream.members.map { (name: "\(upstream.name)/\($0.endpoint)", member: $0) }
            }
        }
        let old = Self.find(flat(before)) { $0.name }
        return Table(
            kind: .members,
            columns: [
                .init(title: "NEW/S", decimals: 1), .init(title: "OPEN", decimals: 0),
                .init(title: "FAILED/S", decimals: 1), .init(title: "5XX/S", decimals: 1),
                .init(title: "MS", decimals: 1),
            ],
            rows: flat(after).map { name, member in
                let was = old[name]?.member ?? member
                return Row(
                    name: name, state: member.state,
                    figures: [
                        rate(was.started, member.started), Double(member.open), rate(was.failed, member.failed),
                        rate(was.traffic.serverErrors, member.traffic.serverErrors), mean(was.traffic, member.traffic),
                    ])
            })
    }

    private var listeners: Table {
        let old = Self.find(before.listeners) { $0.name }
        return Table(
            kind: .listeners, columns: [.init(title: "NEW/S", decimals: 1), .init(title: "OPEN", decimals: 0)],
            rows: after.listeners.map { listener in
                let was = old[listener.name] ?? listener
                return Row(
                    name: "\(listener.name)  \(listener.endpoint)",
                    figures: [rate(was.connections, listener.connections), Double(listener.openConnections)])
            })
    }

    /// Milliseconds that a request took; `nil` without any.
    private func mean(_ was: NodeStatus.Traffic, _ now: NodeStatus.Traffic) -> Double? {
        guard now.requests > was.requests, now.seconds >= was.seconds else { return nil }
        return (now.seconds - was.seconds) / Double(now.requests - was.requests) * 1000
    }
}

extension Double {
    /// With so many decimals, 0 or 1.
    func text(decimals: Int) -> String {
        guard decimals > 0 else { return "\(Int(rounded()))" }
        let tenths = Int((self * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
