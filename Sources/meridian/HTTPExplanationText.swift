import ControlPlane

/// `meridian explain URL` for people.
struct HTTPExplanationText {
    let explanation: HTTPExplanation
    let palette: Palette

    /// Members beyond these are told in numbers only.
    private static let memberLimit = 40
    /// Routes that were passed by, beyond these, likewise.
    private static let routeLimit = 20

    var text: String {
        var lines = [
            "\(explanation.method) \(explanation.url) from \(explanation.client)  (generation "
                + "\(explanation.generation), epoch \(explanation.epoch)\(explanation.isLive ? "" : ", not running"))"
        ]
        lines.append("result: \(palette.paint(result, .strong))")
        for step in explanation.names {
            lines.append("name \(step.name) \(step.type): \(step.answers.isEmpty ? step.code : "")")
            lines += step.answers.map { "  " + $0 }
        }
        let listener = explanation.listener
        lines.append(
            "listener \(listener.name)  \(listener.endpoint)  \(listener.mode)\(listener.tls ? " over TLS" : "")  "
                + "(\(listener.reason))")
        if let server = explanation.virtualServer {
            lines.append(
                "virtual server \(server.name)  region \(server.region)  "
                    + palette.paint(server.state, Style(state: server.state)))
        }
        if !explanation.host.isEmpty || !explanation.path.isEmpty {
            lines.append("matched with: host \(explanation.host)  path \(explanation.path)")
        }
        lines += routes
        if let limit = explanation.rateLimit {
            let outlook =
                limit.retryAfter.map { palette.paint("none passes for \($0) s", .bad) }
                ?? "\(limit.passing) more pass now"
            lines.append("rate limit: \(limit.rate.short)/s, burst \(limit.burst), by \(limit.key): \(outlook)")
        }
        if let upstream = explanation.upstream { lines += members(upstream) }
        return lines.map { $0 + "\n" }.joined()
    }

    private var result: String {
        let result = explanation.result
        return (result.status.map { "\($0), " } ?? "") + result.detail
    }

    private var routes: [String] {
        let passed = explanation.routes.filter { !$0.isTaken }
        // Those nearest to the one that was taken say most.
        let hidden = max(0, passed.count - Self.routeLimit)
        var lines = hidden > 0 ? ["  \(hidden) routes before these were passed by"] : []
        lines += passed.suffix(Self.routeLimit).map { "  route \($0.name): passed by: \($0.reason ?? "")" }
        lines += explanation.routes.filter(\.isTaken).map { "  route \(palette.paint($0.name, .strong)): taken" }
        return lines
    }

    private func members(_ upstream: HTTPExplanation.Upstream) -> [String] {
        var lines = [
            "upstream \(upstream.name)  \(upstream.method)  chosen among: \(words(upstream.step))"
        ]
        let shown =
            upstream.members.count > Self.memberLimit
            ? Array(upstream.members.sorted { $0.share ?? -1 > $1.share ?? -1 }.prefix(Self.memberLimit))
            : upstream.members
        var table = TextTable("MEMBER", "STATE", ">SHARE", ">OPEN", "WHY")
        for member in shown {
            table.add(
                .init(member.endpoint), .init(member.state, Style(state: member.state)),
                .init(member.share.map { "\(($0 * 100).short) %" } ?? "-"),
                .init("\(member.open)" + (member.limit.map { "/\($0)" } ?? "")),
                .init(member.reasons.joined(separator: "; ")))
        }
        lines += table.lines(indent: 2, palette: palette)
        if shown.count < upstream.members.count {
            lines.append("  and \(upstream.members.count - shown.count) more")
        }
        if explanation.isLive {
            var loops: [(member: String, count: Int)] = []
            for member in upstream.next.map({ $0 ?? "none" }) {
                if let index = loops.firstIndex(where: { $0.member == member }) {
                    loops[index].count += 1
                } else {
                    loops.append((member, 1))
                }
            }
            let words = loops.map {
                upstream.next.count == 1 ? $0.member : "\($0.member) (\($0.count) of \(upstream.next.count) loops)"
            }
            lines.append("next: " + palette.paint(words.joined(separator: ", "), .strong))
        }
        return lines
    }

    private func words(_ step: String) -> String {
        switch step {
        case "available": "available members"
        case "backup": "backups, for no other is available"
        case "drained": "drained members, for nothing else is left"
        case "ejected": "ejected members, for nothing else is left"
        default: "nobody"
        }
    }
}

extension Double {
    /// With one decimal at most.
    var short: String {
        let tenths = (self * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
    }
}
