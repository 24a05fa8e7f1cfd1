package import DNSWire

/// Virtual servers that stand for each other; usually all of one region.
package struct Pool: Sendable, Hashable {
    package enum Answer: Sendable, Hashable {
        /// A CNAME to the pool's host name, which this server resolves to the pool's virtual servers.
        case cname
        /// The addresses of available virtual servers.
        case addresses
        /// A CNAME to a name that others serve: always available unless the pool has virtual servers to watch.
        case external(DomainName)
    }

    package enum Method: String, Sendable, Hashable, CaseIterable, BitwiseCopyable {
        case roundRobin = "round-robin"
        case ratio
        /// The first available in the order of the list.
        case globalAvailability = "global-availability"
    }

    package var name: String
    /// Position in `Intent.regions`.
    package var region: Int?
    /// Positions in `Intent.virtualServers`, in order.
    package var virtualServers: [Int] = []
    package var method: Method = .roundRobin
    package var answer: Answer = .cname
    /// The name that resolves to this pool's virtual servers: its own, or its region's. No two pools share one.
    package var host: DomainName?
    /// Of the CNAME and of the addresses.
    package var ttl: UInt32 = 30
    /// The most addresses in one answer, 1...16.
    package var maxAnswers = 8
    /// Its share when a wide IP steers by ratio, 0...65,535.
    package var ratio = 1
    /// What the pool's host name answers when every virtual server is down.
    package var allDown: AllDownPolicy = .open
    /// The steps of the choice among its virtual servers, instead of `method` and `allDown`.
    package var stages: [Stage]?
    /// How many of its virtual servers must be available for it to be.
    package var minimumUp = MinimumUp.count(1)
    /// What HTTPS questions are told, with addresses as A and AAAA questions are; `nil`: there are no such records.
    package var https: ServiceBinding?
    /// The TTL sinks to the time in which its state can change next, to this many seconds at least; `nil`: it does not.
    package var minimumTTL: UInt32?
    /// Its rank where a wide IP orders or weighs by score.
    package var score = 0
    package var enabled = true

    package init(name: String) { self.name = name }

    /// The steps of the choice: those that were given, or what the short form stands for.
    package var pipeline: [Stage] {
        if let stages { return stages }
        let choice: [Stage] =
            switch method {
            case .roundRobin: [Stage(.roundRobin)]
            // One address, for clients spread over several as they like and would undo the ratio.
            case .ratio: [Stage(.weigh(by: .ratio)), Stage(.draw), Stage(.take(1))]
            case .globalAvailability: [Stage(.take(1))]
            }
        return [Stage(.available)] + choice + allDown.stages(like: choice)
    }
}
