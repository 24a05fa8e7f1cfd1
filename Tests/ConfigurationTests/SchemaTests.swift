import Testing

@testable import ConfigurationLoading

/// The part of JSON Schema (draft 2020-12) that the generated schema uses.
private struct Validator {
    /// Keywords that were met: the schema must use no other.
    static let keywords: Set<String> = [
        "$schema", "title", "description", "type", "properties", "additionalProperties", "required", "oneOf", "anyOf",
        "not", "items", "minItems", "enum", "pattern", "minimum", "maximum",
    ]

    func problems(_ node: SourceNode, _ schema: JSONValue, _ path: String) -> [String] {
        guard case .object(let members) = schema else {
            return schema == .boolean(false) ? ["\(path): not allowed"] : []
        }
        return members.flatMap { keyword, value in
            problems(node, keyword, value, path, members: members)
        }
    }

    private func problems(
        _ node: SourceNode, _ keyword: String, _ value: JSONValue, _ path: String, members: [(String, JSONValue)]
    ) -> [String] {
        switch (keyword, value) {
        case ("type", .string(let type)): return has(node, type) ? [] : ["\(path): not \(type)"]
        case ("type", .array(let types)):
            return types.contains { if case .string(let type) = $0 { has(node, type) } else { false } }
                ? [] : ["\(path): none of the types"]
        case ("enum", .array(let words)):
            guard case .scalar(let text, _) = node.content else { return ["\(path): not a scalar"] }
            return words.contains(.string(text)) || words.contains(.number(text)) ? [] : ["\(path): no such word"]
        case ("required", .array(let keys)):
            return keys.compactMap { key in
                guard case .string(let key) = key, node[key] == nil else { return nil }
                return "\(path): lacks \(key)"
            }
        case ("oneOf", .array(let schemas)):
            let count = schemas.count { problems(node, $0, path).isEmpty }
            return count == 1 ? [] : ["\(path): \(count) of oneOf"]
        case ("anyOf", .array(let schemas)):
            return schemas.contains { problems(node, $0, path).isEmpty } ? [] : ["\(path): none of anyOf"]
        case ("not", let schema): return problems(node, schema, path).isEmpty ? ["\(path): excluded"] : []
        case ("items", let schema):
            guard case .list(let list) = node.content else { return [] }
            return list.enumerated().flatMap { problems($1, schema, "\(path)[\($0)]") }
        case ("minItems", .integer(let count)):
            guard case .list(let list) = node.content else { return [] }
            return list.count >= count ? [] : ["\(path): too short"]
        case ("properties", .object(let properties)):
            return properties.flatMap { key, schema in
                node[key].map { problems($0, schema, "\(path).\(key)") } ?? []
            }
        case ("additionalProperties", let schema):
            guard case .map(let pairs) = node.content else { return [] }
            var known: [String] = []
            for case ("properties", .object(let properties)) in members { known = properties.map(\.0) }
            return pairs.filter { !known.contains($0.key) }.flatMap { problems($0.value, schema, "\(path).\($0.key)") }
        case ("minimum", .integer(let bound)):
            return number(node).map { $0 >= Double(bound) } ?? true ? [] : ["\(path): small"]
        case ("maximum", .integer(let bound)):
            return number(node).map { $0 <= Double(bound) } ?? true ? [] : ["\(path): large"]
        case ("pattern", .string(let pattern)):
            guard case .scalar(let text, _) = node.content else { return [] }
            // A pattern that is none is a mistake to report, whatever the reason.
            guard let expression = try? Regex(pattern) else { return ["\(path): bad pattern"] }
            return text.firstMatch(of: expression) == nil ? ["\(path): \(text) does not match \(pattern)"] : []
        default: return Self.keywords.contains(keyword) ? [] : ["\(path): keyword \(keyword)"]
        }
    }

    private func number(_ node: SourceNode) -> Double? {
        guard case .scalar(let text, isPlain: true) = node.content else { return nil }
        return Double(text)
    }

    /// The type that the core schema of YAML 1.2 gives a value (section 10.3.2).
    private func has(_ node: SourceNode, _ type: String) -> Bool {
        switch node.content {
        case .map: return type == "object"
        case .list: return type == "array"
        case .scalar(let text, let isPlain):
            guard isPlain else { return type == "string" }
            if node.isNull { return type == "null" }
            if ["true", "false"].contains(text) { return type == "boolean" }
            if Int(text) != nil { return type == "integer" || type == "number" }
            if Double(text) != nil { return type == "number" }
            return type == "string"
        }
    }
}

private func problems(_ bytes: [UInt8]) throws -> [String] {
    let node = try #require(YAMLReader.read(bytes, context: DecodingContext(file: "f")))
    return Validator().problems(node, ConfigurationSchema.document, "")
}

@Test("every example follows the JSON Schema", arguments: examples)
func exampleFollowsSchema(name: String) throws {
    #expect(try problems(bytes(ofExample: name)) == [])
}

@Test(
    "the JSON Schema refuses what the reader refuses",
    arguments: [
        "dnz: {}", "dns: {}", "dns: { listen: [] }", "dns: { listen: [a], threads: many }",
        "dns: { listen: [a], udp_size: 100 }", "monitors: { a: {} }", "monitors: { a: { tcp: {}, http: {} } }",
        "monitors: { a: { tcp: {}, interval: 5 } }", "pools: { a: { method: best } }", "pools: { a: { answer: [] } }",
        "pools: { a: { answer: { extern: a } } }", "zones: { a: { ns: [b], file: c } }",
        "proxy: { limits: { head_size: 32 } }",
        "listeners: { a: { address: b, routes: [{ path: /a, exact_path: /b, upstream: c }] } }",
        "listeners: { a: { address: b, tcp: c, upstream: d } }",
        "listeners: { a: { address: b, tcp: c, tls: { certificates: [d], minimum_version: 1.1 } } }",
    ])
func schemaRefuses(text: String) throws {
    #expect(try problems(Array(text.utf8)) != [])
}

@Test("every YAML block of the documentation follows the JSON Schema")
func documentationFollowsSchema() throws {
    let document = String(decoding: try TextFile.read("\(root)/docs/configuration.md", limit: 1 << 20), as: UTF8.self)
    let blocks = document.split(separator: "```yaml\n").dropFirst().compactMap { $0.split(separator: "```").first }
    #expect(blocks.count >= 6)
    for block in blocks where !block.hasPrefix("#") {
        #expect(try problems(Array(block.utf8)) == [], "\(block)")
    }
}

@Test("a version that YAML takes for a number is the same word to the JSON Schema")
func versionWord() throws {
    let text = "listeners: { a: { address: b, tcp: c, tls: { certificates: [d], minimum_version: 1.2 } } }"
    #expect(try problems(Array(text.utf8)) == [])
}
