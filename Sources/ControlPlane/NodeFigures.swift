/// What a node counted until a moment, over all its threads: what rates and charts are made of.
///
/// Each figure only rises, but for the connections and where a reload took a route away with what it had counted.
package struct NodeFigures: Sendable, Hashable {
    /// Monotonic nanoseconds.
    package var instant: UInt64 = 0
    /// Milliseconds since 1970.
    package var time: Int64 = 0
    /// DNS queries, and those that were answered with SERVFAIL and the like.
    package var queries: UInt64 = 0
    package var failedQueries: UInt64 = 0
    /// Responses to clients of the VIP tier by their class.
    package var requests: UInt64 = 0
    package var successes: UInt64 = 0
    package var redirections: UInt64 = 0
    package var clientErrors: UInt64 = 0
    package var serverErrors: UInt64 = 0
    /// Requests that routes finished, and the seconds that those took together.
    package var finished: UInt64 = 0
    package var seconds: Double = 0
    package var bytesOut: UInt64 = 0
    /// Of clients, now.
    package var openConnections = 0

    package init() {}
}

/// One answer of a steered name, with what those who watch want to know of it.
package struct ClientAnswer: Sendable, Hashable {
    /// Monotonic nanoseconds.
    package var time: UInt64
    /// Of the client, if the geography sources know it.
    package var country: String?
    package var pool: String?

    package init(time: UInt64, country: String?, pool: String?) {
        self.time = time
        self.country = country
        self.pool = pool
    }
}
