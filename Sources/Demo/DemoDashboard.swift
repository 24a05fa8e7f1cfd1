import Addresses
import NIOCore
import NIOPosix

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

    /// Settles for a port that can be had.
    mutating func choosePort(on group: any EventLoopGroup) async throws(DemoError) {
        if let wanted = port {
            guard await Self.bind(wanted, on: group) != nil else {
                throw DemoError(
                    reason: "port \(wanted) of 127.0.0.1 is taken: choose another with --dashboard-port")
            }
            return
        }
        port =
            if let usual = await Self.bind(Self.usualPort, on: group) { usual } else { await Self.bind(0, on: group) }
        guard port != nil else { throw DemoError(reason: "127.0.0.1 has no free port for the dashboard") }
    }

    /// The port that could be bound, and is free again; 0: any.
    private static func bind(_ port: UInt16, on group: any EventLoopGroup) async -> UInt16? {
        do {
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: Int(port))
            let channel = try await ServerBootstrap(group: group)
                // As the server: connections of a demo before this one may not be forgotten yet.
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(to: address).get()
            let bound = channel.localAddress?.port.map(UInt16.init)
            try await channel.close()
            return bound
        } catch {
            return nil
        }
    }
}
