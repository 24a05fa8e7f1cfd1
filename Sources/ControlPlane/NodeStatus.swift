/// What a node tells operators about itself: the body of `GET /v1/status`.
package struct NodeStatus: Codable, Sendable {
    package var generation: UInt64
    package var epoch: UInt64
    /// Seconds since the node began to serve.
    package var uptime: Double
    package var wideIPs: [WideIP]
    package var pools: [Pool]
    package var virtualServers: [VirtualServer]
    package var upstreams: [Upstream]
    package var listeners: [Listener]
    package var overrides: [Override]
    package var dns: DNS
    package var proxy: Proxy

    package struct WideIP: Codable, Sendable {
        package var name: String
        package var method: String
        package var pools: [String]
    }

    package struct Pool: Codable, Sendable {
        package var name: String
        package var region: String?
        package var host: String?
        /// `available`, `draining` or `down`.
        package var state: String
        package var virtualServers: [String]
    }

    package struct VirtualServer: Codable, Sendable {
        package var name: String
        package var region: String
        package var endpoint: String
        package var state: String
        /// What its monitors found; empty without monitors.
        package var checks: [Check]
    }

    package struct Upstream: Codable, Sendable {
        package var name: String
        package var members: [Member]
    }

    package struct Member: Codable, Sendable {
        package var endpoint: String
        package var state: String
        /// Requests or connections open now.
        package var open: Int
        package var started: UInt64
        package var failed: UInt64
        package var ejections: UInt64
        package var checks: [Check]
    }

    package struct Check: Codable, Sendable {
        package var monitor: String
        /// `unknown`, `up` or `down`.
        package var state: String
        /// Why, in words: `connection refused`, `status 503, expected 200-399`.
        package var reason: String
    }

    package struct Listener: Codable, Sendable {
        package var name: String
        package var endpoint: String
        package var openConnections: Int
    }

    package struct Override: Codable, Sendable {
        package var kind: String
        package var name: String
        package var verdict: String
        package var reason: String
        package var author: String
        /// Milliseconds since 1970 at which it was set, and at which it ends by itself.
        package var since: Int64
        package var expires: Int64?
    }

    package struct DNS: Codable, Sendable {
        package var endpoints: [String]
        package var queries: UInt64
        package var latest: [Decision]
    }

    /// One of the latest answers of a steered name.
    package struct Decision: Codable, Sendable {
        package var name: String
        package var client: String
        package var pool: String?
        package var scope: Int
    }

    package struct Proxy: Codable, Sendable {
        package var requests: UInt64
        package var failures: UInt64
        package var openConnections: Int
        package var drainingConnections: Int
    }
}
