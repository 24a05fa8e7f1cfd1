/// A value of a YAML document with the place it was written at. Aliases are already followed.
struct SourceNode: Sendable {
    enum Content: Sendable {
        /// `isPlain`: written without quotes, so that `null` and `~` mean nothing was given.
        case scalar(String, isPlain: Bool)
        case list([SourceNode])
        case map([SourcePair])
    }

    var content: Content
    var position: Position

    /// What the value is called in diagnostics.
    var noun: String {
        if isNull { return "nothing" }
        return switch content {
        case .scalar(let text, _): "\"\(text.shortened)\""
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// `key:` without a value, `~` or `null` (YAML 1.2 section 10.2.1.1).
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return text.isEmpty || text == "~" || ["null", "Null", "NULL"].contains(text)
    }

    subscript(key: String) -> SourceNode? {
        guard case .map(let pairs) = content else { return nil }
        return pairs.first { $0.key == key }?.value
    }
}

struct SourcePair: Sendable {
    var key: String
    var keyPosition: Position
    var value: SourceNode
}

extension String {
    /// Long text cut for a diagnostic, control characters replaced so that it stays on its line.
    var shortened: String {
        let clean = String(String.UnicodeScalarView(unicodeScalars.prefix(61).map { $0.value < 0x20 ? " " : $0 }))
        return unicodeScalars.count > 60 ? String(clean.prefix(57)) + "…" : clean
    }
}
