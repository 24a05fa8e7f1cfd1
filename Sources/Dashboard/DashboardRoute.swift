package import Hummingbird

/// Something that the dashboard answers, for whoever serves it.
package struct DashboardRoute: Sendable {
    package enum Audience: Sendable {
        /// Also those who have not signed in.
        case everyone
        /// People who may look; others are to be sent to sign in.
        case reader
        /// Pages that are open, of people who may look.
        case page
    }

    package typealias Handler = @Sendable (Request, Parameters) async throws -> Response

    /// With parameters in braces.
    package let path: String
    package let audience: Audience
    /// Whether it costs as many decisions as are explained.
    package let isExplanation: Bool
    package let handler: Handler

    init(_ path: String, _ audience: Audience, isExplanation: Bool = false, handler: @escaping Handler) {
        self.path = path
        self.audience = audience
        self.isExplanation = isExplanation
        self.handler = handler
    }
}
