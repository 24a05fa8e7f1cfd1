import ControlPlane
import HTTPTypes
import Hummingbird

/// `ETag` on the collections of what operators decided, `If-None-Match` when reading overrides, and `If-Match` when changing them
/// (RFC 9110 section 13.1).
struct PreconditionMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let node: Node

    static func collection(_ path: String) -> OperatorCollection? {
        OperatorCollection.allCases.first { path == "/v1/\($0.rawValue)" || path.hasPrefix("/v1/\($0.rawValue)/") }
    }

    @concurrent
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let collection = Self.collection(request.uri.path)
        guard request.method == .get || request.method == .head else {
            // A condition that is not looked at must not seem to hold.
            for name: HTTPField.Name in [.ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince]
            where request.headers[name] != nil {
                throw BadRequest("\(name.rawName): changes have If-Match and no other condition")
            }
            guard let field = request.headers[.ifMatch], field != "*" else { return try await next(request, context) }
            guard let collection else { throw BadRequest("If-Match: of overrides, windows and shifts") }
            let expectation = Expectation(collection, try Self.revisions(field))
            return try await Expectation.$current.withValue(expectation) { try await next(request, context) }
        }
        guard let collection else { return try await next(request, context) }
        // Asked for first: what changes in between makes the tag older than what it is of, which refuses a change too
        // many rather than one too few.
        let revision = await node.revision(of: collection)
        var response = try await next(request, context)
        guard response.status == .ok else { return response }
        let tag = "\"\(revision)\""
        response.headers[.eTag] = tag
        // Windows open and shifts go on by themselves: the tag is of what operators decided, what is shown is more.
        if collection == .overrides, let known = request.headers[.ifNoneMatch],
            known == "*" || Self.tags(known).contains(tag)
        {
            return Response(status: .notModified, headers: [.eTag: tag])
        }
        return response
    }

    private static func tags(_ field: String) -> [String] {
        field.split(separator: ",").map { tag in
            let tag = tag.drop { $0 == " " }.prefix { $0 != " " }
            return String(tag.hasPrefix("W/") ? tag.dropFirst(2) : tag)
        }
    }

    /// Tags that are none of ours match nothing; weak ones neither, as the method wants it.
    private static func revisions(_ field: String) throws(BadRequest) -> Set<UInt64> {
        let parts = field.split(separator: ",").map { $0.drop { $0 == " " }.prefix { $0 != " " } }
        guard !parts.isEmpty, parts.allSatisfy({ $0.hasSuffix("\"") && $0.count > 1 }) else {
            throw BadRequest("If-Match: tags in quotes, as GET answers them in ETag, or *")
        }
        return Set(parts.compactMap { UInt64($0.dropFirst().dropLast()) })
    }
}
