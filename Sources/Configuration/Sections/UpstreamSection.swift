internal import Addresses
internal import TrafficModel

/// `upstreams:`.
enum UpstreamSection {
    private static let fresh = Upstream(name: "", members: [])
    private static let freshMember = Upstream.Member(endpoint: Endpoint(address: .v4(0), port: 0))
    private static let freshTLS = Upstream.TLS()

    static let members = Shape<[Located<Upstream.Member>]>.list(of: memberShape.located, minimum: 1).field(
        "members", required: true, "What serves the requests: addresses with port, or mappings as below.")
    static let method = Shape<Upstream.Method>.choice().field(
        "method", default: fresh.method, "How a member is chosen.")
    static let monitors = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.monitor).located).field(
        "monitors", "All must agree that a member is up. None: up until a connection fails.")
    static let tls = tlsShape.field(
        "tls", "Speak TLS to the members. `server_name` or `authority` says which certificates are theirs.")
    static let http2 = Shape<Bool>.boolean.field(
        "http2", default: fresh.http2,
        "Speak HTTP/2 to the members, with many requests on one connection: with prior knowledge, or agreed on with TLS."
    )
    static let proxyProtocol = Shape<ProxyHeader.Version>.choice().field(
        "proxy_protocol",
        "Begin connections with a PROXY header of this version. Each then serves one client's request or connection.")
    static let connectTimeout = Shape<Duration>.duration(1...600_000).field(
        "connect_timeout", default: fresh.connectTimeout, "Until a connection to a member stands.")
    static let responseTimeout = Shape<Duration>.duration(10...86_400_000).field(
        "response_timeout", default: fresh.responseTimeout,
        "From the end of the request to the head of the response, and between two reads of the response.")
    static let idleConnections = Shape<Int>.integer(0...100_000).field(
        "idle_connections", default: fresh.idleConnections, "Idle connections kept per event loop and member.")
    static let idleTimeout = Shape<Duration>.duration(10...86_400_000).field(
        "idle_timeout", default: fresh.idleTimeout, "How long a connection to a member is kept idle.")
    static let tries = Shape<Int>.integer(1...10).field(
        "tries", default: fresh.tries, "Members tried for one request, the first included.")
    static let retryBudget = Shape<Double>.share(0...100).field(
        "retry_budget", default: fresh.retryBudget, "The share that retries may add to the last ten seconds' requests.")
    static let ejectionTime = Shape<Duration>.duration(0...3_600_000).field(
        "ejection_time", default: fresh.ejectionTime,
        "How long a refused or reset connection keeps a member out; doubles while it repeats, up to ten times this.")
    static let slowStart = Shape<Duration>.duration(0...3_600_000).field(
        "slow_start", default: fresh.slowStart, "A member that came up gets its full share after this time.")

    static let queueSize = Shape<Int>.integer(0...100_000).field(
        "queue_size", default: fresh.queueSize,
        "Requests that wait per event loop while every member has its `max_connections`; beyond it they get 503.")
    static let queueTimeout = Shape<Duration>.duration(1...600_000).field(
        "queue_timeout", default: fresh.queueTimeout, "How long they wait before they get 503.")

    static let model = ObjectModel(
        title: "upstreams.NAME", summary: "Members that serve the same requests.",
        fields: [
            members.description, method.description, monitors.description, tls.description,
            http2.description, proxyProtocol.description, connectTimeout.description, responseTimeout.description,
            idleConnections.description,
            idleTimeout.description, tries.description, retryBudget.description, ejectionTime.description,
            slowStart.description, queueSize.description, queueTimeout.description,
        ])

    static let address = Shape<Endpoint>.endpoint.field("address", required: true, "The member's address and port.")
    static let ratio = Shape<Int>.integer(0...65535).field(
        "ratio", default: freshMember.ratio, "Its share; 0: no new work.")
    static let maxConnections = Shape<Int>.integer(1...1_000_000).field(
        "max_connections",
        "Requests or connections at once; no limit if absent. Each upstream counts for itself, whatever the address.")
    static let backup = Shape<Bool>.boolean.field(
        "backup", default: freshMember.backup, "Taken only when no other member is available.")

    static let memberModel = ObjectModel(
        title: "upstreams.NAME.members[]", summary: "A member with more than an address.",
        fields: [address.description, ratio.description, maxConnections.description, backup.description])

    private static let memberShape = Shape<Upstream.Member>(
        .anyOf([Shape<Endpoint>.endpoint.description, .object(memberModel)])
    ) { node, context in
        guard case .map = node.content else {
            return Shape<Endpoint>.endpoint.read(node, context).map { Upstream.Member(endpoint: $0) }
        }
        guard let reader = ObjectReader(memberModel, node, context) else { return nil }
        let endpoint = reader.read(address, context)
        var member = Upstream.Member(endpoint: endpoint ?? freshMember.endpoint)
        member.ratio = reader.read(ratio, context)
        member.maxConnections = reader.read(maxConnections, context)
        member.backup = reader.read(backup, context)
        return endpoint == nil ? nil : member
    }

    static let serverName = Shape<String>.serverName.field(
        "server_name",
        "The name to send, which certificates must have; an address is not sent. If absent, any of `authority` is taken."
    )
    static let verify = Shape<Bool>.boolean.field(
        "verify", default: freshTLS.verify, "Whether the members' certificates must be valid.")
    static let authority = Shape<String>.path.located.field(
        "authority", "A PEM file with the authorities to trust; the system's if absent.")

    static let ownCertificate = Shape<Int>.reference(.certificate).field(
        "certificate", "Shown to members that ask for one.")

    static let tlsModel = ObjectModel(
        title: "upstreams.NAME.tls", summary: "TLS to the members.",
        fields: [
            serverName.description, verify.description, authority.description, ownCertificate.description,
        ])

    private static let tlsShape = Shape<Drafted<Upstream.TLS, Position?>>(.object(tlsModel)) { node, context in
        guard let reader = ObjectReader(tlsModel, node, context) else { return nil }
        var tls = Upstream.TLS()
        tls.serverName = reader.read(serverName, context)
        tls.verify = reader.read(verify, context)
        let path = reader.read(authority, context)
        tls.authorityPath = path?.value
        tls.certificate = reader.read(ownCertificate, context)
        if tls.verify, tls.serverName == nil, tls.authorityPath == nil {
            context.error(
                node.position, "any public certificate would be taken for the members'",
                "add server_name, an authority of your own, or verify: false")
        }
        return Drafted(value: tls, places: path?.position)
    }

    /// With the place of the authorities' path.
    static let shape = Shape<[Named<Drafted<Upstream, Position?>>]>.map(key: "name", of: upstream)

    private static let upstream = Shape<Drafted<Upstream, Position?>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let list = reader.read(members, context) ?? []
        var upstream = Upstream(name: "", members: list.map(\.value))
        upstream.method = reader.read(method, context)
        upstream.monitors = unique(reader.read(monitors, context) ?? [], of: .monitor, context)
        let security = reader.read(tls, context)
        upstream.tls = security?.value
        upstream.http2 = reader.read(http2, context)
        upstream.proxyProtocol = reader.read(proxyProtocol, context)
        if upstream.http2, upstream.proxyProtocol != nil {
            context.error(
                reader.position(of: "proxy_protocol"),
                "a PROXY header says whose a connection is, and with http2 a connection is everybody's",
                "remove one of them; members learn of clients from X-Forwarded-For")
        }
        upstream.connectTimeout = reader.read(connectTimeout, context)
        upstream.responseTimeout = reader.read(responseTimeout, context)
        upstream.idleConnections = reader.read(idleConnections, context)
        upstream.idleTimeout = reader.read(idleTimeout, context)
        upstream.tries = reader.read(tries, context)
        upstream.retryBudget = reader.read(retryBudget, context)
        upstream.ejectionTime = reader.read(ejectionTime, context)
        upstream.queueSize = reader.read(queueSize, context)
        upstream.queueTimeout = reader.read(queueTimeout, context)
        upstream.slowStart = reader.read(slowStart, context)
        check(list, context)
        return Drafted(value: upstream, places: security?.places)
    }

    private static func check(_ members: [Located<Upstream.Member>], _ context: DecodingContext) {
        var seen: [Endpoint: Position] = [:]
        for member in members {
            if let first = seen[member.value.endpoint] {
                context.error(
                    member.position, "the member \(member.value.endpoint) is listed twice, first on line \(first.line)",
                    "remove one; to give it a larger share use ratio")
            }
            seen[member.value.endpoint] = seen[member.value.endpoint] ?? member.position
        }
        if let first = members.first, members.allSatisfy(\.value.backup) {
            context.warning(first.position, "every member is a backup", "remove backup from at least one")
        }
    }
}
