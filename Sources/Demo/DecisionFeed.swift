import ControlPlane

/// Picks what is worth a line out of the node's latest decisions: a client that is sent elsewhere than before, and
/// whoever asks by hand.
struct DecisionFeed: Sendable {
    static let limit = 32

    private struct Asker: Hashable, Sendable {
        var name: String
        var client: String
    }

    private(set) var lines: [DemoStatus.Decision] = []
    private var pools: [Asker: String?] = [:]
    private var present: Set<Asker> = []

    /// - Parameters:
    ///   - latest: newest first, as the node tells them.
    ///   - country: the built-in client that has this address, if one has.
    mutating func follow(
        _ latest: [NodeStatus.Decision], service: String, elapsed: Duration, country: (String) -> String?
    ) {
        var seen: Set<Asker> = []
        for decision in latest.reversed() {
            let asker = Asker(name: decision.name, client: decision.client)
            let code = country(decision.client)
            // The built-in clients ask for a region's host name after each CNAME: the CNAME tells the same.
            if code != nil, decision.name != service { continue }
            let isFirst = seen.insert(asker).inserted
            if let known = pools[asker], known == decision.pool, code != nil || !isFirst || present.contains(asker) {
                continue
            }
            pools[asker] = .some(decision.pool)
            let scope = decision.scope > 0 ? ", scope /\(decision.scope)" : ""
            lines.append(
                .init(
                    time: elapsed, client: code ?? decision.client, question: decision.name,
                    answer: (decision.pool ?? "no pool") + scope))
            if lines.count > Self.limit { lines.removeFirst() }
        }
        present = seen
        // Strangers come and go; what they were told need not be remembered for ever.
        if pools.count > 1000 { pools = pools.filter { seen.contains($0.key) } }
    }
}
