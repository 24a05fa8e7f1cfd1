/// Reads the fields of one mapping. Unknown, missing and contradictory keys are reported when it is made.
struct ObjectReader: Sendable {
    let model: ObjectModel
    let node: SourceNode
    private let values: [String: SourcePair]

    /// `nil` when the value is no mapping.
    init?(_ model: ObjectModel, _ node: SourceNode, _ context: DecodingContext) {
        self.model = model
        self.node = node
        guard let pairs = node.pairs(orReport: context, example: model.fields.first?.key ?? "key") else { return nil }
        values = Dictionary(pairs.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for pair in pairs where !model.keys.contains(pair.key) {
            context.error(
                pair.keyPosition, "there is no key \"\(pair.key.shortened)\" in \(model.title)",
                Suggestion.advice(for: pair.key, in: model.keys, none: "remove it"))
        }
        for field in model.fields where field.isRequired && values[field.key] == nil {
            context.error(
                node.position, "\(model.title) lacks the key \"\(field.key)\"",
                "add \(field.key): \(field.summary.firstSentence)")
        }
        checkChoices(context)
    }

    private func checkChoices(_ context: DecodingContext) {
        if !model.exactlyOne.isEmpty {
            let given = model.exactlyOne.filter { values[$0] != nil }
            let all = model.exactlyOne.joined(separator: ", ")
            if given.isEmpty {
                context.error(node.position, "\(model.title) has none of the keys \(all)", "give one of them")
            }
            reportSurplus(given, context)
        }
        for group in model.atMostOne { reportSurplus(group.filter { values[$0] != nil }, context) }
    }

    private func reportSurplus(_ given: [String], _ context: DecodingContext) {
        for key in given.dropFirst() {
            context.error(
                values[key]?.keyPosition ?? node.position, "\"\(key)\" and \"\(given[0])\" exclude each other",
                "keep one of the two")
        }
    }

    /// `nil` when the key is absent, or after reporting that its value is wrong.
    func read<Value>(_ field: Field<Value>, _ context: DecodingContext) -> Value? {
        read(field.shape, field.description.key, context)
    }

    /// The default when the key is absent or its value is wrong.
    func read<Value>(_ field: DefaultedField<Value>, _ context: DecodingContext) -> Value {
        read(field.shape, field.description.key, context) ?? field.defaultValue
    }

    private func read<Value>(_ shape: Shape<Value>, _ key: String, _ context: DecodingContext) -> Value? {
        assert(model.keys.contains(key), "\(key) is not in the model of \(model.title)")
        guard let pair = values[key] else { return nil }
        return shape.read(pair.value, context)
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// Where a key's value stands, or the mapping if it is absent.
    func position(of key: String) -> Position { values[key]?.value.position ?? node.position }
}

extension SourceNode {
    /// The pairs of a mapping; none for an absent value; `nil` after reporting that it is something else.
    func pairs(orReport context: DecodingContext, example: String) -> [SourcePair]? {
        if isNull { return [] }
        guard case .map(let pairs) = content else {
            context.error(position, "a mapping was expected, not \(noun)", "write \(example): …")
            return nil
        }
        return pairs
    }
}

extension String {
    /// Up to the first full stop, in lower case at its beginning.
    var firstSentence: String {
        let sentence = split(separator: ".", maxSplits: 1).first.map(String.init) ?? self
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
