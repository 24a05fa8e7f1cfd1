import Addresses
import ControlPlane
import HTTPTypes
import Hummingbird
import Logging
import ProxyService
import TrafficModel

/// Decides who asks over TCP: by tokens, sessions of browsers and certificates, as the configuration in force has them.
final class AdminAccess: Sendable {
    static let cookie = "meridian_session"

    let node: Node
    let sessions = Sessions()
    private let tls: AdminTLS
    private let failures = FailureLimiter()
    private let logger: Logger
    private var counters: AdminCounters { node.adminCounters }

    init(node: Node, tls: AdminTLS, logger: Logger) {
        self.node = node
        self.tls = tls
        self.logger = logger
    }

    // MARK: Who asks

    /// `nil`: nobody in particular.
    ///
    /// - Throws: `Refusal` for a token that is wrong.
    func identity(
        of request: Request, _ context: AdminContext, _ listener: AdminListener
    ) async throws -> AdminIdentity? {
        let source = context.source
        if let field = request.headers[.authorization] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw Refusal(.unauthorized, "Authorization: only Bearer is known", reason: .wrongCredentials)
            }
            let token = try token(String(parts[1]), from: source, listener)
            return AdminIdentity(name: token.name, role: token.role, credential: .token(token.hash), source: source)
        }
        if let key = Self.secret(in: request).flatMap(Sessions.key),
            let token = sessions.token(of: key, in: listener.tokens)
        {
            return AdminIdentity(name: token.name, role: token.role, credential: .session(key), source: source)
        }
        guard let tls = listener.tls, !tls.clients.isEmpty, let (subject, trust) = await context.certificate(),
            let role = role(ofSubject: subject, trust, listener)
        else { return nil }
        return AdminIdentity(
            name: subject, role: role, credential: .certificate(subject: subject, trust: trust), source: source)
    }

    /// Of a certificate; `nil` also when the authorities are others since it was believed.
    private func role(ofSubject subject: String, _ trust: Int, _ listener: AdminListener) -> AdminRole? {
        guard trust == tls.trust else { return nil }
        return listener.tls?.clients.first { Self.matches($0.subject, subject) }?.role
    }

    /// Whether somebody who was let in would be now, with no smaller role. To look counts as use of a session.
    func isStillLetIn(_ identity: AdminIdentity) -> Bool {
        guard let (listener, _) = node.adminListener else { return false }
        let role: AdminRole? =
            switch identity.credential {
            case .owner: .admin
            case .token(let hash): listener.tokens.first { $0.name == identity.name && $0.hash == hash }?.role
            case .session(let key): sessions.token(of: key, in: listener.tokens)?.role
            case .certificate(let subject, let trust): self.role(ofSubject: subject, trust, listener)
            }
        return role.map { $0 >= identity.role } ?? false
    }

    /// Element by element: a wildcard must not stand for what begins another one, and an escaped comma in a name begins
    /// none.
    static func matches(_ pattern: Glob, _ subject: String) -> Bool {
        // People write a blank behind a comma, which certificates' subjects do not have in this form.
        let patterns = elements(of: pattern.text).map { String($0.trimmingPrefix { $0 == " " }) }
        let elements = elements(of: subject)
        return patterns.count == elements.count
            && zip(patterns, elements).allSatisfy { Glob($0).matches($1) }
    }

    /// Of a distinguished name (RFC 4514 section 2.1), which are separated by commas that nothing escapes.
    private static func elements(of name: String) -> [String] {
        var elements = [""]
        var isEscaped = false
        for character in name {
            if character == ",", !isEscaped {
                elements.append("")
            } else {
                elements[elements.count - 1].append(character)
            }
            isEscaped = character == "\\" && !isEscaped
        }
        return elements
    }

    /// The token that somebody shows. Who shows too many wrong ones is told to wait.
    private func token(
        _ text: String, from source: String, _ listener: AdminListener
    ) throws(Refusal) -> AdminListener.Token {
        // Others may have the same address: who has a right token is not held up by their wrong ones.
        if let token = AdminToken.find(text, in: listener.tokens) { return token }
        let address = (IPAddress(source) ?? .v4(0)).unmapped
        if let wait = failures.wait(for: address) {
            throw Refusal(.tooManyRequests, "too many wrong tokens came from \(source): wait", retryAfter: wait)
        }
        failures.recordFailure(of: address)
        logger.notice("a token is wrong", metadata: ["source": "\(source)"])
        throw Refusal(.unauthorized, "the token is not known", reason: .wrongCredentials)
    }

    /// What the cookie of a session holds.
    static func secret(in request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if pair.count == 2, pair[0] == cookie { return String(pair[1]) }
            }
        }
        return nil
    }

    // MARK: Sessions

    /// Signs a browser in; the secret for its cookie.
    func signIn(
        _ text: String, from source: String, _ listener: AdminListener
    ) throws(Refusal) -> (secret: String, token: AdminListener.Token) {
        let token = try token(text, from: source, listener)
        guard let secret = sessions.begin(token) else {
            throw Refusal(
                .serviceUnavailable, "there are too many sessions: try again in a while", reason: .refusedSessions,
                retryAfter: 60)
        }
        counters.count(.sessions)
        logger.notice("signed in", metadata: ["token": "\(token.name)", "source": "\(source)"])
        return (secret, token)
    }
}

