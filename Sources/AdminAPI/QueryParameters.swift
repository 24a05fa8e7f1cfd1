import Hummingbird

/// The query of a request, of which every parameter must be known: a misspelt one must not pass for one that was left
/// out.
struct QueryParameters {
    private let values: [String: String]

    /// - Throws: `BadRequest` for an unknown parameter, or one that is given twice.
    init(_ request: Request, known: [String]) throws(BadRequest) {
        var values: [String: String] = [:]
        for (key, value) in request.uri.queryParameters {
            let key = String(key)
            guard known.contains(key) else {
                let list = known.isEmpty ? "there are none here" : "there are \(known.joined(separator: ", "))"
                throw BadRequest("\(Self.shown(key)): no such query parameter; \(list)")
            }
            guard values.updateValue(String(value), forKey: key) == nil else {
                throw BadRequest("\(key): given twice")
            }
        }
        self.values = values
    }

    subscript(_ name: String) -> String? { values[name] }

    /// A whole number within `range`; `nil` when it is left out.
    func number<Number: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(BadRequest) -> Number? {
        guard let text = values[name] else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw BadRequest("\(name): a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Words of a known list, separated by commas.
    func words<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String, of: Word.Type
    ) throws(BadRequest) -> [Word] {
        try words(name, of: Word.allCases.map(\.rawValue)).compactMap(Word.init)
    }

    func words(_ name: String, of known: [String]) throws(BadRequest) -> [String] {
        guard let text = values[name] else { return [] }
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        if let unknown = words.first(where: { !known.contains($0) }) {
            throw BadRequest("\(name): \(Self.shown(unknown)) is none of \(known.joined(separator: ", "))")
        }
        return words
    }

    /// Text of a client in a message: short, without control characters.
    static func shown(_ text: String) -> String {
        String(text.unicodeScalars.prefix(64).map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }
}
