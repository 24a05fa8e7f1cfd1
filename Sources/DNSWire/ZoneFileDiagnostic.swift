/// A mistake in a zone's records, or something to think about.
package struct ZoneFileDiagnostic: Hashable, Sendable {
    package enum Severity: Sendable, Hashable {
        /// The zone cannot be served.
        case error
        /// The zone can be served, but probably not as it was meant.
        case warning
    }

    package var severity: Severity
    /// The file's name as it was given; empty when the record came from somewhere else.
    package var file: String
    /// 1 is the first; 0: the zone as a whole.
    package var line: Int
    /// In bytes; 1 is the first; 0: the zone as a whole.
    package var column: Int
    /// What is wrong; what to do.
    package var message: String

    package init(severity: Severity = .error, file: String, line: Int, column: Int, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }
}

extension ZoneFileDiagnostic: CustomStringConvertible {
    /// `file:line:column: message`, as compilers write it.
    package var description: String {
        (line == 0 ? file : "\(file):\(line):\(column)") + (severity == .warning ? ": warning: " : ": ") + message
    }
}

/// A record and where it was written.
package struct LocatedRecord: Hashable, Sendable {
    package var record: ResourceRecord
    /// Empty when it did not come from a file.
    package var file: String
    /// 0: unknown.
    package var line: Int
    package var column: Int

    package init(_ record: ResourceRecord, file: String = "", line: Int = 0, column: Int = 0) {
        self.record = record
        self.file = file
        self.line = line
        self.column = column
    }
}
