/// A JSON document that is put together piece by piece.
indirect enum JSONNode: Encodable, Sendable, Equatable {
    case object([String: JSONNode])
    case array([JSONNode])
    case string(String)
    case integer(Int)
    case boolean(Bool)

    static func strings(_ texts: [String]) -> JSONNode { .array(texts.map(JSONNode.string)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .object(let members): try container.encode(members)
        case .array(let elements): try container.encode(elements)
        case .string(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .boolean(let value): try container.encode(value)
        }
    }

    /// Of an object; `nil` for anything else.
    subscript(_ name: String) -> JSONNode? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }
}
