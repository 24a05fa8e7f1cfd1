/// A part of a list, with how long the whole is.
package struct Listing<Item: Codable & Sendable>: Codable, Sendable {
    /// How many match.
    package var total: Int
    /// How many of them come before the first item.
    package var offset: Int
    package var items: [Item]

    package init(total: Int, offset: Int, items: [Item]) {
        self.total = total
        self.offset = offset
        self.items = items
    }
}

/// Which items of a list somebody wants.
package struct ListQuery: Sendable {
    /// A part of the name, whatever its case; empty: all.
    package var search = ""
    /// Empty: all.
    package var states: Set<String> = []
    package var limit = 100
    package var offset = 0

    package init() {}
}

/// What the API tells of each part of a node. All have a name, a state and when it turned last.
package enum Resource {
    /// The words for the states of wide IPs, pools, regions, virtual servers, upstreams and members.
    package static let states = StateTable.State.allCases.map(\.text)

    package struct Part: Codable, Sendable {
        package var name: String
        package var state: String
    }

    /// What clients do on this node's listeners of some virtual servers: what is left of a drain. Absent where this node
    /// has no such listener. Its own health checks are no clients.
    package struct Clients: Codable, Sendable {
        /// Connections open now.
        package var open: Int
        /// Requests, or connections where nothing is known of requests, that ever came. By how much it grows in a while
        /// is what still arrives.
        package var arrived: UInt64
    }

    package struct WideIP: Codable, Sendable {
        package var name: String
        /// `available`, `degraded`: some pools are not; `draining`, `disabled` or `down`.
        package var state: String
        /// The latest turn of the state; absent: it never turned.
        package var latest: StateTurn?
        /// Oldest first; of a single one only.
        package var history: [StateTurn]?
        package var method: String
        package var ttl: UInt32?
        package var aliases: [String]
        /// In their order.
        package var pools: [Part]
    }

    package struct Pool: Codable, Sendable {
        package var name: String
        package var state: String
        package var latest: StateTurn?
        package var history: [StateTurn]?
        package var region: String?
        package var host: String?
        package var ttl: UInt32
        package var virtualServers: [Part]
        package var clients: Clients?
    }

    package struct Region: Codable, Sendable {
        package var name: String
        /// Of its virtual servers, or of its pools where it has none.
        package var state: String
        package var latest: StateTurn?
        package var history: [StateTurn]?
        /// Degrees north and east.
        package var latitude: Double?
        package var longitude: Double?
        package var virtualServers: [Part]
        package var pools: [Part]
        package var clients: Clients?
    }

    package struct VirtualServer: Codable, Sendable {
        package var name: String
        package var state: String
        package var latest: StateTurn?
        package var history: [StateTurn]?
        package var region: String
        package var endpoint: String
        package var checks: [NodeStatus.Check]
        /// Why it is kept out though its checks succeed.
        package var condition: String?
        package var clients: Clients?
    }

    package struct Upstream: Codable, Sendable {
        package var name: String
        /// Of its members.
        package var state: String
        package var members: Int
        package var available: Int
        /// Requests and connections open now.
        package var open: Int
    }

    package struct Member: Codable, Sendable {
        /// `UPSTREAM/ENDPOINT`.
        package var name: String
        package var state: String
        package var latest: StateTurn?
        package var history: [StateTurn]?
        package var upstream: String
        package var endpoint: String
        package var open: Int
        package var started: UInt64
        package var failed: UInt64
        package var ejections: UInt64
        package var checks: [NodeStatus.Check]
        package var traffic: NodeStatus.Traffic
    }

    package struct Listener: Codable, Sendable {
        package static let states = ["listening"]

        package var name: String
        package var state: String
        package var endpoint: String
        package var openConnections: Int
    }

    package struct Certificate: Codable, Sendable {
        package static let states = ["valid", "expiring", "ended"]

        package var name: String
        /// `valid`, `expiring` within 30 days, or `ended`.
        package var state: String
        package var daysLeft: Int
        /// Milliseconds since 1970.
        package var end: Int64
    }

    /// A monitor and one endpoint that it watches.
    package struct Monitor: Codable, Sendable {
        package static let states = ["up", "down", "unknown"]

        /// `MONITOR/ENDPOINT`.
        package var name: String
        /// `up`, `down` or `unknown`.
        package var state: String
        package var latest: StateTurn?
        package var history: [StateTurn]?
        package var monitor: String
        package var endpoint: String
        /// What the last probe found.
        package var reason: String
        package var checks: UInt64
        package var failures: UInt64
        /// Seconds that the last probe took.
        package var seconds: Double?
    }

    package struct Node: Codable, Sendable {
        package var generation: UInt64
        package var epoch: UInt64
        /// Seconds since the node began to serve.
        package var uptime: Double
        package var configuration: String
        /// How many there are in each state, by kind.
        package var states: [String: [String: Int]]
        package var overrides: Int
        package var windows: Int
        package var shifts: Int
        package var zones: Int
        package var brokenZones: Int
        package var events: Journal.Counts
        package var admin: [String: UInt64]
    }

    package struct Diagnostic: Codable, Sendable {
        /// `error` or `warning`.
        package var severity: String
        package var file: String
        /// Both count from 1; 0: the file as a whole.
        package var line: Int
        package var column: Int
        /// What of the configuration it is about, as a JSON Pointer: `/pools/eu/region`; absent: a file as a whole, or
        /// another file than the configuration.
        package var path: String?
        /// What is wrong; what to do.
        package var message: String
    }

    /// The configuration in force, or the one that was checked.
    package struct Configuration: Codable, Sendable {
        package var path: String
        package var generation: UInt64
        /// Whether it can be run, or is.
        package var isValid: Bool
        package var diagnostics: [Diagnostic]
        /// Of the one in force: the latest reload, where it was refused. The file is not what is served then.
        package var refusedReload: NodeStatus.RefusedReload?
    }
}
