import ControlPlane
import Maintenance
import TrafficModel

/// `meridian status` for people.
enum StatusTable {
    private static func days(_ count: Int) -> String { count == 1 ? "1 day" : "\(count) days" }

    /// - Parameter isWhole: whether all is shown, however much there is.
    static func text(of status: NodeStatus, palette: Palette = .plain, isWhole: Bool = false) -> String {
        var lines = [
            "generation \(status.generation), epoch \(status.epoch), up \(Duration.seconds(status.uptime).brief), "
                + "\(status.dns.queries) queries, \(status.proxy.requests) requests"
        ]
        lines.append(summary(status, palette))
        lines += refusedReload(status, palette) + brokenZones(status.dns) + parts(status, palette, isWhole)
        if !status.dns.endpoints.isEmpty { lines += nameServer(status.dns) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What is not as it should be, of a status that was reduced to that.
    static func problems(of status: NodeStatus, palette: Palette, isWhole: Bool) -> String {
        let lines = refusedReload(status, palette) + brokenZones(status.dns) + parts(status, palette, isWhole)
        return lines.isEmpty
            ? palette.paint("all is well, and nothing is taken out", .good) + "\n" : lines.map { $0 + "\n" }.joined()
    }

    /// What is not well, in a line: where only the first lines fit, they say what matters.
    private static func summary(_ status: NodeStatus, _ palette: Palette) -> String {
        var sick = status
        sick.keepProblems()
        let tree = StatusTree(status: sick, palette: palette, isWhole: false)
        var parts = sick.regions.map { "region \($0.name) \(tree.state($0.state, $0.target))" }
        parts += sick.pools.filter { $0.state != "available" }
            .map { "pool \($0.name) \(tree.state($0.state, $0.target))" }
        parts += sick.virtualServers.map { server in
            let isUsed = server.state == "available" && server.hold == nil
            return "VIP \(server.name) " + (isUsed ? "fails a check" : tree.state(server.state))
        }
        parts += sick.upstreams.flatMap { upstream in
            upstream.members.map { "member \(upstream.name)/\($0.endpoint) \(tree.state($0.state))" }
        }
        parts += sick.routes.map { "route \($0.listener)/\($0.name) fails" }
        parts += sick.certificates.map {
            "certificate \($0.name) " + ($0.daysLeft < 0 ? "has ended" : "ends in \(days($0.daysLeft))")
        }
        if sick.refusedReload != nil { parts.append("the latest reload was refused") }
        parts += sick.dns.brokenZones.map { "zone \($0.name.isEmpty ? $0.file : $0.name) broken" }
        guard !parts.isEmpty else { return palette.paint("no problems", .good) }
        let shown = parts.prefix(summaryLimit).joined(separator: ", ")
        let more = parts.count > summaryLimit ? " and \(parts.count - summaryLimit) more (--problems)" : ""
        return palette.paint("\(parts.count) \(parts.count == 1 ? "problem" : "problems")", .bad) + ": " + shown + more
    }

    private static let summaryLimit = 5

    /// The file is not what is served, and would not be after a restart either.
    private static func refusedReload(_ status: NodeStatus, _ palette: Palette) -> [String] {
        guard let refused = status.refusedReload else { return [] }
        let age = Duration.milliseconds(WallTime.now.milliseconds - refused.time).roughly
        let more = refused.reasons > 1 ? " and \(refused.reasons - 1) more" : ""
        return [
            palette.paint(
                "reload refused \(age) ago, generation \(status.generation) stays: \(refused.reason)\(more)", .bad)
        ]
    }

    private static func brokenZones(_ dns: NodeStatus.DNS) -> [String] {
        dns.brokenZones.flatMap { zone in
            let what = zone.name.isEmpty ? "folder \(zone.file)" : "zone \(zone.name)"
            return zone.reasons.map { "\(what) \(zone.isServed ? "stays as it was" : "is not served"): \($0)" }
        }
    }

    private static func parts(_ status: NodeStatus, _ palette: Palette, _ isWhole: Bool) -> [String] {
        var lines: [String] = []
        let tree = StatusTree(status: status, palette: palette, isWhole: isWhole)
        lines += status.overrides.map { palette.paint(line($0), .warning) }
        lines += status.windows.map(line)
        lines += status.shifts.map(line)
        lines += tree.regions + tree.names + tree.upstreams
        for listener in status.listeners {
            lines.append(
                "listener \(listener.name)  \(listener.endpoint)  open \(listener.openConnections)  accepted "
                    + "\(listener.connections)")
        }
        for route in status.routes where route.traffic.requests > 0 {
            lines.append(
                "route \(route.listener)/\(route.name)  requests \(route.traffic.requests)  4xx \(route.traffic.clientErrors)  "
                    + "5xx \(route.traffic.serverErrors)"
                    + (route.failedAgo.map { "  failed \(Duration.seconds($0).roughly) ago" } ?? ""))
        }
        for certificate in status.certificates {
            let style: Style? = certificate.daysLeft < 3 ? .bad : certificate.daysLeft < 14 ? .warning : nil
            let end = certificate.daysLeft < 0 ? "has ended" : "\(days(certificate.daysLeft)) left"
            lines.append(palette.paint("certificate \(certificate.name)  \(end)", style))
        }
        if status.refusedChanges > 0 {
            lines.append("changes turned away because others waited: \(status.refusedChanges)")
        }
        return lines
    }

    /// What the name server was asked, what it answered, and which limits were met.
    private static func nameServer(_ dns: NodeStatus.DNS) -> [String] {
        func line(_ title: String, _ parts: KeyValuePairs<String, [String]>) -> String {
            "  \(title)"
                + parts.map { text, names in
                    "  \(text) \(names.reduce(0) { $0 + (dns.counters[$1] ?? 0) })"
                }.joined()
        }
        return [
            "DNS  \(dns.endpoints.joined(separator: " "))  zones \(dns.zones)",
            line("queries", ["UDP": ["udpQueries"], "TCP": ["tcpQueries"], "EDNS": ["edns"], "ECS": ["clientSubnet"]]),
            line(
                "answers",
                [
                    "data": ["response.answered"], "no data": ["response.noData"],
                    "no such name": ["response.nameError"],
                    "referred": ["response.referral"], "refused": ["response.refused"], "failed": ["response.failure"],
                    "malformed": ["response.formatError"],
                    "other": ["response.notImplemented", "response.badVersion", "response.cookie"],
                    "none": ["response.dropped"],
                ]),
            line(
                "limits",
                [
                    "truncated": ["truncated"], "for want of a cookie": ["truncatedWithoutCookie"],
                    "over the rate": ["rateLimited", "rateSlipped"], "of them truncated": ["rateSlipped"],
                    "not sent": ["sendFailures"],
                ]),
            line("cookies", ["new": ["newCookies"], "good": ["goodCookies"], "bad": ["badCookies"]]),
            line(
                "connections",
                [
                    "open": ["tcp.open"], "accepted": ["tcp.accepted"],
                    "refused": ["tcp.refusedTotal", "tcp.refusedPerSource"], "displaced": ["tcp.displaced"],
                    "idle": ["tcp.idleClosed"], "too slow": ["tcp.incompleteClosed", "tcp.unreadClosed"],
                    "malformed": ["tcp.badLength", "tcp.badProxyHeader"],
                ]),
        ]
    }

    static func line(_ override: NodeStatus.Override) -> String {
        let words =
            switch (override.target, override.factor) {
            case (let target?, _): "\(override.verdict) to \(target)"
            case (_, let factor?): "\(override.verdict) \(factor)"
            default: override.verdict
            }
        let source = override.window.map { "window \($0)" } ?? ""
        let author = override.author.isEmpty ? "" : "by \(override.author)"
        let left =
            override.expires.map { "ends in \(Duration.milliseconds($0 - WallTime.now.milliseconds).roughly)" } ?? ""
        return ["override \(override.kind) \(override.name)", words, override.reason, source, author, left]
            .filter { !$0.isEmpty }.joined(separator: "  ")
    }

    static func line(_ window: NodeStatus.Window) -> String {
        let next =
            switch (window.state, window.starts, window.ends) {
            case ("open", _, let ends?): "until \(WallTime(milliseconds: ends).text)"
            case (_, let starts?, _): "starts \(WallTime(milliseconds: starts).text)"
            default: "never again"
            }
        let refusal = window.refusal.map { "\(window.isDraining ? "goes on draining: " : "")\($0)" } ?? ""
        let author = window.isConfigured ? "configured" : "by \(window.author)"
        return ["window \(window.name)", window.state, refusal, next, window.plan, window.reason, author]
            .filter { !$0.isEmpty }.joined(separator: "  ")
    }

    static func line(_ shift: NodeStatus.Shift) -> String {
        let percent = { (share: Double) in "\((share * 1000).rounded() / 10)%" }
        let state =
            if let idle = shift.idle {
                "moves nobody: \(idle)"
            } else if shift.isReturning {
                "going back, \(Duration.seconds(shift.remaining).roughly) left"
            } else if shift.progress < shift.share {
                "growing, \(Duration.seconds(shift.remaining).roughly) left"
            } else {
                "arrived"
            }
        let names = shift.wideIP == "*" ? "" : "for \(shift.wideIP)"
        return [
            "shift \(shift.id)", "\(shift.kind) \(shift.from) to \(shift.to)", names,
            "\(percent(shift.progress)) of \(percent(shift.share))", state, shift.reason, "by \(shift.author)",
        ].filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
