/// What becomes of a request, and why: the body of `GET /v1/explain/http`, and what `meridian explain URL --json`
/// prints.
package struct HTTPExplanation: Codable, Sendable {
    package var method: String
    package var url: String
    package var client: String
    package var generation: UInt64
    package var epoch: UInt64
    /// Whether a running node was asked: then what it knows of health, loads and overrides counts.
    package var isLive: Bool
    /// How the client's resolver comes to the address, a name a step; empty where the host is an address or no name of
    /// this node.
    package var names: [NameStep]
    package var listener: Listener
    /// The virtual server that has the listener's address, if one does.
    package var virtualServer: VirtualServer?
    /// As routes are matched with them.
    package var host: String
    package var path: String
    /// In the order in which they are read, up to the one that takes the request.
    package var routes: [Route]
    package var rateLimit: RateLimit?
    package var result: Result
    package var upstream: Upstream?

    package struct NameStep: Codable, Sendable {
        package var name: String
        package var type: String
        /// NOERROR and the like.
        package var code: String
        package var answers: [String]
    }

    package struct Listener: Codable, Sendable {
        package var name: String
        package var endpoint: String
        /// `http` or `tcp`.
        package var mode: String
        package var tls: Bool
        /// Why it is this one.
        package var reason: String
    }

    package struct VirtualServer: Codable, Sendable {
        package var name: String
        package var region: String
        package var state: String
    }

    package struct Route: Codable, Sendable {
        package var name: String
        package var isTaken: Bool
        /// What the request lacks for it; absent for the one that takes it.
        package var reason: String?
    }

    package struct RateLimit: Codable, Sendable {
        /// Requests a second, and how many at once after a pause.
        package var rate: Double
        package var burst: Int
        /// `client` or `route`: what is counted together.
        package var key: String
        /// Requests that would pass if they came now.
        package var passing: Int
        /// Seconds until one passes, when none does now.
        package var retryAfter: Int?
    }

    package struct Result: Codable, Sendable {
        /// `upstream`, `redirect`, `respond`, or `refuse`.
        package var kind: String
        /// The status, where the answer is made here.
        package var status: Int?
        package var detail: String
    }

    package struct Upstream: Codable, Sendable {
        package var name: String
        package var method: String
        /// Among whom is chosen: `available`, `backup`, `drained`, `ejected`, or `none`.
        package var step: String
        package var members: [Member]
        /// The endpoint that each event loop of the node would take now; empty where no node was asked.
        package var next: [String?]
    }

    package struct Member: Codable, Sendable {
        package var endpoint: String
        /// `available`, `ejected`, `draining`, `down` or `disabled`.
        package var state: String
        /// Requests or connections open now.
        package var open: Int
        package var limit: Int?
        package var ratio: Int
        /// The part of the next requests that it gets while loads stay as they are; absent: it is out of the choice, or
        /// there are too many to say.
        package var share: Double?
        /// Overrides, monitors, ejections and limits that make it so.
        package var reasons: [String]
    }
}

/// What is asked.
package struct HTTPExplanationRequest: Sendable {
    package var url: String
    package var method: String
    /// As `name: value`.
    package var fields: [String]
    /// The client's address.
    package var client: String
    /// The name of the listener that it comes in by; `nil`: what the URL says.
    package var listener: String?

    /// More fields than these are not explained; requests have fewer.
    package static let fieldLimit = 64

    package init(url: String, method: String, fields: [String], client: String, listener: String?) {
        self.url = url
        self.method = method
        self.fields = fields
        self.client = client
        self.listener = listener
    }
}
