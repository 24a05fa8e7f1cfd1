/// Why geography sources could not be loaded: every problem that was found, up to a limit for each file.
package struct GeographyError: Error, Equatable, CustomStringConvertible {
    /// In the order of the sources, and by position within a file.
    package let problems: [GeographyProblem]

    /// One problem per line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One mistake in one geography source.
package struct GeographyProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Position: Hashable, Sendable {
        case file
        /// Both count from 1; the column in bytes.
        case line(Int, column: Int)
        /// From the start of the file.
        case byte(Int)
    }

    package let path: String
    package let position: Position
    /// What is wrong.
    package let reason: String
    /// What to do about it.
    package let advice: String

    /// `path:line:column: what is wrong; what to do`.
    package var description: String {
        let place =
            switch position {
            case .file: path
            case .line(let line, let column): "\(path):\(line):\(column)"
            case .byte(let offset): "\(path): byte \(offset)"
            }
        return "\(place): \(reason); \(advice)"
    }
}

/// A position and a reason, before the path is known.
struct GeographyFault: Error {
    let position: GeographyProblem.Position
    let reason: String
    let advice: String
}
