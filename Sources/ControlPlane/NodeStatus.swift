/// What a node tells operators about itself: the body of `GET /v1/status`.
package struct NodeStatus: Codable, Sendable {
    package var generation: UInt64
    package var epoch: UInt64
    /// Seconds since the node began to serve.
    package var uptime: Double
    package var regions: [Region] = []
    package var wideIPs: [WideIP]
    package var pools: [Pool]
    package var virtualServers: [VirtualServer]
    package var upstreams: [Upstream]
    package var listeners: [Listener]
    package var routes: [Route] = []
    package var certificates: [Certificate] = []
    /// The latest reload, where it was refused.
    package var refusedReload: RefusedReload?
    package var overrides: [Override]
    package var windows: [Window] = []
    package var shifts: [Shift] = []
    /// Changes that were turned away because too many waited.
    package var refusedChanges: UInt64 = 0
    /// What became of the journal of events.
    package var events = Journal.Counts()
    /// What the admin API counted, by name.
    package var admin: [String: UInt64] = [:]
    package var dns: DNS
    package var proxy: Proxy

    /// A reload that left the configuration in force as it was: what is on the disk cannot be served.
    package struct RefusedReload: Codable, Sendable {
        /// Milliseconds since 1970.
        package var time: Int64
        /// The first of ``reasons``, as `file:line:column: what is wrong; what to do`.
        package var reason: String
        /// How many there were.
        package var reasons: Int
    }

    package struct Region: Codable, Sendable {
        package var name: String
        /// `available`, `degraded`, `cut-over`, `draining`, `down` or `disabled`.
        package var state: String
        /// What takes over, where it is cut over.
        package var target: String?
    }

    package struct WideIP: Codable, Sendable {
        package var name: String
        /// `available`, `degraded`, `draining`, `down` or `disabled`.
        package var state: String
        package var method: String
        package var pools: [String]
        /// Seconds; absent: that of the pool.
        package var ttl: UInt32?
        /// Those that chose a pool.
        package var answers: UInt64 = 0
    }

    package struct Pool: Codable, Sendable {
        package var name: String
        package var region: String?
        package var host: String?
        /// `available`, `cut-over`, `draining`, `down` or `disabled`.
        package var state: String
        /// The pool or region that takes over, where it is cut over.
        package var target: String?
        package var virtualServers: [String]
        /// Seconds.
        package var ttl: UInt32 = 0
        /// Of wide IPs that chose it.
        package var answers: UInt64 = 0
    }

    package struct VirtualServer: Codable, Sendable {
        package var name: String
        package var region: String
        package var endpoint: String
        package var state: String
        /// What its monitors found; empty without monitors.
        package var checks: [Check]
        /// Absent where it is not kept out.
        package var hold: Hold?
    }

    /// Why a virtual server is kept out that was down and that its monitors have up again.
    package struct Hold: Codable, Sendable {
        /// `hold-down`: it came up not long ago; `damping`: it fell too often; `manual`: an operator must resume it.
        package var kind: String
        /// Until it is let in by itself, if it stays up; absent: it is not.
        package var seconds: Double?
        /// In words, without the time.
        package var reason: String
    }

    package struct Upstream: Codable, Sendable {
        package var name: String
        package var members: [Member]
    }

    package struct Member: Codable, Sendable {
        package var endpoint: String
        /// `available`, `ejected`, `draining`, `down` or `disabled`.
        package var state: String
        /// Requests or connections open now.
        package var open: Int
        package var started: UInt64
        package var failed: UInt64
        package var ejections: UInt64
        package var checks: [Check]
        /// Its HTTP responses.
        package var traffic = Traffic()
        /// Why its certificate was refused, if that was its latest failure and came within the last hour.
        package var refusal: String?
        /// Seconds since then.
        package var refusedAgo: Double?
    }

    package struct Certificate: Codable, Sendable {
        package var name: String
        /// Until it, or one of its chain, ends; negative afterwards.
        package var daysLeft: Int
    }

    package struct Route: Codable, Sendable {
        package var listener: String
        package var name: String
        package var traffic: Traffic
        /// Seconds since a request had no response, or one of 500 and above; absent: none is known.
        package var failedAgo: Double?
    }

    /// What a route or a member did, since it was first configured.
    package struct Traffic: Codable, Sendable {
        package var requests: UInt64 = 0
        package var informational: UInt64 = 0
        package var successes: UInt64 = 0
        package var redirections: UInt64 = 0
        package var clientErrors: UInt64 = 0
        package var serverErrors: UInt64 = 0
        /// Connections that ended before there was a response.
        package var unanswered: UInt64 = 0
        package var bytes: UInt64 = 0
        /// Of all requests together: of a route until the response was sent, of a member until it began.
        package var seconds: Double = 0
    }

    package struct Check: Codable, Sendable {
        package var monitor: String
        /// `unknown`, `up` or `down`.
        package var state: String
        /// For how many seconds it has been so; absent: it is not watched yet.
        package var age: Double?
        /// Why, in words: `connection refused`, `status 503, expected 200-399`.
        package var reason: String
    }

    package struct Listener: Codable, Sendable {
        package var name: String
        package var endpoint: String
        package var openConnections: Int
        /// Ever accepted.
        package var connections: UInt64 = 0
        /// Those that its routes, or its connections, lead to.
        package var upstreams: [String] = []
    }

    package struct Override: Codable, Sendable {
        package var kind: String
        package var name: String
        package var verdict: String
        /// Of a cutover: what takes over.
        package var target: String?
        /// Of a weight.
        package var factor: Double?
        /// The window that it is part of; absent: an operator set it.
        package var window: String?
        package var reason: String
        package var author: String
        /// Milliseconds since 1970 at which it was set, and at which it ends by itself.
        package var since: Int64
        package var expires: Int64?
    }

    /// A maintenance window with the run that is under way or comes next.
    package struct Window: Codable, Sendable {
        package var name: String
        /// What is maintained: its kind, and its name or a pattern.
        package var kind: String
        package var subject: String
        /// What it does and when, in words.
        package var plan: String
        /// Whether the configuration has it.
        package var isConfigured: Bool
        /// `waiting`, `draining`, `open`, or `refused` when it may not begin.
        package var state: String
        /// Whether it drains now: one that drained and may not open goes on with that.
        package var isDraining = false
        /// Why it may not begin.
        package var refusal: String?
        /// Milliseconds since 1970; absent when there is none to come.
        package var drains: Int64?
        package var starts: Int64?
        package var ends: Int64?
        package var reason: String
        package var author: String
    }

    package struct Shift: Codable, Sendable {
        package var id: Int64
        package var wideIP: String
        package var kind: String
        package var from: String
        package var to: String
        /// Parts of 1: what it is to be, and what it is.
        package var share: Double
        package var progress: Double
        package var isReturning: Bool
        /// Seconds until it has arrived.
        package var remaining: Double
        /// Why it moves nobody as things stand: other orders, or what is not available. Absent: it moves its share.
        package var idle: String?
        package var reason: String
        package var author: String
    }

    package struct DNS: Codable, Sendable {
        package var endpoints: [String]
        package var queries: UInt64
        package var latest: [Decision]
        /// All that is counted, by name.
        package var counters: [String: UInt64] = [:]
        package var zones = 0
        /// Those whose files are broken since.
        package var brokenZones: [BrokenZone] = []
    }

    /// A zone file, or a folder of them, that the latest reload could not use.
    package struct BrokenZone: Codable, Sendable {
        /// Empty for a folder.
        package var name: String
        package var file: String
        /// Whether the zone is served as it was before.
        package var isServed: Bool
        /// As `file:line:column: what is wrong; what to do`.
        package var reasons: [String]
    }

    /// One of the latest answers of a steered name.
    package struct Decision: Codable, Sendable {
        package var name: String
        package var client: String
        package var pool: String?
        package var scope: Int
    }

    package struct Proxy: Codable, Sendable {
        package var requests: UInt64
        package var failures: UInt64
        package var openConnections: Int
        package var drainingConnections: Int
        package var aborted: UInt64 = 0
        package var retries: UInt64 = 0
        package var replays: UInt64 = 0
        package var malformed: UInt64 = 0
        package var timeouts: UInt64 = 0
        package var rateLimited: UInt64 = 0
        package var overloaded: UInt64 = 0
        package var evicted: UInt64 = 0
        /// Connections and streams that were ended because they held the most of nearly full buffers.
        package var hoards: UInt64 = 0
        package var sourceLimited: UInt64 = 0
        package var floods: UInt64 = 0
        /// Streams of HTTP/2 that were refused unread.
        package var refusedStreams: UInt64 = 0
        package var loops: UInt64 = 0
        /// Times that accepting paused for want of descriptors.
        package var descriptorPauses: UInt64 = 0
        package var bufferedBytes = 0
    }
}
