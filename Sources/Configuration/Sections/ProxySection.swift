internal import TrafficModel

/// `proxy:` and `admin:`.
enum ProxySection {
    private static let fresh = ProxySettings()
    private static let times: ClosedRange<Int64> = 100...86_400_000

    static let threads = Shape<Int>.integer(0...1024).field(
        "threads", default: fresh.threads, "Event loops; 0: one for each processor.")
    static let headSize = Shape<Int>.size(1024...1_048_576).field(
        "head_size", default: fresh.headBytes, "Request line and fields together; more is answered 431 or 414.")
    static let headFields = Shape<Int>.integer(8...4096).field(
        "head_fields", default: fresh.headFields, "Fields in a head; more is answered 431.")
    static let headTimeout = Shape<Duration>.duration(times).field(
        "head_timeout", default: fresh.headTimeout, "From the first byte of a request to the end of its head.")
    static let bodySize = bodySizeShape.field(
        "body_size", default: fresh.bodyBytes ?? -1, "The largest request body, or `unlimited`; more is answered 413.")
    static let bodyTimeout = Shape<Duration>.duration(times).field(
        "body_timeout", default: fresh.bodyTimeout,
        "Between two reads of a request body, or two writes that the client takes.")
    static let idleTimeout = Shape<Duration>.duration(times).field(
        "idle_timeout", default: fresh.idleTimeout, "A client connection without a request.")
    static let tunnelTimeout = Shape<Duration>.duration(100...604_800_000).field(
        "tunnel_timeout", default: fresh.tunnelTimeout, "An upgraded or TCP connection without a byte either way.")
    static let handshakeTimeout = Shape<Duration>.duration(times).field(
        "handshake_timeout", default: fresh.handshakeTimeout, "A TLS handshake.")
    static let connections = Shape<Int>.integer(1...10_000_000).field(
        "connections", default: fresh.connections, "Client connections at once; at the limit the listeners pause.")
    static let bufferSize = Shape<Int>.size(4096...16_777_216).field(
        "buffer_size", default: fresh.bufferBytes, "Buffered per connection and direction before reading stops.")
    static let drainTimeout = Shape<Duration>.duration(0...86_400_000).field(
        "drain_timeout", default: fresh.drainTimeout, "How long connections of a removed listener or route live on.")
    static let accessLog = Shape<String>.text("path").field(
        "access_log", default: fresh.accessLog ?? "off", "`-`: standard output; `off`: none; else a file.")

    static let model = ObjectModel(
        title: "proxy", summary: "What holds for all listeners.",
        fields: [
            threads.description, headSize.description, headFields.description, headTimeout.description,
            bodySize.description, bodyTimeout.description, idleTimeout.description, tunnelTimeout.description,
            handshakeTimeout.description, connections.description, bufferSize.description, drainTimeout.description,
            accessLog.description,
        ])

    /// -1 stands for no limit.
    private static let bodySizeShape = Shape<Int>(
        .anyOf([
            Shape<Int>.size(0...(1 << 50)).description,
            .scalar(ScalarDescription(kind: "word", range: "unlimited", words: ["unlimited"])),
        ]), text: { $0 < 0 ? "unlimited" : Units.text(bytes: $0) }
    ) { node, context in
        if case .scalar("unlimited", _) = node.content { return -1 }
        return Shape<Int>.size(0...(1 << 50)).read(node, context)
    }

    static let shape = Shape<ProxySettings>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var proxy = ProxySettings()
        proxy.threads = reader.read(threads, context)
        proxy.headBytes = reader.read(headSize, context)
        proxy.headFields = reader.read(headFields, context)
        proxy.headTimeout = reader.read(headTimeout, context)
        let body = reader.read(bodySize, context)
        proxy.bodyBytes = body < 0 ? nil : body
        proxy.bodyTimeout = reader.read(bodyTimeout, context)
        proxy.idleTimeout = reader.read(idleTimeout, context)
        proxy.tunnelTimeout = reader.read(tunnelTimeout, context)
        proxy.handshakeTimeout = reader.read(handshakeTimeout, context)
        proxy.connections = reader.read(connections, context)
        proxy.bufferBytes = reader.read(bufferSize, context)
        proxy.drainTimeout = reader.read(drainTimeout, context)
        let log = reader.read(accessLog, context)
        proxy.accessLog =
            switch log {
            case "off": nil
            case "-": "-"
            default: TextFile.resolve(log, besides: context.file)
            }
        return proxy
    }
}

enum AdminSection {
    static let socket = Shape<String>.path.field(
        "socket", "The path of a Unix socket that only the owner can use; none if absent.")
    static let state = Shape<String>.path.field(
        "state",
        """
        The SQLite file, made if absent, that keeps what operators changed and the audit trail over restarts; without it \
        both end with the process.
        """)
    static let model = ObjectModel(
        title: "admin", summary: "How operators reach the running program.",
        fields: [socket.description, state.description])

    static let shape = Shape<AdminSettings>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var admin = AdminSettings()
        admin.socketPath = reader.read(socket, context)
        admin.statePath = reader.read(state, context)
        // sockaddr_un holds 108 bytes with the closing zero.
        if let path = admin.socketPath, path.utf8.count > 107 {
            context.error(
                reader.position(of: "socket"), "the socket's path has more than 107 bytes", "choose a shorter one")
        }
        return admin
    }
}
