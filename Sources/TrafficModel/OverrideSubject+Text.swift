internal import Addresses

extension Overrides.Subject {
    /// `region`, `pool`, `virtual-server` or `member`.
    package var kind: String {
        switch self {
        case .region: "region"
        case .pool: "pool"
        case .virtualServer: "virtual-server"
        case .member: "member"
        }
    }

    /// The name; a member's is `upstream/endpoint`.
    package var name: String {
        switch self {
        case .region(let name), .pool(let name), .virtualServer(let name): name
        case .member(let upstream, let endpoint): "\(upstream)/\(endpoint)"
        }
    }

    /// Reads what ``kind`` and ``name`` write; `nil` for an unknown kind or a member without its upstream.
    package init?(kind: String, name: String) {
        switch kind {
        case "region": self = .region(name)
        case "pool": self = .pool(name)
        case "virtual-server": self = .virtualServer(name)
        case "member":
            guard let slash = name.lastIndex(of: "/") else { return nil }
            self = .member(upstream: String(name[..<slash]), endpoint: String(name[name.index(after: slash)...]))
        default: return nil
        }
    }
}

extension Intent {
    /// Whether the configuration has what an override is about.
    package func has(_ subject: Overrides.Subject) -> Bool {
        switch subject {
        case .region(let name): regions.contains { $0.name == name }
        case .pool(let name): pools.contains { $0.name == name }
        case .virtualServer(let name): virtualServers.contains { $0.name == name }
        case .member(let upstream, let endpoint):
            upstreams.contains { $0.name == upstream && $0.members.contains { $0.endpoint.description == endpoint } }
        }
    }
}
