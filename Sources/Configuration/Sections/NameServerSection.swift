internal import Addresses
internal import TrafficModel

/// `dns:`.
enum NameServerSection {
    struct Places: Sendable {
        var listen: [Located<Endpoint>]
        var cookieSecrets: Position
        var queryLog: Position
    }

    private static let fresh = NameServer()

    static let listen = Shape<[Located<Endpoint>]>.list(of: Shape<Endpoint>.endpoint.located, minimum: 1).field(
        "listen", required: true, "Addresses that answer DNS, each over UDP and TCP.")
    static let udpSize = Shape<Int>.integer(512...4096).field(
        "udp_size", default: fresh.udpSize, "The largest UDP response in bytes; 1232 avoids fragments.")
    static let threads = Shape<Int>.integer(0...1024).field(
        "threads", default: fresh.threads, "Threads that answer UDP; 0: one for each processor.")
    static let clientSubnet = Shape<Bool>.boolean.field(
        "client_subnet", default: fresh.clientSubnet, "Whether EDNS Client Subnet (RFC 7871) is believed.")
    static let responses = Shape<ResponseContent>.choice().field(
        "responses", default: fresh.responses,
        """
        What answers carry beside what was asked for: `minimal`: nothing; `full`: the zone's name servers and the addresses \
        of hosts that MX, SRV, NS and SVCB records name, as far as they fit.
        """)
    static let queryLog = LogSection.file.field(
        "query_log", default: nil,
        "A line for each query and its answer. `-`: standard output; `off`: none; else a file.")
    static let tcp = tcpShape.field("tcp", "Limits of DNS over TCP.")

    static let connections = Shape<Int>.integer(1...1_000_000).field(
        "connections", default: fresh.tcpConnections,
        "TCP connections at once; one more takes the place of the one that has been idle for longest.")
    static let connectionsPerSource = Shape<Int>.integer(1...1_000_000).field(
        "connections_per_source", default: fresh.tcpConnectionsPerSource,
        "TCP connections at once from one address; one more is closed at once.")
    static let idleTimeout = Shape<Duration>.duration(100...3_600_000).field(
        "idle_timeout", default: fresh.tcpIdle, "How long a TCP connection may be idle between messages.")
    static let messageTimeout = Shape<Duration>.duration(100...3_600_000).field(
        "message_timeout", default: fresh.tcpMessageTime,
        "How long a client may take for the whole of a message it began, or to take answers that wait for it.")
    static let proxyProtocol = proxyShape.field(
        "proxy_protocol", "Learn from load balancers in front whose connections they pass on (versions 1 and 2).")
    static let proxies = Shape<[IPPrefix]>.list(of: .prefix, minimum: 1).field(
        "from", required: true, "Peers whose connections must begin with a header; those of all others must not.")

    static let tcpModel = ObjectModel(
        title: "dns.tcp", summary: "",
        fields: [
            connections.description, connectionsPerSource.description, idleTimeout.description,
            messageTimeout.description, proxyProtocol.description,
        ])
    static let proxyModel = ObjectModel(
        title: "dns.tcp.proxy_protocol", summary: "", fields: [proxies.description])

    private static let tcpShape = Shape<ObjectReader>(.object(tcpModel)) { ObjectReader(tcpModel, $0, $1) }
    private static let proxyShape = Shape<[IPPrefix]>(.object(proxyModel)) { node, context in
        ObjectReader(proxyModel, node, context)?.read(proxies, context)
    }

    static let model = ObjectModel(
        title: "dns", summary: "The DNS role of this node. Without it the node answers no DNS.",
        fields: [
            listen.description, udpSize.description, udpSizeWithoutCookie.description, threads.description,
            clientSubnet.description, responses.description, tcp.description, identity.description,
            zoneVersion.description,
            cookies.description, rateLimit.description, queryLog.description,
        ])

    static let shape = Shape<Drafted<NameServer, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var server = NameServer()
        let endpoints = reader.read(listen, context) ?? []
        server.listen = endpoints.map(\.value)
        server.udpSize = reader.read(udpSize, context)
        server.threads = reader.read(threads, context)
        server.clientSubnet = reader.read(clientSubnet, context)
        server.responses = reader.read(responses, context)
        if let tcp = reader.read(tcp, context) {
            server.tcpConnections = tcp.read(connections, context)
            server.tcpConnectionsPerSource = tcp.read(connectionsPerSource, context)
            server.tcpIdle = tcp.read(idleTimeout, context)
            server.tcpMessageTime = tcp.read(messageTimeout, context)
            server.proxies = tcp.read(proxyProtocol, context) ?? []
        }
        var places = Places(
            listen: endpoints, cookieSecrets: node.position, queryLog: reader.position(of: "query_log"))
        server.answers = readAnswers(reader, &places, context)
        server.queryLog = reader.read(queryLog, context)
        return Drafted(value: server, places: places)
    }
}

/// A part of the model and the places that checks across parts report.
struct Drafted<Value: Sendable, Places: Sendable>: Sendable {
    var value: Value
    var places: Places
}
