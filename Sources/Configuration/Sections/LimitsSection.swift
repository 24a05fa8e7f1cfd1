internal import TrafficModel

/// `proxy.limits:`.
enum LimitsSection {
    private static let fresh = ProxyLimits()
    private static let times: ClosedRange<Int64> = 100...86_400_000

    // What is written for members is a little more, and its offsets have sixteen bits.
    static let headSize = Shape<Int>.size(1024...49_152).field(
        "head_size", default: fresh.headBytes, "Request line and fields together; more is answered 431 or 414.")
    static let headFields = Shape<Int>.integer(8...240).field(
        "head_fields", default: fresh.headFields, "Fields in a head; more is answered 431.")
    static let headTimeout = Shape<Duration>.duration(times).field(
        "head_timeout", default: fresh.headTimeout,
        "From the first byte of a request to the end of its head; then 408.")
    static let bodySize = optional(Shape<Int>.size(0...(1 << 50)), text: { Units.text(bytes: $0) }).field(
        "body_size", default: fresh.bodyBytes ?? -1, "The largest request body, or `unlimited`; more is answered 413.")
    static let bodyTimeout = Shape<Duration>.duration(times).field(
        "body_timeout", default: fresh.bodyTimeout,
        "The longest wait for more of a request body (then 408), or for the client to take more of a response.")
    static let bodyRate = Shape<Int>.size(0...1_000_000_000).field(
        "body_rate", default: fresh.bodyRate,
        "Bytes a second that a client must send of a body, over `body_timeout`; `0B`: any.")
    static let readRate = Shape<Int>.size(0...1_000_000_000).field(
        "read_rate", default: fresh.readRate,
        "Bytes a second that a client must take of a response, over `body_timeout`; `0B`: any.")
    static let idleTimeout = Shape<Duration>.duration(times).field(
        "idle_timeout", default: fresh.idleTimeout, "A client connection without a request.")
    static let tunnelTimeout = Shape<Duration>.duration(100...604_800_000).field(
        "tunnel_timeout", default: fresh.tunnelTimeout, "An upgraded or TCP connection without a byte either way.")
    static let handshakeTimeout = Shape<Duration>.duration(times).field(
        "handshake_timeout", default: fresh.handshakeTimeout, "A TLS handshake.")
    static let connections = Shape<Int>.integer(1...10_000_000).field(
        "connections", default: fresh.connections,
        "Client connections at once. At the limit an idle one makes room, a few more are told 503, then accepting pauses."
    )
    static let connectionsPerSource = optional(Shape<Int>.integer(1...10_000_000), text: { "\($0)" }).field(
        "connections_per_source", default: fresh.connectionsPerSource ?? -1,
        "Client connections at once from one address (IPv6: /64), or `unlimited`. Trusted proxies are not counted.")
    static let requestsPerConnection = optional(Shape<Int>.integer(1...1_000_000_000), text: { "\($0)" }).field(
        "requests_per_connection", default: fresh.requestsPerConnection ?? -1,
        "Requests before a connection is closed, or `unlimited`.")
    static let streams = Shape<Int>.integer(1...10_000).field(
        "streams", default: fresh.streams, "Requests at once on an HTTP/2 connection; more are refused unprocessed.")
    static let bufferSize = Shape<Int>.size(4096...16_777_216).field(
        "buffer_size", default: fresh.bufferBytes, "Buffered per connection and direction before reading stops.")
    static let bufferTotal = Shape<Int>.size(1_048_576...(1 << 50)).field(
        "buffer_total", default: fresh.bufferTotal,
        "Buffered for all connections together; near it who holds the most without taking it is ended, beyond it new requests are answered 503."
    )

    static let model = ObjectModel(
        title: "proxy.limits", summary: "How much clients may ask.",
        fields: [
            headSize.description, headFields.description, headTimeout.description, bodySize.description,
            bodyTimeout.description, bodyRate.description, readRate.description, idleTimeout.description,
            tunnelTimeout.description, handshakeTimeout.description, connections.description,
            connectionsPerSource.description, requestsPerConnection.description, streams.description,
            bufferSize.description,
            bufferTotal.description,
        ])

    /// A number or `unlimited`, for which -1 stands.
    private static func optional(_ shape: Shape<Int>, text: @escaping @Sendable (Int) -> String) -> Shape<Int> {
        Shape<Int>(
            .anyOf([
                shape.description, .scalar(ScalarDescription(kind: "word", range: "unlimited", words: ["unlimited"])),
            ]), text: { $0 < 0 ? "unlimited" : text($0) }
        ) { node, context in
            if case .scalar("unlimited", _) = node.content { return -1 }
            return shape.read(node, context)
        }
    }

    static let shape = Shape<ProxyLimits>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let given = { (value: Int) in value < 0 ? nil : value }
        var limits = ProxyLimits()
        limits.headBytes = reader.read(headSize, context)
        limits.headFields = reader.read(headFields, context)
        limits.headTimeout = reader.read(headTimeout, context)
        limits.bodyBytes = given(reader.read(bodySize, context))
        limits.bodyTimeout = reader.read(bodyTimeout, context)
        limits.bodyRate = reader.read(bodyRate, context)
        limits.readRate = reader.read(readRate, context)
        limits.idleTimeout = reader.read(idleTimeout, context)
        limits.tunnelTimeout = reader.read(tunnelTimeout, context)
        limits.handshakeTimeout = reader.read(handshakeTimeout, context)
        limits.connections = reader.read(connections, context)
        limits.connectionsPerSource = given(reader.read(connectionsPerSource, context))
        limits.streams = reader.read(streams, context)
        limits.requestsPerConnection = given(reader.read(requestsPerConnection, context))
        limits.bufferBytes = reader.read(bufferSize, context)
        limits.bufferTotal = reader.read(bufferTotal, context)
        return limits
    }
}
