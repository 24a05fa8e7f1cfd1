import ControlPlane
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
            let previews: [any (Decodable & SendableMetatype).Type] = route.heedsDryRuns ? [ChangePreview.self] : []
            for type in [route.answer, route.refusedAnswer].compactMap(\.self) + previews {
                schemas[name(of: type)] = try TypeSchema.schema(of: type)
            }
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
                "schemas": .object(schemas), "responses": .object(refusalComponents),
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

    private static func parameter(_ parameter: AdminRoute.Parameter, in place: String) -> JSONNode {
        var members: [String: JSONNode] = [
            "name": .string(parameter.name), "in": .string(place), "required": .boolean(parameter.isRequired),
            "description": .string(parameter.summary),
            "schema": parameter.isRepeated
                ? .object(["type": .string("array"), "items": parameter.type.schema]) : parameter.type.schema,
        ]
        // One parameter with commas in it, and not one for each word.
        if case .words = parameter.type { members["explode"] = .boolean(false) }
        return .object(members)
    }

    private static func parameters(of route: AdminRoute) -> [JSONNode] {
        var all = route.pathParameters.map { name in
            parameter(.init(name, "Of what it is about.", pathType(of: name), isRequired: true), in: "path")
        }
        all += (route.query ?? []).map { parameter($0, in: "query") }
        if route.collection == .overrides, !route.isChange {
            all.append(
                parameter(.init("If-None-Match", "A tag as ETag had it: 304 when nothing was changed."), in: "header"))
        }
        guard route.isChange, route.access != .everyone else { return all }
        if route.collection != nil {
            all.append(
                parameter(
                    .init(
                        "If-Match",
                        "The ETag of the overrides, windows or shifts as they were seen: 412 when they were changed since."
                    ), in: "header"))
        }
        all.append(
            parameter(
                .init(
                    "Idempotency-Key",
                    "The same change with the same key is made once; it is answered as the first time."), in: "header"))
        return all
    }

    private static func pathType(of name: String) -> AdminRoute.ParameterType {
        switch name {
        case "kind": .word(Overrides.Subject.Kind.allCases.map(\.rawValue))
        case "id": .number(1...Int.max)
        default: .text
        }
    }

    static func content(_ type: String, _ schema: JSONNode) -> JSONNode {
        .object([type: .object(["schema": schema])])
    }

    static func reference(to name: String) -> JSONNode {
        .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// `NodeStatusWindow`, `ListingOfResourcePool`: names without modules, of letters and digits.
    static func name(of type: Any.Type) -> String {
        String(reflecting: type).split { !($0.isLetter || $0.isNumber || $0 == ".") }
            .map { $0.split(separator: ".").dropFirst().joined() }.joined(separator: "Of")
    }
}
