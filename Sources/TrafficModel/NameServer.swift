package import Addresses

/// The DNS role of this node.
package struct NameServer: Sendable, Hashable {
    /// Each is served over UDP and TCP. Empty: this node does not play the role.
    package var listen: [Endpoint] = []
    /// The largest UDP response, 512...4096; 1232 avoids fragments (DNS flag day 2020).
    package var udpSize = 1232
    /// Threads that answer UDP; 0: one for each processor.
    package var threads = 0
    /// Whether EDNS Client Subnet (RFC 7871) is believed.
    package var clientSubnet = true
    /// Whether answers carry more than was asked for.
    package var responses = ResponseContent.minimal
    /// TCP connections at once, per listener.
    package var tcpConnections = 1000
    /// TCP connections at once from one address.
    package var tcpConnectionsPerSource = 50
    /// How long a TCP connection may be idle between messages.
    package var tcpIdle: Duration = .seconds(10)
    /// How long a TCP client may take for the whole of a message that it began, or to take answers that wait for it.
    package var tcpMessageTime: Duration = .seconds(5)
    /// Peers whose TCP connections begin with a header of the PROXY protocol.
    package var proxies: [IPPrefix] = []
    package var answers = AnswerSettings()
    /// Each query with its answer; `nil`: no such log.
    package var queryLog: LogFile?

    package init() {}

    /// Whether a server that runs with `other` need only be told of the new answers: sockets, threads and the limits of
    /// TCP are the same.
    package func servesLike(_ other: NameServer) -> Bool {
        var same = other
        same.udpSize = udpSize
        same.clientSubnet = clientSubnet
        same.answers = answers
        return same == self
    }
}

/// What answers carry beside what was asked for.
package enum ResponseContent: String, Sendable, Hashable, CaseIterable {
    /// Nothing: the shortest answers.
    case minimal
    /// The zone's name servers, and static addresses of the hosts that the answer names, as far as they fit.
    case full
}

/// Where the place of a client's network is looked up. Later sources win over earlier ones where they overlap.
package enum GeographySource: Sendable, Hashable {
    /// A MaxMind DB file with countries or cities.
    case maxMind(path: String)
    /// `geoip` and `geoip6` as Debian's tor-geoipdb installs them; either may be missing.
    case tor(v4: String?, v6: String?)
    /// Lines of `network,region`.
    case networks(path: String)
}
