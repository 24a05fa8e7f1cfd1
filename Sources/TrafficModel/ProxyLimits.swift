/// How much clients may ask of the VIP tier. The defaults are those that NGINX, Apache and Kestrel ship, where they agree.
package struct ProxyLimits: Sendable, Hashable {
    // A request's head.

    /// Request line and fields together, in bytes; more is answered 431 (or 414 for the line alone).
    package var headBytes = 32 * 1024
    /// Fields in a head.
    package var headFields = 128
    /// From the first byte of a request to the end of its head, however the bytes trickle in.
    package var headTimeout: Duration = .seconds(10)

    // Bodies.

    /// The largest request body in bytes; more is answered 413. `nil`: no limit.
    package var bodyBytes: Int? = 64 * 1024 * 1024
    /// The longest wait for the next bytes of a request body, and for the client to take any of a response.
    package var bodyTimeout: Duration = .seconds(30)
    /// Bytes a second that a client must send of a body, over ``bodyTimeout``; 0: any.
    package var bodyRate = 240
    /// Bytes a second that a client must take of a response, over ``bodyTimeout``; 0: any.
    package var readRate = 240

    // Connections.

    /// A keep-alive client connection without a request.
    package var idleTimeout: Duration = .seconds(75)
    /// An upgraded or TCP connection without a byte in either direction.
    package var tunnelTimeout: Duration = .seconds(3600)
    package var handshakeTimeout: Duration = .seconds(10)
    /// Client connections at once. At the limit an idle one makes room; a few more are told 503; then accepting pauses.
    package var connections = 10_000
    /// Client connections at once from one address, IPv6 by /64; trusted proxies aside. `nil`: no limit.
    package var connectionsPerSource: Int?
    /// Requests on one connection before it is closed. `nil`: no limit.
    package var requestsPerConnection: Int?
    /// Requests at once on an HTTP/2 connection.
    package var streams = 128

    // Memory.

    /// Bytes buffered per connection and direction before reading stops.
    package var bufferBytes = 64 * 1024
    /// Bytes buffered for all connections together before new requests are answered 503.
    package var bufferTotal = 256 * 1024 * 1024

    package init() {}
}
