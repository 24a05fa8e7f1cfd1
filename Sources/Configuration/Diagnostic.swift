/// A mistake in a configuration or a file that it names, or something to think about.
package struct Diagnostic: Hashable, Sendable {
    package enum Severity: String, Hashable, Sendable {
        /// The configuration cannot be run.
        case error
        /// It can be run, but probably not as it was meant.
        case warning
    }

    package var severity: Severity
    /// As the file was named to the loader.
    package var file: String
    /// 1 is the first; 0: the file as a whole.
    package var line: Int
    /// In characters (Unicode scalars), 1 is the first; 0: the file as a whole.
    package var column: Int
    /// What of the configuration it is about, as a JSON Pointer (RFC 6901): `/pools/eu/region`. `nil`: the file as a
    /// whole, or another file.
    package var path: String?
    /// What is wrong; what to do.
    package var message: String
    /// Whether a mapping as a whole is meant, which begins where its first key does.
    var isAboutMapping = false

    package init(severity: Severity, file: String, line: Int, column: Int, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }
}

extension Diagnostic {
    var position: Position { Position(line: line, column: column, isMapping: isAboutMapping) }
}

extension Diagnostic: CustomStringConvertible {
    /// `file:line:column: what is wrong; what to do`, with `warning: ` before the sentence of a warning.
    package var description: String {
        let place = line == 0 ? file : "\(file):\(line):\(column)"
        return "\(place): \(severity == .warning ? "warning: " : "")\(message)"
    }
}

/// A place in the configuration file. Both count from 1.
struct Position: Hashable, Sendable, Comparable {
    var line: Int
    var column: Int

    /// Of a mapping as a whole, which begins where its first key does.
    var isMapping = false

    /// For what is about the document as a whole.
    static let start = Position(line: 1, column: 1, isMapping: true)

    static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
