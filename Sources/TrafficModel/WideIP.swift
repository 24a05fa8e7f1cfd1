package import Addresses
package import DNSWire

/// A name that answers each client with the best pool.
package struct WideIP: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
        /// The client's place decides the order of the pools; the first available is taken.
        case topology
        case roundRobin = "round-robin"
        case ratio
        /// Active-passive: the first available in the order of the list.
        case globalAvailability = "global-availability"
    }

    package var name: DomainName
    /// Other names that answer alike.
    package var aliases: [DomainName] = []
    /// Positions in `Intent.pools`, in order.
    package var pools: [Int]
    package var method: Method = .globalAvailability
    /// Read in order under `topology`; a client that none matches gets `pools` in their order.
    package var topology: [TopologyRecord] = []
    /// `nil`: the TTL of the pool that was chosen.
    package var ttl: UInt32?
    package var allDown: AllDownPolicy = .open
    package var enabled = true

    package init(name: DomainName, pools: [Int]) {
        self.name = name
        self.pools = pools
    }
}

/// Which pools a client is sent to because of where it is.
package struct TopologyRecord: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        /// ISO 3166-1 alpha-2, upper case.
        case country(String)
        /// AF, AN, AS, EU, NA, OC or SA.
        case continent(String)
        /// A region that a network list of the configuration names.
        case network(String)
        case prefix(IPPrefix)
    }

    /// One that matches is enough.
    package var sources: [Source]
    /// Positions in `Intent.pools`, in order; the wide IP's other pools follow in their own order.
    package var pools: [Int]

    package init(sources: [Source], pools: [Int]) {
        self.sources = sources
        self.pools = pools
    }
}

/// What a name answers when nothing behind it is available.
package enum AllDownPolicy: Sendable, Hashable {
    /// As if all were up: a wrong verdict of the monitors then harms nobody.
    case open
    /// NODATA.
    case closed
    /// The pool at this position in `Intent.pools`, whatever its state.
    case pool(Int)
    /// A response code: SERVFAIL (2) or REFUSED (5).
    case rcode(UInt8)
}
