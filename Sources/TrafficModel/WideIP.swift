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
    /// The TTL sinks to the time in which the answer can change next, to this many seconds at least; `nil`: it does not.
    package var minimumTTL: UInt32?
    package var allDown: AllDownPolicy = .open
    /// The steps of the decision, instead of `method`, `topology` and `allDown`.
    package var stages: [Stage]?
    package var enabled = true

    package init(name: DomainName, pools: [Int]) {
        self.name = name
        self.pools = pools
    }
}

extension WideIP {
    /// The steps of the decision: those that were given, or what the short form stands for.
    package var pipeline: [Stage] {
        if let stages { return stages }
        let choice: [Stage] =
            switch method {
            case .topology: topology.isEmpty ? [] : [Stage(.topology(Topology(topology)))]
            case .globalAvailability: []
            case .roundRobin: [Stage(.roundRobin)]
            case .ratio: [Stage(.weigh(by: .ratio)), Stage(.draw)]
            }
        return [Stage(.available)] + choice + allDown.stages(like: choice)
    }
}

extension AllDownPolicy {
    /// The steps behind those that need something available.
    ///
    /// - Parameter choice: the steps that choose where health does not matter.
    func stages(like choice: [Stage]) -> [Stage] {
        switch self {
        case .open: [Stage(.otherwise)] + choice
        case .closed: []
        case .pool(let pool): [Stage(.otherwise), Stage(.answer(.pool(pool)))]
        case .rcode(let code, let ttl): [Stage(.otherwise), Stage(.answer(.code(code, ttl: ttl)))]
        case .lastKnownGood: [Stage(.otherwise), Stage(.lastKnownGood)] + choice
        }
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
    /// A response code; 0 for NODATA. `ttl`: how long a NODATA or NXDOMAIN may be kept, as the zone says if `nil`.
    case rcode(UInt8, ttl: UInt32? = nil)
    /// What was available at last, before all was down; all, when nothing is known to have been.
    case lastKnownGood
}
