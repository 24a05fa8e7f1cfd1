package import TrafficModel

/// How the parts of the configuration in force hang together, by name: what does not change within a generation.
package struct NodeTopology: Sendable {
    package struct Region: Sendable, Hashable {
        package var name: String
        package var location: Location?
    }

    package struct Listener: Sendable, Hashable {
        package var name: String
        package var endpoint: String
        /// Whether it forwards connections instead of requests.
        package var isTCP: Bool
        package var upstreams: [String]
    }

    package var generation: UInt64
    package var regions: [Region]
    package var listeners: [Listener]
    /// What is behind each virtual server that a listener of this node is.
    package var upstreamsOfServer: [String: [String]]
}
