import ControlPlane

/// What an operator should look at, as rows.
extension NodePicture {
    /// Problems that the overview lists.
    static let problemLimit = 12

    /// What fails comes first, the worst and widest before the others, and what is down as a whole in one row; then what is out because somebody wants it so, in
    /// one row for each order, however much it touches.
    func problemRows(limit: Int = NodePicture.problemLimit) -> (rows: [Row], count: Int) {
        var orders = StandingOrders(status.overrides)
        var found: [(condition: Condition, rank: Int, row: Row)] = []
        func add(
            _ kind: SubjectKind, _ name: String, _ condition: Condition, _ reason: String, region: String? = nil,
            waits: Bool = false
        ) {
            guard condition.needsAttention else { return }
            let part = StandingOrders.Part(kind: kind, name: name, region: region)
            if orders.explain(part, condition, isFailing: !reason.isEmpty) { return }
            var fields = [
                "kind": kind.word, "name": name, "word": condition.word, "icon": condition.icon, "reason": reason,
                "href": ServiceQuery(text: name).href,
            ]
            if waits {
                fields.merge(["act": "resume", "actWord": "Resume", "subject": kind.rawValue]) { first, _ in first }
            }
            found.append((condition, kind.rank, Row("\(kind.rawValue):\(name)", condition, fields)))
        }
        var outages = Outages(self)
        // Parts before what they make up, which then tells of them.
        for (position, upstream) in upstreams.enumerated() {
            for member in members[upstream.members] {
                let name = "\(upstream.name)/\(member.endpoint)"
                if member.condition == .down || member.condition == .ejected,
                    !orders.isOrdered(.init(kind: .member, name: name)),
                    outages.include(member: name, ofUpstream: position, member.reason)
                {
                    continue
                }
                add(.member, name, member.condition, member.reason)
            }
        }
        for name in outages.upstreams { add(.upstream, name, .down, outages.reason(.upstream, name, own: "")) }
        for server in servers {
            // What is degraded only by its members is told by them.
            guard server.condition != .degraded || !server.reason.isEmpty else { continue }
            if server.condition == .down, !server.isHeld,
                !orders.isOrdered(.init(kind: .virtualServer, name: server.name, region: server.region)),
                outages.include(.virtualServer, server.name, inRegion: server.region, server.reason)
            {
                continue
            }
            add(
                .virtualServer, server.name, server.condition,
                server.condition == .down
                    ? outages.reason(.virtualServer, server.name, own: server.reason) : server.reason,
                region: server.region, waits: server.waits)
        }
        for pool in pools where pool.condition != .degraded {
            if pool.condition == .down, !orders.isOrdered(.init(kind: .pool, name: pool.name, region: pool.region)),
                outages.include(.pool, pool.name, inRegion: pool.region, "")
            {
                continue
            }
            add(.pool, pool.name, pool.condition, "", region: pool.region)
        }
        for wideIP in wideIPs where wideIP.condition != .degraded { add(.wideIP, wideIP.name, wideIP.condition, "") }
        for region in regions where region.condition != .degraded {
            add(
                .region, region.name, region.condition,
                region.condition == .down ? outages.reason(.region, region.name, own: "") : "")
        }
        let failing = found.enumerated().sorted {
            ($1.element.condition, $0.element.rank, $0.offset) < ($0.element.condition, $1.element.rank, $1.offset)
        }.map(\.element.row)
        var rows = failing + orders.rows
        if let refused = status.refusedReload {
            // Behind what is down now, and on the page however much that is.
            let place = failing.count { $0.state == Condition.down.rawValue }
            rows.insert(Self.row(refused), at: min(place, limit - 1))
        }
        return (Array(rows.prefix(limit)), rows.count)
    }

    /// The node serves another configuration than its file has.
    private static func row(_ refused: NodeStatus.RefusedReload) -> Row {
        let more = refused.reasons > 1 ? " · and \(Wording.count(refused.reasons - 1)) more" : ""
        return Row(
            "reload", Condition.degraded,
            [
                "kind": "Configuration", "name": "Reload refused", "icon": Condition.degraded.icon,
                "word": "Not in force",
                "reason": "\(refused.reason)\(more) · the node would not start again with it",
                "href": "/events?show=changes",
            ])
    }

    /// Below the problems that are listed; empty where those are all.
    static func moreProblems(_ problems: (rows: [Row], count: Int)) -> String {
        let more = problems.count - problems.rows.count
        return more > 0 ? "and \(Wording.count(more)) more, in Services and Operations" : ""
    }
}
