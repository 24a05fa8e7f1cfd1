internal import Addresses
internal import DNSWire

extension Overrides.Subject {
    /// Reads what `kind.rawValue` and `name` say; `nil` for an unknown kind, an empty name or a member without its
    /// upstream.
    package init?(kind: String, name: String) {
        guard let kind = Kind(rawValue: kind), !name.isEmpty,
            kind != .member || name.contains("/") || name.contains("*")
        else { return nil }
        self.init(kind, name)
    }

    /// What people write for short, or want to.
    package static let shortKinds: [String: Kind] = ["vip": .virtualServer, "vs": .virtualServer, "wip": .wideIP]

    package static var kinds: String { Kind.allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Overrides.Subject: CustomStringConvertible {
    package var description: String { "\(kind.rawValue) \(name)" }
}

extension Intent {
    /// Whether the configuration has what an override is about.
    package func has(_ subject: Overrides.Subject) -> Bool {
        let glob = Glob(subject.name)
        return switch subject.kind {
        case .wideIP: wideIPs.contains { glob.matches($0.name.description) }
        case .pool: pools.contains { glob.matches($0.name) }
        case .region: regions.contains { glob.matches($0.name) }
        case .virtualServer: virtualServers.contains { glob.matches($0.name) }
        case .member:
            upstreams.contains { upstream in
                upstream.members.contains { glob.matches("\(upstream.name)/\($0.endpoint)") }
            }
        }
    }
}