/// Lets in who may come over TCP.
struct AccessMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let access: AdminAccess
    let open: OpenConnections

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let (listener, _) = access.node.adminListener else {
            throw Refusal(.serviceUnavailable, "the configuration has no admin.listen any more", reason: .failures)
        }
        try request.checkHost(
            among: listener.allowedHosts, advice: "list it in admin.allowed_hosts if it should be one")
        var context = context
        context.identity = try await access.identity(of: request, context, listener)
        // Browsers send cookies and show certificates for pages of other sites too.
        let proof = context.identity?.proof
        if proof == .session || proof == .certificate && request.isOfBrowser, !request.isHarmless {
            try request.checkOrigin([listener.tls != nil ? "https" : "http"])
        }
        guard let identity = context.identity else { return try await next(request, context) }
        open.letIn(context.channel)
        let access = access
        let permission = Permission { access.isStillLetIn(identity) }
        let letIn = context
        let response = try await Permission.$current.withValue(permission) { try await next(request, letIn) }
        guard response.headers[.contentType] == "text/event-stream" else {
            return response
        }
        return response.guarded(by: permission.isStillGiven) {
            access.node.adminCounters.count(.endedStreams)
        }
    }
}

/// Who can open the Unix socket may do all: but not the pages of other sites, where a port of the machine leads to the
/// socket (`socat`, `ssh -L`) and a browser can reach that.
struct OwnerMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let open: OpenConnections

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        try request.checkHost(
            among: [AdminAddress.socketAuthority],
            advice: "write \(AdminAddress.socketAuthority), localhost or an address")
        // Whether the browser's side of a forwarded port has TLS cannot be known here.
        if request.isOfBrowser, !request.isHarmless { try request.checkOrigin(["http", "https"]) }
        var context = context
        context.identity = AdminIdentity(name: "", role: .admin, credential: .owner, source: "")
        open.letIn(context.channel)
        return try await next(request, context)
    }
}

/// What every answer tells browsers, unless it says otherwise itself.
struct HeaderMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let counters: AdminCounters

    private static let fields: [(HTTPField.Name, String)] = [
        (.contentTypeOptions, "nosniff"),
        (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"),
        (.frameOptions, "DENY"), (.referrerPolicy, "no-referrer"), (.cacheControl, "no-store"),
        (.openerPolicy, "same-origin"), (.resourcePolicy, "same-origin"),
    ]

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        counters.count(.requests)
        var response = try await next(request, context)
        for (name, value) in Self.fields where response.headers[name] == nil { response.headers[name] = value }
        return response
    }
}

extension HTTPField.Name {
    static let frameOptions = Self("X-Frame-Options")!
    static let referrerPolicy = Self("Referrer-Policy")!
    static let openerPolicy = Self("Cross-Origin-Opener-Policy")!
    static let resourcePolicy = Self("Cross-Origin-Resource-Policy")!
}
