/// Parts in a few words: `pool eu; virtual servers eu-1, eu-2; 6 members`.
enum TouchedParts {
    /// Names of one kind that are told; of more there is their number.
    private static let fewNames = 3

    /// - Parameter own: what the row is about already.
    static func text(_ parts: [SubjectKind: [String]], except own: (kind: SubjectKind, name: String)) -> String {
        SubjectKind.allCases.compactMap { kind -> String? in
            let names = (parts[kind] ?? []).filter { kind != own.kind || $0 != own.name }
            guard !names.isEmpty else { return nil }
            let word = kind.noun
            if names.count == 1 { return "\(word) \(names[0])" }
            return names.count > fewNames
                ? "\(Wording.count(names.count)) \(word)s" : "\(word)s \(names.joined(separator: ", "))"
        }.joined(separator: "; ")
    }
}
