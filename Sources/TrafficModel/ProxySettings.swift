/// What holds for all listeners of the VIP tier.
package struct ProxySettings: Sendable, Hashable {
    /// Event loops; 0: one for each processor.
    package var threads = 0
    /// Request line and fields together, in bytes; more is answered 431 (or 414 for the line alone).
    package var headBytes = 32 * 1024
    /// Fields in a head.
    package var headFields = 128
    /// From the first byte of a request to the end of its head.
    package var headTimeout: Duration = .seconds(10)
    /// The largest request body in bytes; more is answered 413. `nil`: no limit.
    package var bodyBytes: Int? = 64 * 1024 * 1024
    /// Between two reads of a request body, or two writes that the client takes.
    package var bodyTimeout: Duration = .seconds(30)
    /// A keep-alive client connection without a request.
    package var idleTimeout: Duration = .seconds(75)
    /// An upgraded or TCP connection without a byte in either direction.
    package var tunnelTimeout: Duration = .seconds(3600)
    package var handshakeTimeout: Duration = .seconds(10)
    /// Client connections at once; at the limit the listeners pause.
    package var connections = 10_000
    /// Bytes buffered per connection and direction before reading stops.
    package var bufferBytes = 64 * 1024
    /// How long a removed listener's or route's connections may live on.
    package var drainTimeout: Duration = .seconds(30)
    /// `nil`: no access log; `-`: standard output; else a file.
    package var accessLog: String? = "-"

    package init() {}
}

/// How operators reach the running program.
package struct AdminSettings: Sendable, Hashable {
    /// A Unix socket, readable by the owner; `nil`: none.
    package var socketPath: String?
    /// The file that keeps overrides and the audit trail; `nil`: memory.
    package var statePath: String?

    package init() {}
}
