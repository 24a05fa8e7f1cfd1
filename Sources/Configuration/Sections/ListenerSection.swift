internal import Addresses
internal import TrafficModel

/// `listeners:`.
enum ListenerSection {
    struct Places: Sendable {
        var address: Position
        var routes: [Position]
        var tls: Position?
        var clientAuthority: Position?
    }

    static let address = Shape<Endpoint>.endpoint.field("address", required: true, "Where it listens.")
    static let tls = tlsShape.field("tls", "Terminate TLS.")
    static let trustedProxies = Shape<[IPPrefix]>.list(of: .prefix).field(
        "trusted_proxies", "Peers whose `X-Forwarded-*` and `Forwarded` fields are believed; all others' are replaced.")
    static let proxyProtocol = Shape<Bool>.boolean.field(
        "proxy_protocol", default: false,
        "Peers in `trusted_proxies` begin each connection with a PROXY header, version 1 or 2. All others must not.")
    static let http2 = Shape<Bool>.boolean.field(
        "http2", default: true,
        "Speak HTTP/2 too: agreed on with TLS, and with clients that begin with it in clear text.")
    static let upstream = Shape<Int>.reference(.upstream).field(
        "upstream", "Forward every HTTP request to this upstream.")
    static let routes = RouteSection.shape.field(
        "routes", "Route HTTP requests; the first route that matches is taken.")
    static let tcp = Shape<Int>.reference(.upstream).field(
        "tcp", "Forward connections, whatever they carry, to this upstream.")

    static let model = ObjectModel(
        title: "listeners.NAME", summary: "An address of the VIP tier that this node serves.",
        fields: [
            address.description, tls.description, trustedProxies.description, proxyProtocol.description,
            http2.description, upstream.description,
            routes.description, tcp.description,
        ], exactlyOne: ["upstream", "routes", "tcp"])

    static let certificates = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.certificate).located, minimum: 1)
        .field(
            "certificates", required: true,
            "Chosen by server name and by the kinds of keys that the client takes; the first is for names that none matches."
        )
    static let minimumVersion = Shape<Listener.TLSVersion>.choice().field(
        "minimum_version", default: .v12, "The oldest TLS version that is accepted.")
    static let clientAuthority = Shape<String>.path.located.field(
        "authority", required: true, "A PEM file with the authorities whose certificates are believed.")
    static let clientsRequired = Shape<Bool>.boolean.field(
        "required", default: true, "Whether clients without a certificate are refused.")
    static let clientsModel = ObjectModel(
        title: "listeners.NAME.tls.client_certificates", summary: "",
        fields: [clientAuthority.description, clientsRequired.description])
    static let clients = clientsShape.field(
        "client_certificates",
        "Ask clients for certificates. Members get the subject in `X-Client-Certificate-Subject`.")
    private static let clientsShape = Shape<Drafted<Listener.ClientCertificates, Position>>(
        .object(clientsModel)
    ) { node, context in
        guard let reader = ObjectReader(clientsModel, node, context),
            let path = reader.read(clientAuthority, context)
        else { return nil }
        var clients = Listener.ClientCertificates(authorityPath: path.value)
        clients.isRequired = reader.read(clientsRequired, context)
        return Drafted(value: clients, places: path.position)
    }
    static let tlsModel = ObjectModel(
        title: "listeners.NAME.tls", summary: "TLS termination.",
        fields: [certificates.description, minimumVersion.description, clients.description])

    private static let tlsShape = Shape<Drafted<Listener.TLS, Position?>>(.object(tlsModel)) { node, context in
        guard let reader = ObjectReader(tlsModel, node, context) else { return nil }
        var tls = Listener.TLS(
            certificates: unique(reader.read(certificates, context) ?? [], of: .certificate, context))
        tls.minimumVersion = reader.read(minimumVersion, context)
        let asked = reader.read(clients, context)
        tls.clients = asked?.value
        return Drafted(value: tls, places: asked?.places)
    }

    static let shape = Shape<[Named<Drafted<Listener, Places>>]>.map(key: "name", of: listener)

    private static let listener = Shape<Drafted<Listener, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let endpoint = reader.read(address, context)
        let security = reader.read(tls, context)
        let trusted = reader.read(trustedProxies, context) ?? []
        let expectsHeader = reader.read(proxyProtocol, context)
        let speaksHTTP2 = reader.read(http2, context)
        if expectsHeader, trusted.isEmpty {
            context.error(
                reader.position(of: "proxy_protocol"), "proxy_protocol needs to know whom to believe",
                "list the peers that send the header in trusted_proxies")
        }
        let target = reader.read(upstream, context)
        let list = reader.read(routes, context) ?? []
        let raw = reader.read(tcp, context)
        guard let endpoint else { return nil }
        var mode = Listener.Mode.http(routes: list.map(\.value))
        if let target { mode = .http(routes: [Route(name: "", action: .upstream(target))]) }
        if let raw { mode = .tcp(upstream: raw) }
        var listener = Listener(name: "", endpoint: endpoint, mode: mode)
        listener.tls = security?.value
        listener.trustedProxies = trusted
        listener.proxyProtocol = expectsHeader
        listener.http2 = speaksHTTP2
        if reader.has("tcp"), reader.has("trusted_proxies"), !expectsHeader {
            context.warning(
                reader.position(of: "trusted_proxies"), "trusted_proxies has no effect on forwarded connections",
                "remove it")
        }
        return Drafted(
            value: listener,
            places: Places(
                address: reader.position(of: "address"), routes: list.map(\.position),
                tls: reader.has("tls") ? reader.position(of: "tls") : nil, clientAuthority: security?.places))
    }
}
