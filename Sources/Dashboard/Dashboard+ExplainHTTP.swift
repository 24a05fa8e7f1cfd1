import ControlPlane

/// Where a request would go, as the page shows it.
extension Dashboard {
    /// More members than anybody reads; those that get something come first.
    private static let memberLimit = 50

    static func context(_ explanation: HTTPExplanation) -> [String: Any] {
        var result: [String: Any] = [
            "method": explanation.method, "url": explanation.url, "client": explanation.client,
            "host": explanation.host, "path": explanation.path, "generation": "\(explanation.generation)",
            "epoch": "\(explanation.epoch)",
            "names": explanation.names.map { step -> [String: Any] in
                ["name": step.name, "type": step.type, "code": step.code, "answers": step.answers]
            },
            "listener": "\(explanation.listener.name) at \(explanation.listener.endpoint)",
            "mode": explanation.listener.tls ? "\(explanation.listener.mode) over TLS" : explanation.listener.mode,
            "listenerReason": explanation.listener.reason,
            "routes": explanation.routes.map { route -> [String: Any] in
                ["name": route.name, "isTaken": route.isTaken, "reason": route.reason ?? ""]
            },
            "hasRoutes": !explanation.routes.isEmpty, "hasNames": !explanation.names.isEmpty,
            "result": explanation.result.detail,
            "kind": explanation.result.status.map { "\($0)" } ?? explanation.result.kind,
            "isGood": explanation.result.kind != "refuse",
        ]
        if let server = explanation.virtualServer {
            let condition = Condition(state: server.state)
            result["server"] =
                [
                    "name": server.name, "region": server.region, "state": condition.rawValue, "word": condition.word,
                    "icon": condition.icon,
                ] as [String: Any]
        }
        if let limit = explanation.rateLimit {
            result["limit"] =
                "\(Wording.count(limit.rate))/s by \(limit.key), bursts of \(limit.burst): "
                + (limit.retryAfter.map { "none passes for \($0) s" } ?? "\(limit.passing) would pass now")
        }
        if let upstream = explanation.upstream { result["upstream"] = context(upstream) }
        return result
    }

    private static func context(_ upstream: HTTPExplanation.Upstream) -> [String: Any] {
        let members = upstream.members.enumerated()
            .sorted { ($1.element.share ?? -1, $0.offset) < ($0.element.share ?? -1, $1.offset) }.map(\.element)
        let next = Set(upstream.next.compactMap(\.self)).sorted().prefix(8).joined(separator: ", ")
        var result: [String: Any] = [
            "name": upstream.name, "method": upstream.method, "step": upstream.step,
            "members": members.prefix(memberLimit).map { member -> [String: Any] in
                let condition = Condition(state: member.state)
                var fields: [String: Any] = [
                    "endpoint": member.endpoint, "state": condition.rawValue, "word": condition.word,
                    "icon": condition.icon, "open": Wording.count(member.open), "reasons": member.reasons,
                ]
                if let share = member.share {
                    fields["share"] = Wording.share(share)
                    fields["bar"] = WorldMap.text(share * 100) + "%"
                }
                return fields
            },
        ]
        if !next.isEmpty { result["next"] = next }
        return result
    }
}
