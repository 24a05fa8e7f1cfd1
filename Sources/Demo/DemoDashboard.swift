import Addresses

/// How a browser reaches the demo's dashboard: over TCP, with a token that lives as long as the demo.
package struct DemoDashboard: Sendable {
    /// Where it is looked for by those who read the documents.
    static let usualPort: UInt16 = 8900

    /// `nil`: the usual one, or where that is taken any that is free.
    package var port: UInt16?
    package var token: String
    /// What the configuration has of the token, and what it allows, in the words of the configuration.
    package var tokenHash: String
    package var role: String

    package init(port: UInt16?, token: String, tokenHash: String, role: String) {
        self.port = port
        self.token = token
        self.tokenHash = tokenHash
        self.role = role
    }

    var endpoint: Endpoint { Endpoint(address: .v4(127 << 24 | 1), port: port ?? Self.usualPort) }

    /// Signs the browser in that opens it. What is behind `#` stays in the browser: no server, log or proxy gets it.
    var link: String { "http://\(endpoint)/#\(token)" }

    /// Settles for a port that can be had, and keeps it for as long as what is returned lives.
    mutating func choosePort() throws(DemoError) -> ReservedPort {
        if let wanted = port {
            guard let reserved = ReservedPort(wanted) else {
                throw DemoError(
                    reason: "port \(wanted) of 127.0.0.1 is taken: choose another with --dashboard-port")
            }
            return reserved
        }
        guard let reserved = ReservedPort(Self.usualPort) ?? ReservedPort(0) else {
            throw DemoError(reason: "127.0.0.1 has no free port for the dashboard")
        }
        port = reserved.number
        return reserved
    }
}
