internal import Addresses
internal import TrafficModel

/// `listeners:`.
enum ListenerSection {
    struct Places: Sendable {
        var address: Position
        var routes: [Position]
        var tls: Position?
    }

    static let address = Shape<Endpoint>.endpoint.field("address", required: true, "Where it listens.")
    static let tls = tlsShape.field("tls", "Terminate TLS.")
    static let trustedProxies = Shape<[IPPrefix]>.list(of: .prefix).field(
        "trusted_proxies", "Peers whose `X-Forwarded-*` and `Forwarded` fields are believed; all others' are replaced.")
    static let upstream = Shape<Int>.reference(.upstream).field(
        "upstream", "Forward every HTTP request to this upstream.")
    static let routes = RouteSection.shape.field(
        "routes", "Route HTTP requests; the first route that matches is taken.")
    static let tcp = Shape<Int>.reference(.upstream).field(
        "tcp", "Forward connections, whatever they carry, to this upstream.")

    static let model = ObjectModel(
        title: "listeners.NAME", summary: "An address of the VIP tier that this node serves.",
        fields: [
            address.description, tls.description, trustedProxies.description, upstream.description,
            routes.description, tcp.description,
        ], exactlyOne: ["upstream", "routes", "tcp"])

    static let certificates = Shape<[Located<Int>]>.list(of: Shape<Int>.reference(.certificate).located, minimum: 1)
        .field(
            "certificates", required: true, "Chosen by server name; the first is for names that none matches.")
    static let minimumVersion = Shape<Listener.TLSVersion>.choice().field(
        "minimum_version", default: .v12, "The oldest TLS version that is accepted.")
    static let tlsModel = ObjectModel(
        title: "listeners.NAME.tls", summary: "TLS termination.",
        fields: [certificates.description, minimumVersion.description])

    private static let tlsShape = Shape<Listener.TLS>(.object(tlsModel)) { node, context in
        guard let reader = ObjectReader(tlsModel, node, context) else { return nil }
        var tls = Listener.TLS(
            certificates: unique(reader.read(certificates, context) ?? [], of: .certificate, context))
        tls.minimumVersion = reader.read(minimumVersion, context)
        return tls
    }

    static let shape = Shape<[Named<Drafted<Listener, Places>>]>.map(key: "name", of: listener)

    private static let listener = Shape<Drafted<Listener, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let endpoint = reader.read(address, context)
        let security = reader.read(tls, context)
        let trusted = reader.read(trustedProxies, context) ?? []
        let target = reader.read(upstream, context)
        let list = reader.read(routes, context) ?? []
        let raw = reader.read(tcp, context)
        guard let endpoint else { return nil }
        var mode = Listener.Mode.http(routes: list.map(\.value))
        if let target { mode = .http(routes: [Route(name: "", action: .upstream(target))]) }
        if let raw { mode = .tcp(upstream: raw) }
        var listener = Listener(name: "", endpoint: endpoint, mode: mode)
        listener.tls = security
        listener.trustedProxies = trusted
        if reader.has("tcp"), reader.has("trusted_proxies") {
            context.warning(
                reader.position(of: "trusted_proxies"), "trusted_proxies has no effect on forwarded connections",
                "remove it")
        }
        return Drafted(
            value: listener,
            places: Places(
                address: reader.position(of: "address"), routes: list.map(\.position),
                tls: reader.has("tls") ? reader.position(of: "tls") : nil))
    }
}
