package import Addresses

/// An address of the VIP tier that this node serves.
package struct Listener: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// Requests are routed; the routes are read in order.
        case http(routes: [Route])
        /// Connections are forwarded to the upstream at this position in `Intent.upstreams`.
        case tcp(upstream: Int)
    }

    package struct TLS: Sendable, Hashable {
        /// Positions in `Intent.certificates`; the first is the default for names that none matches.
        package var certificates: [Int]
        package var minimumVersion: TLSVersion = .v12

        package init(certificates: [Int]) { self.certificates = certificates }
    }

    package enum TLSVersion: String, Sendable, Hashable, CaseIterable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    package var name: String
    package var endpoint: Endpoint
    package var mode: Mode
    package var tls: TLS?
    /// Peers whose `X-Forwarded-*` and `Forwarded` fields are believed and continued; all others' are replaced.
    package var trustedProxies: [IPPrefix] = []

    package init(name: String, endpoint: Endpoint, mode: Mode) {
        self.name = name
        self.endpoint = endpoint
        self.mode = mode
    }
}

/// A certificate chain and its key, as PEM files.
package struct Certificate: Sendable, Hashable {
    package var name: String
    package var chainPath: String
    package var keyPath: String

    package init(name: String, chainPath: String, keyPath: String) {
        self.name = name
        self.chainPath = chainPath
        self.keyPath = keyPath
    }
}
