import ControlPlane
import Dashboard
import HTTPTypes
import Hummingbird
import TrafficModel

/// One thing that can be asked for at the admin address. The same table of them makes the router, the checks that all
/// have in common, what is said of methods that there are not, and the OpenAPI document.
struct AdminRoute: Sendable {
    enum Access: Sendable, Equatable {
        /// Without credentials: what a browser needs to sign in.
        case everyone
        case role(AdminRole)
        /// A page for those who may look; others are sent to sign in.
        case page
    }

    /// What a request costs.
    enum Work: Sendable {
        /// Little, or it has a limit of its own.
        case light
        /// The more, the larger the node is.
        case view
        /// As many decisions as are explained.
        case explanation
    }

    /// A parameter of the query.
    struct Parameter: Sendable {
        var name: String
        var summary: String
        var type: ParameterType
        var isRequired = false
        /// Whether it may be given more than once.
        var isRepeated = false

        init(
            _ name: String, _ summary: String, _ type: ParameterType = .text, isRequired: Bool = false,
            isRepeated: Bool = false
        ) {
            self.name = name
            self.summary = summary
            self.type = type
            self.isRequired = isRequired
            self.isRepeated = isRepeated
        }
    }

    /// What a parameter may be, for the description; handlers check it.
    enum ParameterType: Sendable, Equatable {
        case text, boolean
        /// A whole number within these bounds.
        case number(ClosedRange<Int>)
        case word([String])
        /// Several of them, separated by commas.
        case words([String])
    }

    typealias Handler = @Sendable (Request, AdminContext) async throws -> Response

    var method: HTTPRequest.Method
    /// With parameters in braces.
    var path: String
    var access: Access
    var summary: String
    /// `nil`: any, for pages ignore what they do not know.
    var query: [Parameter]?
    var body: (any RequestBody.Type)?
    /// Of a success.
    var status: HTTPResponse.Status
    /// What a success has in its body; `nil`: nothing, or what is not JSON.
    var answer: (any (Decodable & SendableMetatype).Type)?
    /// The problem that it is answered with, with 422, where it cannot be done; `nil`: one as all others.
    var refusedAnswer: (any (Decodable & SendableMetatype).Type)?
    /// Of an answer that is not JSON.
    var contentType: String?
    var work: Work
    /// Whether it is of the API, and in its description.
    var isDocumented = true
    var handler: Handler

    init(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, _ summary: String, query: [Parameter]? = [],
        body: (any RequestBody.Type)? = nil, status: HTTPResponse.Status = .ok,
        answer: (any (Decodable & SendableMetatype).Type)? = nil,
        contentType: String? = nil, work: Work = .light, handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.summary = summary
        self.query = query
        self.body = body
        self.status = status
        self.answer = answer
        self.contentType = contentType
        self.work = work
        self.handler = handler
    }

    var isChange: Bool { method != .get }

    /// Whether `dry_run=true` can be asked of it.
    var heedsDryRuns: Bool { query?.contains { $0.name == Self.dryRun.name } ?? false }

    static let dryRun = Parameter("dry_run", "`true`: only tell what it would do.", .boolean)

    /// What of the operators' decisions it reads or changes; they have tags.
    var collection: OperatorCollection? { PreconditionMiddleware.collection(path) }

    /// Parameters of the path.
    var pathParameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// Whether a request's path is this one, whatever its parameters are.
    func matches(_ other: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let others = other.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == others.count
            && zip(parts, others).allSatisfy { part, other in
                part.hasPrefix("{") ? !other.isEmpty : part == other
            }
    }

    /// Adds it to a router, with the checks that all have in common.
    func register(in router: Router<AdminContext>, _ gates: WorkGates) {
        let route = self
        router.on(RouterPath(path), method: method) { request, context in
            if route.access == .page, context.identity == nil {
                return Dashboard.signInFirst(request, wasSignedIn: AdminAccess.secret(in: request) != nil)
            }
            try await route.authorize(context)
            try route.checkQuery(request)
            if route.isChange, route.body == nil { try await request.refuseBody() }
            // Before it takes a place: who sends a body slowly, or never, keeps nobody else waiting.
            let whole = route.work == .light || route.body == nil ? request : try await request.withWholeBody()
            return try await Presence.$current.withValue(await context.presence()) {
                try await gates.run(route.work) { try await route.handler(whole, context) }
            }
        }
    }

    private func authorize(_ context: AdminContext) async throws(Refusal) {
        let needed: AdminRole
        switch access {
        case .everyone: return
        case .role(let role): needed = role
        case .page: needed = .view
        }
        guard let identity = context.identity else {
            if let (subject, _) = await context.certificate() {
                throw Refusal(
                    .unauthorized,
                    "the certificate of \"\(subject)\" may do nothing here: admin.tls.clients has no such subject")
            }
            throw Refusal(.unauthorized, "credentials are needed: a token as Authorization: Bearer, or a session")
        }
        guard identity.role >= needed else {
            throw Refusal(
                .forbidden, "\(identity.name) has the role \(identity.role.rawValue); this needs \(needed.rawValue)")
        }
    }

    private func checkQuery(_ request: Request) throws(BadRequest) {
        guard let query else { return }
        var seen: Set<String> = []
        for (key, _) in request.uri.queryParameters {
            let key = String(key)
            guard let parameter = query.first(where: { $0.name == key }) else {
                let known = query.map(\.name)
                let list = known.isEmpty ? "there are none here" : "there are \(known.joined(separator: ", "))"
                throw BadRequest("\(QueryParameters.shown(key)): no such query parameter; \(list)")
            }
            guard parameter.isRepeated || seen.insert(key).inserted else { throw BadRequest("\(key): given twice") }
        }
    }
}
