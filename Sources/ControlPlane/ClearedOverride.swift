import TrafficModel

/// What came of taking back what was set for a name.
package struct ClearedOverride: Codable, Sendable {
    /// A verdict, a weight, or both; empty: nothing was set for just that name.
    package var cleared: [NodeStatus.Override]
    /// What holds for it all the same: its region's, patterns and windows over it, names within a pattern.
    package var held: [NodeStatus.Override]
}

extension NodeView {
    /// What is said of a name: of just it, of more than it by patterns, windows and its region, and of names within it
    /// where it is a pattern.
    func overrides(over subject: Overrides.Subject) -> [NodeStatus.Override] {
        let glob = Glob(subject.name)
        let regions: Set<Int> =
            switch subject.kind {
            case .pool: Set(intent.pools.lazy.filter { glob.matches($0.name) }.compactMap(\.region))
            case .virtualServer: Set(intent.virtualServers.lazy.filter { glob.matches($0.name) }.map(\.region))
            case .region, .wideIP, .member: []
            }
        let names = regions.map { intent.regions[$0].name }
        return overrideStatus.filter { override in
            let other = Glob(override.name)
            if override.kind == subject.kind.rawValue {
                return other.matches(subject.name) || glob.matches(override.name)
            }
            return override.kind == Overrides.Subject.Kind.region.rawValue && names.contains(where: other.matches)
        }
    }
}
