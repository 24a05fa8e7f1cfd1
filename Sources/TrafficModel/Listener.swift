package import Addresses

/// An address of the VIP tier that this node serves.
package struct Listener: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// Requests are routed; the routes are read in order.
        case http(routes: [Route])
        /// Connections are forwarded to the upstream at this position in `Intent.upstreams`.
        case tcp(upstream: Int)
    }

    /// Certificates that clients show.
    package struct ClientCertificates: Sendable, Hashable {
        /// PEM file with the authorities to trust.
        package var authorityPath: String
        /// Whether a client without one is refused.
        package var isRequired = true

        package init(authorityPath: String) { self.authorityPath = authorityPath }
    }

    package struct TLS: Sendable, Hashable {
        /// Positions in `Intent.certificates`; the first is the default for names that none matches.
        package var certificates: [Int]
        package var minimumVersion: TLSVersion = .v12
        /// `nil`: clients are not asked for certificates.
        package var clients: ClientCertificates?

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
    /// Whether those peers begin each connection with a PROXY header, version 1 or 2. All others must not.
    package var proxyProtocol = false
    /// Whether HTTP/2 is spoken: agreed on with TLS, and with clients that begin with it in clear text.
    package var http2 = true

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
