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
    /// What is wrong; what to do.
    package var message: String

    package init(severity: Severity, file: String, line: Int, column: Int, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }
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

    static let start = Position(line: 1, column: 1)

    static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
