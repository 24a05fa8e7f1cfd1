/// The configuration's JSON Schema (draft 2020-12), for editors: made from the model that decodes the file.
package enum ConfigurationSchema {
    /// The whole document, with a line end.
    package static let json = document.text() + "\n"

    static let document: JSONValue = {
        guard case .object(let members) = schema(of: .object(ConfigurationModel.model)) else { return .boolean(true) }
        return .object(
            [
                ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
                ("title", .string("Meridian configuration")),
            ] + members)
    }()

    private static func schema(of shape: ShapeDescription) -> JSONValue {
        switch shape {
        case .scalar(let scalar): return schema(of: scalar)
        case .list(let element, let minimum):
            return .object(
                [("type", .string("array")), ("items", schema(of: element))]
                    + (minimum > 0 ? [("minItems", .integer(minimum))] : []))
        case .oneOrList(let element):
            let one = schema(of: element)
            return .object([
                (
                    "anyOf",
                    .array([
                        one, .object([("type", .string("array")), ("items", one), ("minItems", .integer(1))]),
                    ])
                )
            ])
        case .map(_, let value):
            return .object([("type", .string("object")), ("additionalProperties", schema(of: value))])
        case .object(let model): return schema(of: model)
        case .anyOf(let shapes): return .object([("anyOf", .array(shapes.map(schema)))])
        }
    }

    private static func schema(of model: ObjectModel) -> JSONValue {
        let properties: [(String, JSONValue)] = model.fields.map { field in
            var members: [(String, JSONValue)] = [("description", .string(field.summary))]
            if !field.defaultText.isEmpty { members[0].1 = .string("\(field.summary) Default: \(field.defaultText)") }
            if case .object(let own) = schema(of: field.shape) { members += own }
            return (field.key, .object(members))
        }
        var members: [(String, JSONValue)] = [
            ("type", .string("object")), ("properties", .object(properties)), ("additionalProperties", .boolean(false)),
        ]
        let required = model.fields.filter(\.isRequired).map(\.key)
        if !required.isEmpty { members.append(("required", .array(required.map { .string($0) }))) }
        if !model.exactlyOne.isEmpty { members.append(("oneOf", .array(model.exactlyOne.map { require([$0]) }))) }
        if !model.atMostOne.isEmpty {
            members.append(
                ("not", .object([("anyOf", .array(model.atMostOne.map { require($0) }))])))
        }
        return .object(members)
    }

    private static func require(_ keys: [String]) -> JSONValue {
        .object([("required", .array(keys.map { .string($0) }))])
    }

    private static func schema(of scalar: ScalarDescription) -> JSONValue {
        if !scalar.words.isEmpty {
            // An editor takes a bare 1.2 for a number; it is the same word here.
            let numbers = scalar.words.filter { Double($0) != nil }.map { JSONValue.number($0) }
            return .object([("enum", .array(scalar.words.map { .string($0) } + numbers))])
        }
        var members: [(String, JSONValue)]
        switch scalar.type {
        case .stringOrInteger: members = [("type", .array([.string("string"), .string("integer")]))]
        case .anyScalar:
            members = [("type", .array(["string", "integer", "number", "boolean", "null"].map { .string($0) }))]
        default: members = [("type", .string(scalar.type.rawValue))]
        }
        if let pattern = scalar.pattern { members.append(("pattern", .string(pattern))) }
        if let minimum = scalar.minimum { members.append(("minimum", .integer(minimum))) }
        if let maximum = scalar.maximum { members.append(("maximum", .integer(maximum))) }
        return .object(members)
    }
}
