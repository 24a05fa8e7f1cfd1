import Steering
import TrafficModel

extension EffectiveOverrides.Effect {
    /// Whether it keeps clients from what it is about.
    var takesOut: Bool { [.drain, .disable, .forceDown].contains(entry.verdict) }
}

/// What clients are kept from on purpose: nobody needs to be woken when that does not work.
extension EffectiveOverrides {
    /// Whether operators or windows keep clients from a pool: as a whole, or from all of its virtual servers.
    func takesOut(pool position: Int, of intent: Intent) -> Bool {
        let pool = intent.pools[position]
        if poolCutovers[position] != nil || pool.region.map({ regionCutovers[$0] != nil }) ?? false { return true }
        if let effect = pools[position] { return effect.takesOut }
        return !pool.virtualServers.isEmpty && pool.virtualServers.allSatisfy { servers[$0]?.takesOut ?? false }
    }

    /// By region, whether operators or windows keep clients from all that is in it.
    func regionsTakenOut(of intent: Intent) -> [Bool] {
        var (parts, out) = (
            [Int](repeating: 0, count: intent.regions.count), [Int](repeating: 0, count: intent.regions.count)
        )
        for (index, server) in intent.virtualServers.enumerated() {
            parts[server.region] += 1
            if servers[index]?.takesOut ?? false { out[server.region] += 1 }
        }
        // A region without virtual servers is its pools.
        let hasServers = parts.map { $0 > 0 }
        for (index, pool) in intent.pools.enumerated() {
            guard let region = pool.region, !hasServers[region] else { continue }
            parts[region] += 1
            if takesOut(pool: index, of: intent) { out[region] += 1 }
        }
        return intent.regions.indices.map { region in
            if regionCutovers[region] != nil { return true }
            return parts[region] > 0 ? out[region] == parts[region] : regions[region]?.takesOut ?? false
        }
    }
}
