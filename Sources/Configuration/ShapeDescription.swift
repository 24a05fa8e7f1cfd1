/// What a value may be, for the JSON Schema and the reference: the part of a ``Shape`` that is data.
indirect enum ShapeDescription: Sendable {
    case scalar(ScalarDescription)
    case list(ShapeDescription, minimum: Int)
    /// One value, or a list of them.
    case oneOrList(ShapeDescription)
    /// Names, told by `key`, each with a value.
    case map(key: String, ShapeDescription)
    case object(ObjectModel)
    case anyOf([ShapeDescription])
}

struct ScalarDescription: Sendable {
    /// `duration`, `number`, `name of a pool`.
    var kind: String
    /// In the reference: the range or the words that may stand.
    var range = ""
    /// A regular expression (ECMA 262), where the kind is text that has one.
    var pattern: String?
    /// The words that may stand.
    var words: [String] = []
    var type: JSONType = .string
    var minimum: Int?
    var maximum: Int?

    enum JSONType: String, Sendable {
        case string, integer, number, boolean
        /// Text that YAML may take for a number: `404`.
        case stringOrInteger
        /// Any text, which YAML may take for something else, or nothing: `key:`.
        case anyScalar
    }
}

/// The keys of a mapping: what decoding, the schema and the reference all read.
struct ObjectModel: Sendable {
    /// In the reference's headings: `monitors.NAME.http`.
    let title: String
    let summary: String
    let fields: [FieldDescription]
    /// Groups of keys of which exactly one must be given.
    var exactlyOne: [String] = []
    /// Groups of which one may be given at most.
    var atMostOne: [[String]] = []

    var keys: [String] { fields.map(\.key) }
}

struct FieldDescription: Sendable {
    let key: String
    let shape: ShapeDescription
    let isRequired: Bool
    /// As it would be written; empty: none.
    let defaultText: String
    let summary: String
}

/// How to read a value, and how to describe it.
struct Shape<Value: Sendable>: Sendable {
    let description: ShapeDescription
    /// `nil` after reporting what is wrong.
    let read: @Sendable (SourceNode, DecodingContext) -> Value?
    /// A value as it would be written.
    var text: @Sendable (Value) -> String = { _ in "" }

    init(
        _ description: ShapeDescription, text: @escaping @Sendable (Value) -> String = { _ in "" },
        read: @escaping @Sendable (SourceNode, DecodingContext) -> Value?
    ) {
        self.description = description
        self.read = read
        self.text = text
    }

    /// A key of a mapping with this shape.
    func field(_ key: String, required: Bool = false, _ summary: String) -> Field<Value> {
        Field(
            shape: self,
            description: FieldDescription(
                key: key, shape: description, isRequired: required, defaultText: "", summary: summary))
    }

    /// A key that may be left out because of its default; `shown` replaces the default's own text in the reference.
    func field(_ key: String, default value: Value, shown: String? = nil, _ summary: String) -> DefaultedField<Value> {
        DefaultedField(
            shape: self, defaultValue: value,
            description: FieldDescription(
                key: key, shape: description, isRequired: false, defaultText: shown ?? text(value), summary: summary))
    }
}

struct Field<Value: Sendable>: Sendable {
    let shape: Shape<Value>
    let description: FieldDescription
}

struct DefaultedField<Value: Sendable>: Sendable {
    let shape: Shape<Value>
    let defaultValue: Value
    let description: FieldDescription
}

/// A value and where it was written.
struct Located<Value: Sendable>: Sendable {
    var value: Value
    var position: Position
}
