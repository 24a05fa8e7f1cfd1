/// The parts of a configuration that others refer to by name.
enum Part: String, Sendable, CaseIterable {
    case region = "regions"
    case monitor = "monitors"
    case virtualServer = "virtual_servers"
    case pool = "pools"
    case certificate = "certificates"
    case upstream = "upstreams"

    var noun: String {
        switch self {
        case .region: "region"
        case .monitor: "monitor"
        case .virtualServer: "virtual server"
        case .pool: "pool"
        case .certificate: "certificate"
        case .upstream: "upstream"
        }
    }
}

/// What one reading of a configuration gathers: diagnostics, the names that may be referred to, and which were.
final class DecodingContext {
    /// Errors, and warnings: a file that is no configuration at all would otherwise give a complaint for each of its
    /// lines.
    static let diagnosticLimit = 200

    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    private var counts: [Diagnostic.Severity: Int] = [:]
    private var suppressed: [Diagnostic.Severity: Int] = [:]
    private var names: [Part: [String]] = [:]
    private var positions: [Part: [String: Int]] = [:]
    private var used: [Part: Set<Int>] = [:]

    init(file: String) { self.file = file }

    var hasErrors: Bool { counts[.error] != nil }

    func error(_ position: Position, _ wrong: String, _ advice: String) {
        add(.init(severity: .error, position, file, "\(wrong); \(advice)"))
    }

    func warning(_ position: Position, _ wrong: String, _ advice: String) {
        add(.init(severity: .warning, position, file, "\(wrong); \(advice)"))
    }

    func add(_ diagnostic: Diagnostic) {
        guard counts[diagnostic.severity, default: 0] < Self.diagnosticLimit else {
            suppressed[diagnostic.severity, default: 0] += 1
            return
        }
        if diagnostics.contains(diagnostic) { return }
        counts[diagnostic.severity, default: 0] += 1
        diagnostics.append(diagnostic)
    }

    /// Makes the names of a section known, before anything that refers to them is read.
    func declare(_ part: Part, names list: [String]) {
        names[part] = list
        positions[part] = Dictionary(list.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The position of a named part; a dangling name is reported.
    func resolve(_ part: Part, _ name: String, at position: Position) -> Int? {
        if let index = positions[part]?[name] {
            used[part, default: []].insert(index)
            return index
        }
        error(
            position, "there is no \(part.noun) \"\(name.shortened)\"",
            Suggestion.advice(
                for: name, in: names[part] ?? [], none: "declare it under \(part.rawValue)"))
        return nil
    }

    func isUsed(_ part: Part, _ index: Int) -> Bool { used[part]?.contains(index) ?? false }

    func name(_ part: Part, _ index: Int) -> String { names[part]?[index] ?? "" }

    /// In the order of the file, with a last word about those that were left out.
    func sorted() -> [Diagnostic] {
        var result = diagnostics.enumerated().sorted {
            let (left, right) = ($0.element, $1.element)
            let own = (left.file == file ? 0 : 1, right.file == file ? 0 : 1)
            return (own.0, left.file, left.line, left.column, $0.offset)
                < (own.1, right.file, right.line, right.column, $1.offset)
        }.map(\.element)
        for (severity, noun) in [(Diagnostic.Severity.error, "errors"), (.warning, "warnings")] {
            guard let count = suppressed[severity] else { continue }
            result.append(
                Diagnostic(
                    severity: severity, file: file, line: 0, column: 0,
                    message: "\(count) more \(noun) are not shown; mend these first"))
        }
        return result
    }
}

extension Diagnostic {
    init(severity: Severity, _ position: Position, _ file: String, _ message: String) {
        self.init(
            severity: severity, file: file, line: position.line, column: position.column, message: message)
        isAboutMapping = position.isMapping
    }
}
