import ControlPlane
import HTTPTypes
import Hummingbird
import TrafficModel

/// The body with which a browser signs in.
struct SessionRequest: RequestBody {
    enum CodingKeys: String, CodingKey, CaseIterable { case token }

    var token: String

    static var fields: [String] { CodingKeys.allCases.map(\.rawValue) }
    static var advice: String { #"the body must be JSON with "token""# }
}

/// Who somebody is to this node.
package struct SessionStatus: Codable, Sendable {
    package var name: String
    /// `view`, `operate` or `admin`.
    package var role: String
    /// By what: `socket`, `token`, `session` or `certificate`.
    package var proof: String
}

extension AdminService {
    /// `nil` access: the Unix socket, where nobody signs in.
    static func sessionRoutes(_ access: AdminAccess?) -> [AdminRoute] {
        [
            AdminRoute(
                .get, "/v1/session", .role(.view), "Who asks, and with which role.", answer: SessionStatus.self
            ) { _, context in
                guard let identity = context.identity else { throw Refusal(.unauthorized, "nobody is signed in") }
                let author = await context.author()
                return try json(
                    SessionStatus(
                        name: author.name, role: identity.role.rawValue, proof: identity.proof.rawValue))
            },
            AdminRoute(
                .post, "/v1/session", .everyone, "Sign a browser in: a cookie that stands for the token.",
                body: SessionRequest.self, answer: SessionStatus.self
            ) { request, context in
                guard let access, let (listener, _) = access.node.adminListener else {
                    throw Refusal(.conflict, "sessions are of admin.listen: the socket needs none")
                }
                let isSecure = listener.tls != nil
                // A page of another site must not sign anybody in as somebody else.
                if request.isOfBrowser { try request.checkOrigin([isSecure ? "https" : "http"]) }
                let body = try await SessionRequest.read(request)
                let (secret, token) = try access.signIn(body.token, from: context.source, listener)
                var response = try json(
                    SessionStatus(
                        name: token.name, role: token.role.rawValue, proof: AdminIdentity.Proof.session.rawValue))
                response.headers[.setCookie] = cookie(secret, seconds: Sessions.lifetime, isSecure)
                return response
            },
            AdminRoute(
                .delete, "/v1/session", .everyone, "Sign out: the session ends.", status: .noContent
            ) { request, _ in
                if let key = AdminAccess.secret(in: request).flatMap(Sessions.key) { access?.sessions.end(key) }
                let isSecure = access?.node.adminListener?.listener.tls != nil
                return Response(
                    status: .noContent, headers: [.setCookie: cookie("", seconds: .zero, isSecure)])
            },
        ]
    }

    private static func cookie(_ secret: String, seconds: Duration, _ isSecure: Bool) -> String {
        "\(AdminAccess.cookie)=\(secret); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(Int(seconds / .seconds(1)))"
            + (isSecure ? "; Secure" : "")
    }
}
