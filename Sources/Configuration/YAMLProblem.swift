internal import Yams

/// A syntax error of the YAML library in plain words.
struct YAMLProblem {
    var position: Position
    var wrong: String
    var advice: String

    init(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, let text), .parser(_, let problem, let mark, let text),
            .composer(_, let problem, let mark, let text):
            position = Position(mark)
            (wrong, advice) = Self.words(for: problem)
            if Self.hasTab(before: position, in: text) {
                wrong = "a tab is used for indentation"
                advice = "indent with spaces, which is all that YAML allows"
            }
        case .reader(let problem, _, _, _):
            position = .start
            (wrong, advice) = ("the file cannot be read as YAML: \(problem)", "save it as UTF-8 text")
        default:
            position = .start
            (wrong, advice) = ("the file cannot be read as YAML", "check its syntax")
        }
    }

    private static func words(for problem: String) -> (String, String) {
        for (part, wrong, advice) in known where problem.contains(part) { return (wrong, advice) }
        return ("this is not valid YAML: \(problem)", "check quotes, brackets and indentation here and above")
    }

    private static let known: [(String, String, String)] = [
        (
            "mapping values are not allowed", "a \":\" stands where no key can be",
            "check the indentation of this line and the one above, and put text with \": \" in quotes"
        ),
        (
            "cannot start any token", "a value cannot begin with this character",
            "put the text in quotes; a tab cannot indent"
        ),
        (
            "did not find expected key", "a key was expected here",
            "indent this line like its neighbours, and close brackets and quotes above it"
        ),
        (
            "did not find expected '-'", "an element of a list was expected here",
            "indent this line like the list's other elements"
        ),
        ("could not find expected ':'", "a key has no \":\" after it", "write key: value"),
        ("',' or ']'", "a list in brackets is not closed, or lacks a comma", "write [a, b]"),
        ("',' or '}'", "a mapping in braces is not closed, or lacks a comma", "write {a: 1, b: 2}"),
        ("another document", "the file has more than one YAML document", "remove the line \"---\" and what follows it"),
        ("undefined alias", "an alias has no anchor", "define it above with &name"),
        ("unexpected end of stream", "a text in quotes is not closed", "add the closing quote"),
        (
            "expected node content", "a value was expected here",
            "close brackets, braces and quotes above, and write no value that begins with a sign of YAML"
        ),
        ("Maximum nesting", "values are nested too deep", "see \(DocumentPath.of("configuration.md")) for the shape"),
        ("exceeded", "values are nested too deep", "see \(DocumentPath.of("configuration.md")) for the shape"),
        ("maximum", "values are nested too deep", "see \(DocumentPath.of("configuration.md")) for the shape"),
        ("unknown escape", "a \\ in double quotes is not followed by a known escape", "use single quotes, or \\\\"),
    ]

    private static func hasTab(before position: Position, in text: String) -> Bool {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard position.line <= lines.count else { return false }
        return lines[position.line - 1].utf8.prefix { $0 == 0x20 || $0 == 0x09 }.contains(0x09)
    }
}
