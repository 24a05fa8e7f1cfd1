/// The JSON Schema of a type, found by letting it decode itself: what it asks for is what it consists of. So a schema
/// cannot say anything else than the type does.
enum TypeSchema {
    /// - Parameter isClosed: whether fields that it does not name are wrong.
    static func schema(of type: any Decodable.Type, isClosed: Bool = false) throws -> JSONNode {
        try make(type, isClosed).schema
    }

    /// The schema, and a value that stands for any.
    static func make<Value: Decodable>(
        _ type: Value.Type, _ isClosed: Bool = false
    ) throws -> (schema: JSONNode, value: Value) {
        if let plain = scalar(type) { return (plain, try Value(from: SchemaDecoder())) }
        if let known = type as? any CompoundSchema.Type, let value = known.example as? Value {
            return (try known.schema, value)
        }
        if let words = type as? any (CaseIterable & RawRepresentable).Type, let (schema, first) = choice(words),
            let value = first as? Value
        {
            return (schema, value)
        }
        let decoder = SchemaDecoder()
        let value = try Value(from: decoder)
        return (decoder.schema(isClosed: isClosed), value)
    }

    private static func choice<Words: CaseIterable & RawRepresentable>(_ type: Words.Type) -> (JSONNode, Any)? {
        let words = type.allCases.compactMap { $0.rawValue as? String }
        guard let first = type.allCases.first, words.count == type.allCases.count else { return nil }
        return (.object(["type": .string("string"), "enum": .strings(words)]), first)
    }

    /// `nil`: it is made of others.
    static func scalar(_ type: Any.Type) -> JSONNode? {
        switch type {
        case is String.Type: .object(["type": .string("string")])
        case is Bool.Type: .object(["type": .string("boolean")])
        case is Double.Type, is Float.Type: .object(["type": .string("number")])
        case is any UnsignedInteger.Type: .object(["type": .string("integer"), "minimum": .integer(0)])
        case is any BinaryInteger.Type: .object(["type": .string("integer")])
        default: nil
        }
    }
}

/// Types that hold others of one kind.
private protocol CompoundSchema {
    static var schema: JSONNode { get throws }
    static var example: Any { get }
}

extension Array: CompoundSchema where Element: Decodable {
    fileprivate static var schema: JSONNode {
        get throws { .object(["type": .string("array"), "items": try TypeSchema.schema(of: Element.self)]) }
    }
    fileprivate static var example: Any { Self() }
}

/// Of a list: fields that may be absent are no matter of their type.
extension Optional: CompoundSchema where Wrapped: Decodable {
    fileprivate static var schema: JSONNode {
        get throws {
            .object([
                "anyOf": .array([
                    try TypeSchema.schema(of: Wrapped.self), .object(["type": .string("null")]),
                ])
            ])
        }
    }
    fileprivate static var example: Any { Self.none as Any }
}

extension Dictionary: CompoundSchema where Key == String, Value: Decodable {
    fileprivate static var schema: JSONNode {
        get throws {
            .object(["type": .string("object"), "additionalProperties": try TypeSchema.schema(of: Value.self)])
        }
    }
    fileprivate static var example: Any { Self() }
}

/// Notes what a type asks for, and gives it nothing in particular.
final class SchemaDecoder: Decoder {
    struct Unsupported: Error {}

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private var properties: [String: JSONNode] = [:]
    private var required: Set<String> = []
    private var single: JSONNode?

    func schema(isClosed: Bool) -> JSONNode {
        if let single { return single }
        var members: [String: JSONNode] = ["type": .string("object"), "properties": .object(properties)]
        if !required.isEmpty { members["required"] = .strings(required.sorted()) }
        if isClosed { members["additionalProperties"] = .boolean(false) }
        return .object(members)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unsupported() }
    func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

    /// Decoding of optional fields goes through these too, so that each is noted as what it is.
    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: SchemaDecoder
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            let (schema, value) = try TypeSchema.make(type)
            decoder.properties[key.stringValue] = schema
            decoder.required.insert(key.stringValue)
            return value
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            decoder.properties[key.stringValue] = try TypeSchema.schema(of: type)
            return nil
        }

        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try plain(false, key) }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try plain("", key) }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try plain(0, key) }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try plain(0, key) }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try plain(0, key) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try plain(0, key) }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try plain(0, key) }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try plain(0, key) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try plain(0, key) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try plain(0, key) }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try plain(0, key) }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try plain(0, key) }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try plain(0, key) }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try plain(0, key) }

        private func plain<Value>(_ value: Value, _ key: Key) throws -> Value {
            decoder.properties[key.stringValue] = TypeSchema.scalar(Value.self)
            decoder.required.insert(key.stringValue)
            return value
        }

        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { absent(type, key) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { absent(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { absent(type, key) }
        func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { absent(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { absent(type, key) }
        func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { absent(type, key) }
        func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { absent(type, key) }
        func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { absent(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { absent(type, key) }
        func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { absent(type, key) }
        func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { absent(type, key) }
        func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { absent(type, key) }
        func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { absent(type, key) }
        func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { absent(type, key) }

        private func absent<Value>(_ type: Value.Type, _ key: Key) -> Value? {
            decoder.properties[key.stringValue] = TypeSchema.scalar(type)
            return nil
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw Unsupported() }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw Unsupported() }
        func superDecoder() throws -> any Decoder { throw Unsupported() }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw Unsupported() }
    }

    private struct Single: SingleValueDecodingContainer {
        let decoder: SchemaDecoder
        var codingPath: [any CodingKey] { [] }

        func decodeNil() -> Bool { false }
        func decode(_ type: Bool.Type) throws -> Bool { plain(false) }
        func decode(_ type: String.Type) throws -> String { plain("") }
        func decode(_ type: Double.Type) throws -> Double { plain(0) }
        func decode(_ type: Float.Type) throws -> Float { plain(0) }
        func decode(_ type: Int.Type) throws -> Int { plain(0) }
        func decode(_ type: Int8.Type) throws -> Int8 { plain(0) }
        func decode(_ type: Int16.Type) throws -> Int16 { plain(0) }
        func decode(_ type: Int32.Type) throws -> Int32 { plain(0) }
        func decode(_ type: Int64.Type) throws -> Int64 { plain(0) }
        func decode(_ type: UInt.Type) throws -> UInt { plain(0) }
        func decode(_ type: UInt8.Type) throws -> UInt8 { plain(0) }
        func decode(_ type: UInt16.Type) throws -> UInt16 { plain(0) }
        func decode(_ type: UInt32.Type) throws -> UInt32 { plain(0) }
        func decode(_ type: UInt64.Type) throws -> UInt64 { plain(0) }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let (schema, value) = try TypeSchema.make(type)
            decoder.single = schema
            return value
        }

        private func plain<Value>(_ value: Value) -> Value {
            decoder.single = TypeSchema.scalar(Value.self)
            return value
        }
    }
}
