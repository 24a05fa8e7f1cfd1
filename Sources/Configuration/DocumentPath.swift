import FoundationEssentials

/// Where the documents lie, for messages that point to one.
package enum DocumentPath {
    /// Of `docs/` of the installation that this program is of; else as the repository has it.
    package static func of(_ name: String) -> String {
        let relative = "docs/\(name)"
        // As `scripts/install` puts them: PREFIX/bin/meridian, PREFIX/share/doc/meridian. Where the system does not say what
        // runs, the repository's path is as good a hint.
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            let folder = program.lastIndex(of: "/"), program[..<folder].hasSuffix("/bin")
        else { return relative }
        let installed = "\(program[..<folder].dropLast("bin".count))share/doc/meridian/\(relative)"
        return FileManager.default.fileExists(atPath: installed) ? installed : relative
    }
}
