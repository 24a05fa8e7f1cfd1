import ControlPlane

/// Regions, and names with what is behind them, for people: wide IP → pool → virtual server, and upstream → member.
///
/// What is well is counted where there is much of it; what is not is shown.
struct StatusTree {
    let status: NodeStatus
    let palette: Palette
    /// Whether everything is shown, however much there is.
    let isWhole: Bool

    /// Names, virtual servers of a pool, and members of an upstream that are shown one by one.
    private static let limits = (names: 40, servers: 20, members: 20)

    /// A state's word.
    ///
    /// - Parameter target: what takes over; besides a cutover there may be a worse state to tell.
    func state(_ word: String, _ target: String? = nil) -> String {
        guard let target else { return palette.paint(word, Style(state: word)) }
        let cutover = palette.paint("cut over to \(target)", .warning)
        return word == "cut-over" ? cutover : "\(palette.paint(word, Style(state: word))), \(cutover)"
    }

    // MARK: Regions

    var regions: [String] {
        let (shown, summary) = fold(status.regions, Self.limits.names, noun: "regions") { $0.state != "available" }
        return summary
            + shown.map { region in
                let servers = status.virtualServers.filter { $0.region == region.name }
                let well = servers.count { $0.state == "available" }
                return "region \(palette.paint(region.name, .strong))  \(state(region.state, region.target))"
                    + (servers.isEmpty ? "" : "  \(well) of \(servers.count) virtual servers available")
            }
    }

    // MARK: Wide IPs

    var names: [String] {
        let pools = Dictionary(status.pools.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let servers = Dictionary(status.virtualServers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let isSick = { (wideIP: NodeStatus.WideIP) in
            wideIP.state != "available"
                || wideIP.pools.contains { name in
                    guard let pool = pools[name] else { return false }
                    return pool.state != "available"
                        || pool.virtualServers.contains { servers[$0].map { !$0.isWell } ?? false }
                }
        }
        let (shown, summary) = fold(status.wideIPs, Self.limits.names, noun: "wide IPs", isSick: isSick)
        var lines = summary
        for wideIP in shown {
            lines.append("WIP \(palette.paint(wideIP.name, .strong))  \(state(wideIP.state))  \(wideIP.method)")
            for pool in wideIP.pools.compactMap({ pools[$0] }) {
                lines.append(
                    "  pool \(pool.name)  \(state(pool.state, pool.target))" + (pool.host.map { "  \($0)" } ?? ""))
                let own = pool.virtualServers.compactMap { servers[$0] }
                let (shown, summary) = fold(own, Self.limits.servers, noun: "virtual servers") { !$0.isWell }
                lines += summary.map { "    " + $0 }
                for server in shown {
                    lines.append(
                        "    VIP \(server.name)  \(server.endpoint)  \(state(server.state))"
                            + reasons(server.checks, server.state)
                            + hold(server))
                }
            }
        }
        return lines
    }

    // MARK: Upstreams

    var upstreams: [String] {
        let isSick = { (upstream: NodeStatus.Upstream) in upstream.members.contains { !$0.isWell } }
        let (shown, summary) = fold(status.upstreams, Self.limits.names, noun: "upstreams", isSick: isSick)
        return summary + shown.flatMap(members)
    }

    private func members(_ upstream: NodeStatus.Upstream) -> [String] {
        let (shown, summary) = fold(upstream.members, Self.limits.members, noun: "members") { !$0.isWell }
        var lines = ["upstream \(palette.paint(upstream.name, .strong))"] + summary.map { "  " + $0 }
        for member in shown {
            lines.append(
                "  \(member.endpoint)  \(state(member.state))  open \(member.open)  started \(member.started)  "
                    + "failed \(member.failed)" + reasons(member.checks, member.state) + refusal(member))
        }
        return lines
    }

    private func refusal(_ member: NodeStatus.Member) -> String {
        guard let reason = member.refusal, let age = member.refusedAgo else { return "" }
        return palette.paint("  refused \(Duration.seconds(age).roughly) ago: \(reason)", .warning)
    }

    /// All, where there are few; else those that are not well, as far as they fit, with a line for the rest.
    private func fold<Item>(
        _ items: [Item], _ limit: Int, noun: String, isSick: (Item) -> Bool
    ) -> (shown: [Item], summary: [String]) {
        guard items.count > limit, !isWhole else { return (items, []) }
        let sick = items.filter(isSick)
        let shown = Array(sick.prefix(limit))
        let hidden = sick.count - shown.count
        let rest = hidden > 0 ? ", \(shown.count) of them below" : ""
        let all = "\(items.count) \(noun): \(items.count - sick.count) well, \(sick.count) not\(rest) (--all shows all)"
        return (shown, [palette.paint(all, sick.isEmpty ? .good : .warning)])
    }

    /// Why what its monitors have up is not used.
    private func hold(_ server: NodeStatus.VirtualServer) -> String {
        guard let hold = server.hold else { return "" }
        let rest =
            hold.seconds.map { "let in again in \(Int($0.rounded(.up))) s" } ?? "meridian resume \(server.name)"
        return palette.paint("  kept out: \(hold.reason) (\(rest))", .warning)
    }

    /// What monitors find: what is wrong, and all of it where it is not used, perhaps by an operator's order. Whether it may
    /// be used again is the question then.
    private func reasons(_ checks: [NodeStatus.Check], _ state: String) -> String {
        checks.filter { state != "available" || $0.state == "down" }.map { check in
            guard check.state != "down" else { return "  \(check.monitor): \(check.reason)" }
            let age = check.age.map { " for \(Duration.seconds($0).roughly)" } ?? ""
            return "  \(check.monitor): \(check.state)\(check.state == "up" ? age : "")"
        }.joined()
    }
}
