import ControlPlane
import HTTPTypes
import Hummingbird

/// What the description says of answers.
extension OpenAPI {
    /// Statuses of refusals, each with when it comes; `components/responses` has them by their numbers.
    static let refusals: [(status: HTTPResponse.Status, summary: String)] = [
        (.badRequest, "A parameter, a header field or the body is wrong."),
        (.unauthorized, "No credentials, or wrong ones."),
        (.forbidden, "The role is not enough, it was withdrawn meanwhile, or another site's page sent it."),
        (.notFound, "There is no such thing."),
        (.conflict, "Safety rules or how things stand are against it, or the request with this key is being made."),
        (.preconditionFailed, "It was changed since the tag of If-Match was read."),
        (.contentTooLarge, "The body is too large."),
        (.unsupportedMediaType, "A browser sent what is not JSON."),
        (.misdirectedRequest, "The host is none of this node's names."),
        (.unprocessableContent, "The Idempotency-Key was given to another request."),
        (.tooManyRequests, "Too many wrong tokens came from this address."),
        (.serviceUnavailable, "Too many ask at once."),
    ]

    static var refusalComponents: [String: JSONNode] {
        Dictionary(
            uniqueKeysWithValues: refusals.map { status, summary in
                var headers: [String: JSONNode] = [:]
                if [.conflict, .tooManyRequests, .serviceUnavailable].contains(status) {
                    headers["Retry-After"] = header("Seconds until it is worth to ask again.", .number(1...86_400))
                }
                if status == .unauthorized { headers["WWW-Authenticate"] = header("How to show credentials.") }
                return ("\(status.code)", problem(summary, headers))
            })
    }

    static func responses(of route: AdminRoute) -> [String: JSONNode] {
        var responses = Dictionary(
            uniqueKeysWithValues: refusals.lazy.map(\.status).filter { isPossible($0, of: route) }.map { status in
                ("\(status.code)", JSONNode.object(["$ref": .string("#/components/responses/\(status.code)")]))
            })
        responses["\(route.status.code)"] = success(
            route.status.reasonPhrase, route.answer.map { [$0] } ?? [], contentType: route.contentType,
            headers: headers(of: route))
        if route.heedsDryRuns {
            // Beside the answer of the change itself, where that has the same status.
            let answers = (route.status == .ok ? route.answer.map { [$0] } ?? [] : []) + [ChangePreview.self]
            responses["200"] = success(
                "With `dry_run=true`: what the change would do." + (route.status == .ok ? " Else: it was made." : ""),
                answers, contentType: nil, headers: headers(of: route))
        }
        if let answer = route.refusedAnswer {
            responses["422"] = .object([
                "description": .string(
                    "It cannot be done, and why; or the Idempotency-Key was given to another request."),
                "content": content(
                    AdminService.problemType,
                    .object(["anyOf": .array([reference(to: name(of: answer)), reference(to: "Problem")])])),
            ])
        }
        if route.collection == .overrides, !route.isChange {
            responses["304"] = .object([
                "description": .string("If-None-Match has the tag: nothing was changed."),
                "headers": .object(["ETag": tag]),
            ])
        }
        responses["default"] = problem("What was refused, and why.", [:])
        return responses
    }

    /// Whether a route can be refused with a status.
    private static func isPossible(_ status: HTTPResponse.Status, of route: AdminRoute) -> Bool {
        switch status {
        case .unauthorized, .tooManyRequests: route.access != .everyone || route.body == SessionRequest.self
        case .forbidden, .unprocessableContent, .conflict: route.isChange
        case .preconditionFailed: route.isChange && route.collection != nil
        case .contentTooLarge, .unsupportedMediaType: route.body != nil || route.isChange
        case .notFound: !route.pathParameters.isEmpty || route.body != nil && route.heedsDryRuns
        default: true
        }
    }

    private static func headers(of route: AdminRoute) -> [String: JSONNode] {
        if route.isChange, route.access != .everyone {
            return ["Idempotency-Replayed": header("`true`: the answer that the same change got before.", .boolean)]
        }
        return route.collection != nil && !route.isChange ? ["ETag": tag] : [:]
    }

    private static var tag: JSONNode {
        header("Of what operators decided here: for If-Match.")
    }

    private static func header(_ summary: String, _ type: AdminRoute.ParameterType = .text) -> JSONNode {
        .object(["description": .string(summary), "schema": type.schema])
    }

    private static func success(
        _ summary: String, _ answers: [any (Decodable & SendableMetatype).Type], contentType: String?,
        headers: [String: JSONNode]
    ) -> JSONNode {
        var members: [String: JSONNode] = ["description": .string(summary)]
        var media: [String: JSONNode] = [:]
        let references = answers.map { reference(to: name(of: $0)) }
        if let first = references.first {
            let schema = references.count == 1 ? first : .object(["anyOf": .array(references)])
            media["application/json"] = .object(["schema": schema])
        }
        if let contentType { media[contentType] = .object([:]) }
        if !media.isEmpty { members["content"] = .object(media) }
        if !headers.isEmpty { members["headers"] = .object(headers) }
        return .object(members)
    }

    private static func problem(_ summary: String, _ headers: [String: JSONNode]) -> JSONNode {
        var members: [String: JSONNode] = [
            "description": .string(summary),
            "content": content(AdminService.problemType, reference(to: "Problem")),
        ]
        if !headers.isEmpty { members["headers"] = .object(headers) }
        return .object(members)
    }
}

extension AdminRoute.ParameterType {
    var schema: JSONNode {
        switch self {
        case .text: .object(["type": .string("string")])
        case .boolean: .object(["type": .string("boolean")])
        case .number(let range):
            .object([
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ])
        case .word(let known): .object(["type": .string("string"), "enum": .strings(known)])
        case .words(let known):
            .object(["type": .string("array"), "items": Self.word(known).schema])
        }
    }
}
