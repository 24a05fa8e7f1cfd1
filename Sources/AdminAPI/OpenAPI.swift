import HTTPTypes
import Hummingbird
import TrafficModel

/// The description of the API (OpenAPI 3.1), made from the table that makes the router.
enum OpenAPI {
    static let path = "/v1/openapi.json"

    /// The routes and one more, which answers with the description of all of them.
    static func describing(_ routes: [AdminRoute]) -> [AdminRoute] {
        func route(_ handler: @escaping AdminRoute.Handler) -> AdminRoute {
            AdminRoute(
                .get, path, .role(.view), "This document.", contentType: "application/json", handler: handler)
        }
        // Fails only where a schema of ours cannot be encoded, which a test looks for; then there is no document.
        let document = try? document(of: routes + [route { _, _ in Response(status: .ok) }])
        return routes + [
            route { _, _ in
                guard let document else { throw Refusal(.internalServerError, "the description cannot be made") }
                return try AdminService.json(document)
            }
        ]
    }

    static func document(of routes: [AdminRoute]) throws -> JSONNode {
        var paths: [String: [String: JSONNode]] = [:]
        var schemas: [String: JSONNode] = ["Problem": try TypeSchema.schema(of: Problem.self)]
        for route in routes where route.isDocumented {
            if let type = route.answer { schemas[name(of: type)] = try TypeSchema.schema(of: type) }
            if let type = route.body { schemas[name(of: type)] = try TypeSchema.schema(of: type, isClosed: true) }
            paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation(route)
        }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Meridian admin API"), "version": .string("1"),
                "description": .string(
                    "Times are milliseconds since 1970. Errors are application/problem+json (RFC 9457)."),
            ]),
            "servers": .array([.object(["url": .string("/")])]),
            "paths": .object(paths.mapValues(JSONNode.object)),
            "components": .object([
                "schemas": .object(schemas),
                "securitySchemes": .object([
                    "token": .object(["type": .string("http"), "scheme": .string("bearer")]),
                    "session": .object([
                        "type": .string("apiKey"), "in": .string("cookie"), "name": .string(AdminAccess.cookie),
                    ]),
                ]),
            ]),
        ])
    }

    private static func operation(_ route: AdminRoute) -> JSONNode {
        var members: [String: JSONNode] = [
            "operationId": .string(identifier(of: route)), "summary": .string(route.summary),
            "responses": .object(responses(of: route)),
        ]
        let parameters = parameters(of: route)
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        if let body = route.body {
            members["requestBody"] = .object([
                "required": .boolean(true), "content": content("application/json", reference(to: name(of: body))),
            ])
        }
        switch route.access {
        case .everyone, .page: members["security"] = .array([])
        case .role(let role):
            members["security"] = .array([.object(["token": .array([])]), .object(["session": .array([])])])
            members["x-role"] = .string(role.rawValue)
        }
        return .object(members)
    }

    /// `get-v1-pools-name`.
    static func identifier(of route: AdminRoute) -> String {
        let words = route.path.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return ([route.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "-")
    }

    private static func parameter(
        _ name: String, in place: String, isRequired: Bool, isRepeated: Bool = false, _ summary: String
    ) -> JSONNode {
        let text = JSONNode.object(["type": .string("string")])
        return .object([
            "name": .string(name), "in": .string(place), "required": .boolean(isRequired),
            "description": .string(summary),
            "schema": isRepeated ? .object(["type": .string("array"), "items": text]) : text,
        ])
    }

    private static func parameters(of route: AdminRoute) -> [JSONNode] {
        var all = route.pathParameters.map { parameter($0, in: "path", isRequired: true, "Of what it is about.") }
        all += (route.query ?? []).map {
            parameter($0.name, in: "query", isRequired: $0.isRequired, isRepeated: $0.isRepeated, $0.summary)
        }
        guard route.method != .get, route.access != .everyone else { return all }
        all.append(
            parameter(
                "If-Match", in: "header", isRequired: false,
                "The ETag of the overrides, windows or shifts as they were seen: 412 when they were changed since."))
        all.append(
            parameter(
                "Idempotency-Key", in: "header", isRequired: false,
                "The same change with the same key is made once; it is answered as the first time."))
        return all
    }

    private static func responses(of route: AdminRoute) -> [String: JSONNode] {
        var success: [String: JSONNode] = ["description": .string(route.status.reasonPhrase)]
        var media: [String: JSONNode] = [:]
        if let answer = route.answer {
            media["application/json"] = .object(["schema": reference(to: name(of: answer))])
        }
        if let type = route.contentType { media[type] = .object([:]) }
        if !media.isEmpty { success["content"] = .object(media) }
        return [
            "\(route.status.code)": .object(success),
            "default": .object([
                "description": .string("What was refused, and why."),
                "content": content("application/problem+json", reference(to: "Problem")),
            ]),
        ]
    }

    private static func content(_ type: String, _ schema: JSONNode) -> JSONNode {
        .object([type: .object(["schema": schema])])
    }

    private static func reference(to name: String) -> JSONNode {
        .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// `NodeStatusWindow`, `ListingOfResourcePool`: names without modules, of letters and digits.
    static func name(of type: Any.Type) -> String {
        String(reflecting: type).split { !($0.isLetter || $0.isNumber || $0 == ".") }
            .map { $0.split(separator: ".").dropFirst().joined() }.joined(separator: "Of")
    }
}
