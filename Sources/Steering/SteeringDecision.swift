package import Addresses

/// What a steered name is: positions in `Intent.wideIPs` and `Intent.pools`.
package enum SteeredSubject: Hashable, Sendable {
    case wideIP(Int)
    /// A pool's host name, regional DNS: it resolves to the pool's virtual servers.
    case poolHost(Int)
}

/// Which addresses a question asks for: A, AAAA, or something else.
package enum AddressFamily: Sendable, CaseIterable {
    case v4
    case v6
    /// HTTPS: addresses of both families as hints.
    case both
    case any
}

/// The network that a decision is for.
package struct ClientNetwork: Sendable {
    /// The EDNS Client Subnet's address with the bits past SOURCE PREFIX-LENGTH zero, else the resolver's address.
    package let address: IPAddress

    package init(address: IPAddress) { self.address = address }
}

/// What a steered name answers one client now. Made once per worker and filled anew for each query.
package struct SteeringDecision: Sendable {
    package enum Answer: Equatable, Sendable {
        /// A CNAME to the pool's target, for every query type.
        case alias(pool: Int)
        /// The addresses of `servers`.
        case addresses
        /// An HTTPS record of the pool that `service` names, with the addresses of `servers` as hints.
        case service
        case noData
        case failure(rcode: UInt8)
        /// What the zone has at the name.
        case zoneData
        /// Nothing is sent.
        case drop
    }

    package var answer: Answer = .noData
    /// Positions as `SteeringPlan.address(ofServer:)` counts them, all of the asked family, in the order to answer;
    /// `serverCount` are set.
    package var servers: [16 of UInt32] = .init(repeating: 0)
    package var serverCount = 0
    /// Of ``Answer/service``: how many of the servers, the first ones, are IPv4.
    package var serverCount4 = 0
    /// The pool whose addresses these are.
    package var service: Int32 = -1
    /// Seconds.
    package var ttl: UInt32 = 0
    /// Length of the widest network around the client that is treated alike: the SCOPE PREFIX-LENGTH to return
    /// (RFC 7871 section 7.2.1). 0: the answer does not depend on the client.
    package var scope: UInt8 = 0
    /// How long a no may be kept, in seconds; as long as the zone says if `nil`.
    package var negativeTTL: UInt32?
    /// The pool that was chosen, for counters; -1: none.
    package var pool: Int32 = -1

    package init() {}

    /// Hints of each family in an HTTPS record: those who want more ask for the addresses.
    package static let hintLimit = 8
}
