internal import Addresses
internal import TrafficModel

/// `admin:`.
enum AdminSection {
    struct Places: Sendable {
        var listen: Position
        var clientAuthority: Position?
    }

    static let socket = Shape<String>.path.field(
        "socket", "The path of a Unix socket that only the owner can use; none if absent.")
    static let state = Shape<String>.path.field(
        "state",
        """
        The SQLite file, made if absent, that keeps what operators changed and the audit trail over restarts; without it \
        both end with the process.
        """)
    static let listen = Shape<Endpoint>.endpoint.field(
        "listen",
        "An address for the API and the dashboard; only the socket if absent. Without `tls` it must be loopback.")
    static let tls = tlsShape.field("tls", "Needed on every address but loopback.")
    static let tokens = Shape<[Named<AdminListener.Token>]>.map(key: "name", of: token).field(
        "tokens", "Who may do what, by token. `meridian token NAME --role ROLE` makes one.")
    static let allowedHosts = Shape<[String]>.list(of: hostShape).field(
        "allowed_hosts",
        "Names under which the API is asked for, beside `localhost` and addresses. Others are refused, so that no foreign page can reach it by a name of its own."
    )
    static let model = ObjectModel(
        title: "admin", summary: "How operators reach the running program.",
        fields: [
            socket.description, state.description, listen.description, tls.description, tokens.description,
            allowedHosts.description,
        ])

    static let certificate = Shape<Int>.reference(.certificate).field(
        "certificate", required: true, "The certificate that the API shows.")
    static let clientAuthority = Shape<String>.path.located.field(
        "client_authority", "A PEM file with the authorities whose certificates of clients are believed.")
    static let clients = Shape<[Named<AdminRole>]>.map(key: "subject", of: Shape<AdminRole>.choice()).field(
        "clients",
        "What clients may do, by the subject of their certificate such as `CN=ann,O=Example`, its last element first (RFC 4514), as `openssl x509 -noout -subject -nameopt RFC2253` prints it; `*` and `?` stand for any text and any character of one element; the first that matches holds."
    )
    static let tlsModel = ObjectModel(
        title: "admin.tls", summary: "TLS of the API.",
        fields: [certificate.description, clientAuthority.description, clients.description])

    private static let tlsShape = Shape<Drafted<AdminListener.TLS, Position?>>(.object(tlsModel)) { node, context in
        guard let reader = ObjectReader(tlsModel, node, context) else { return nil }
        let position = reader.read(certificate, context)
        let authority = reader.read(clientAuthority, context)
        let list = reader.read(clients, context) ?? []
        guard let position else { return nil }
        var tls = AdminListener.TLS(certificate: position)
        tls.clientAuthorityPath = authority?.value
        tls.clients = list.compactMap { entry in
            entry.value.map { AdminListener.Client(subject: Glob(entry.name), role: $0) }
        }
        if (authority == nil) != list.isEmpty {
            context.error(
                reader.position(of: authority == nil ? "clients" : "client_authority"),
                "client_authority and clients go together",
                "say which authorities are believed, and what their clients may do")
        }
        return Drafted(value: tls, places: authority?.position)
    }

    static let role = Shape<AdminRole>.choice().field(
        "role", required: true, "`view`: look; `operate`: overrides, windows, shifts and resume too; `admin`: all.")
    static let hash = hashShape.field(
        "hash", required: true, "`sha256:SALT:DIGEST`, as `meridian token` prints it. The token itself is kept nowhere."
    )
    static let tokenModel = ObjectModel(
        title: "admin.tokens.NAME", summary: "A token. Its name stands in the audit trail.",
        fields: [role.description, hash.description])
    private static let token = Shape<AdminListener.Token>(.object(tokenModel)) { node, context in
        guard let reader = ObjectReader(tokenModel, node, context) else { return nil }
        let (role, hash) = (reader.read(role, context), reader.read(hash, context))
        guard let role, let hash else { return nil }
        return AdminListener.Token(name: "", role: role, hash: hash)
    }

    private static let hashShape = Shape<AdminTokenHash>.scalar(
        ScalarDescription(kind: "hash of a token", pattern: "^sha256:([0-9a-f]{2}){8,64}:[0-9a-f]{64}$"),
        text: { $0.text }
    ) { text, position, context in
        if let hash = AdminTokenHash(text) { return hash }
        // The text may be the token itself, which must not get into logs.
        context.error(
            position, "this is not the hash of a token", "write what `meridian token NAME --role ROLE` prints for it")
        return nil
    }

    private static let hostShape = Shape<String>.token("host name").map { text, _, _ in text.lowercased() }

    static let shape = Shape<Drafted<AdminSettings, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var admin = AdminSettings()
        admin.socketPath = reader.read(socket, context)
        admin.statePath = reader.read(state, context)
        // sockaddr_un holds 108 bytes with the closing zero.
        if let path = admin.socketPath, path.utf8.count > 107 {
            context.error(
                reader.position(of: "socket"), "the socket's path has more than 107 bytes", "choose a shorter one")
        }
        let endpoint = reader.read(listen, context)
        let security = reader.read(tls, context)
        let known = reader.read(tokens, context) ?? []
        let hosts = reader.read(allowedHosts, context) ?? []
        let places = Places(listen: reader.position(of: "listen"), clientAuthority: security?.places)
        for entry in known { checkTokenName(entry, context) }
        if known.count > AdminListener.tokenLimit {
            context.error(
                reader.position(of: "tokens"), "there are more than \(AdminListener.tokenLimit) tokens", "remove some")
        }
        guard let endpoint else {
            for key in ["tls", "tokens", "allowed_hosts"] where reader.has(key) && !reader.has("listen") {
                context.warning(
                    reader.position(of: key), "\(key) has no effect without listen", "add listen, or remove it")
            }
            return Drafted(value: admin, places: places)
        }
        if !reader.has("tls"), !endpoint.address.isLoopback {
            context.error(
                places.listen,
                "\(endpoint) is not loopback, and there is no tls: tokens would go over the network in clear",
                "add tls, or listen on 127.0.0.1")
        }
        if known.isEmpty, security?.value.clients.isEmpty ?? true, !context.hasErrors {
            context.error(
                places.listen, "nobody could use this address", "add tokens, or clients to tls")
        }
        var listener = AdminListener(endpoint: endpoint)
        listener.tls = security?.value
        listener.tokens = known.compactMap { entry in
            guard var token = entry.value else { return nil }
            token.name = entry.name
            return token
        }
        listener.allowedHosts = hosts
        admin.listener = listener
        return Drafted(value: admin, places: places)
    }

    private static func checkTokenName(_ entry: Named<AdminListener.Token>, _ context: DecodingContext) {
        let isPlain = entry.name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-_.@".utf8.contains($0)
        }
        guard !isPlain || entry.name.isEmpty || entry.name.utf8.count > 64 else { return }
        context.error(
            entry.position, "\"\(entry.name.shortened)\" is not a name for a token",
            "use 1 to 64 letters, digits, hyphens, underscores, dots and @")
    }
}
