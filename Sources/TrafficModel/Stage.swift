package import Addresses

/// One step of a decision: it filters, orders, weighs or limits the candidates that the steps before it left, and says
/// what happens when none is left. A wide IP's candidates are its pools, a pool's are its virtual servers.
package struct Stage: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        /// Keeps what is available; where nothing is, what drains.
        case available
        /// Keeps what was available when something was at last; has no effect where nothing is known to have been.
        case lastKnownGood
        /// Takes out what answers health checks so many times slower than the best.
        case outliers(factor: Double)
        /// Orders or filters by records about the client's network.
        case topology(Topology)
        /// Orders by great-circle distance from the client; `within` kilometres, others are left out.
        case nearest(within: Double?)
        /// Orders by measured latency from the client's network; those within `margin` of the best count as equal.
        case latency(margin: Duration)
        /// Orders anew; equal candidates keep the order that they had.
        case order(by: Order)
        /// Gives the candidates shares, which `draw`, `persist` and `shed` heed; more than one multiply.
        case weigh(by: Weight)
        /// Sends a growing part of the clients elsewhere between a soft and a hard limit.
        case shed(Shed)
        /// Turns the order, one step further with each query.
        case roundRobin
        /// Draws an order by the shares, spread evenly over the queries.
        case draw
        /// Orders by a hash of the client's network and the candidate, so that a client keeps its candidate while it
        /// can and few clients move when one leaves. Networks are cut to these lengths first.
        case persist(v4: Int, v6: Int)
        /// Keeps the first ones.
        case take(Int)
        /// Ends the steps so far if they left a candidate; else all candidates are back for the steps behind it.
        case otherwise
        /// Ends the decision with an answer of its own.
        case answer(FixedAnswer)
    }

    /// What a step does that would leave no candidate.
    package enum Exhaustion: String, Sendable, Hashable, CaseIterable {
        /// The decision goes on behind the next `otherwise`; without one the answer is NODATA.
        case next
        /// The step has no effect.
        case keep
    }

    package var action: Action
    package var whenEmpty: Exhaustion

    package init(_ action: Action, whenEmpty: Exhaustion = .next) {
        self.action = action
        self.whenEmpty = whenEmpty
    }

    /// What an order is made by.
    package enum Order: Sendable, Hashable {
        /// As the configuration lists them.
        case list
        case criterion(Criterion)
        case quality([Criterion: Double])
    }

    package enum Weight: Sendable, Hashable {
        case ratio
        case criterion(Criterion)
        case quality([Criterion: Double])
    }

    /// Load between `soft` and `hard` lets a falling part of the clients stay.
    package struct Shed: Sendable, Hashable {
        package var criterion: Criterion
        package var soft: Limit
        package var hard: Limit

        package init(_ criterion: Criterion, soft: Limit, hard: Limit) {
            self.criterion = criterion
            self.soft = soft
            self.hard = hard
        }
    }

    package enum Limit: Sendable, Hashable {
        case absolute(Double)
        /// A part of the candidate's capacity; of 1 for CPU.
        case share(Double)
    }

    /// An answer that no candidate gives.
    package enum FixedAnswer: Sendable, Hashable {
        /// 1...16 addresses that nobody monitors, with the TTL of the name's own answers.
        case addresses([IPAddress])
        /// The pool at this position in `Intent.pools`, whatever its state.
        case pool(Int)
        /// What the zone has at the name.
        case zoneData
        /// None at all: the resolver asks another server.
        case drop
        /// A response code, 0 for NODATA. `ttl`: how long the no may be kept, where the code carries one (NODATA and
        /// NXDOMAIN); the zone's own if `nil`.
        case code(UInt8, ttl: UInt32?)
    }
}

/// Records about where clients are, and what they do.
package struct Topology: Sendable, Hashable {
    package enum Match: String, Sendable, Hashable, CaseIterable {
        /// The first record of the list that matches.
        case first
        /// The record with the most specific source that matches: the longest network, then a network list's region,
        /// AS number, ISP, city, subdivision, country, continent; the first of the list among equals.
        case longest
    }

    package enum Use: String, Sendable, Hashable, CaseIterable {
        /// The record's candidates go first, the others follow in the order that they had.
        case prefer
        /// Only the record's candidates stay; none where no record matches.
        case only
    }

    package var records: [TopologyRecord]
    package var match: Match
    package var use: Use

    package init(_ records: [TopologyRecord], match: Match = .first, use: Use = .prefer) {
        self.records = records
        self.match = match
        self.use = use
    }
}

/// Which candidates a client is sent to because of where it is.
package struct TopologyRecord: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        /// ISO 3166-1 alpha-2, upper case.
        case country(String)
        /// AF, AN, AS, EU, NA, OC or SA.
        case continent(String)
        /// ISO 3166-2 in its two parts.
        case subdivision(country: String, code: String)
        /// By its English name.
        case city(country: String, name: String)
        case asn(UInt32)
        /// As the database names it.
        case isp(String)
        /// A region that a network list of the configuration names.
        case network(String)
        case prefix(IPPrefix)
    }

    /// One that matches is enough; none at all match everybody.
    package var sources: [Source]
    /// One that matches is enough for the record not to match.
    package var exceptions: [Source]
    /// Positions in `Intent.pools` or `Intent.virtualServers`, in order.
    package var candidates: [Int]

    package init(sources: [Source], exceptions: [Source] = [], candidates: [Int]) {
        self.sources = sources
        self.exceptions = exceptions
        self.candidates = candidates
    }
}

/// What candidates are compared by.
package enum Criterion: String, Sendable, Hashable, CaseIterable {
    // Measured; less is better.
    case connections
    /// A second.
    case requests
    case packets
    case bits
    /// 0...1 of what there is.
    case cpu
    /// Requests that wait.
    case queue
    /// Seconds that health checks take.
    case response
    // More is better.
    /// Measured: members that work behind it.
    case members
    /// Measured, else configured.
    case capacity
    /// Configured.
    case score

    package var prefersLess: Bool {
        switch self {
        case .connections, .requests, .packets, .bits, .cpu, .queue, .response: true
        case .members, .capacity, .score: false
        }
    }
}
