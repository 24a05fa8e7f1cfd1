package import Addresses

/// Members that serve the same requests, behind a virtual server.
package struct Upstream: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable, CaseIterable {
        case roundRobin = "round-robin"
        case ratio
        case leastConnections = "least-connections"
        /// The less loaded of two members drawn at random.
        case randomTwo = "random-two"
    }

    package struct Member: Sendable, Hashable {
        package var endpoint: Endpoint
        /// 0...65,535; 0: no new work.
        package var ratio = 1
        /// Requests or connections at once; `nil`: no limit.
        package var maxConnections: Int?
        /// Taken only when no other member is available.
        package var backup = false

        package init(endpoint: Endpoint) { self.endpoint = endpoint }
    }

    package struct TLS: Sendable, Hashable {
        /// Server name to send and to verify; `nil`: the request's host is not sent and the chain alone is verified.
        package var serverName: String?
        package var verify = true
        /// PEM file with the authorities to trust; `nil`: the system's.
        package var authorityPath: String?
        /// Position in `Intent.certificates` of the one to show to members that ask for it.
        package var certificate: Int?

        package init() {}
    }

    package var name: String
    package var members: [Member]
    package var method: Method = .roundRobin
    /// Positions in `Intent.monitors`; all must agree that a member is up. None: up until passive evidence says no.
    package var monitors: [Int] = []
    package var tls: TLS?
    /// Whether the members speak HTTP/2; else HTTP/1.1.
    package var http2 = false
    /// The PROXY header that connections to the members begin with; `nil`: none.
    package var proxyProtocol: ProxyHeader.Version?
    package var connectTimeout: Duration = .seconds(2)
    /// From the end of the request to the head of the response, and between two reads of the response.
    package var responseTimeout: Duration = .seconds(30)
    /// Idle upstream connections kept per event loop and member.
    package var idleConnections = 256
    package var idleTimeout: Duration = .seconds(60)
    /// Members tried for one request, the first included.
    package var tries = 3
    /// Retries may add at most this share to the requests of the last ten seconds (and always ten of them).
    package var retryBudget = 0.2
    /// How long a refused or reset connection keeps a member out; doubles while it repeats, up to ten times this.
    package var ejectionTime: Duration = .seconds(5)
    /// Requests that may wait per event loop while every member has as many as it may; 0: none waits.
    package var queueSize = 100
    package var queueTimeout: Duration = .seconds(1)
    /// After it came up, a member's share grows to full over this time.
    package var slowStart: Duration = .zero

    package init(name: String, members: [Member]) {
        self.name = name
        self.members = members
    }
}
