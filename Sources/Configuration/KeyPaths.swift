/// Finds what of a document diagnostics are about, for programs that mark it.
struct KeyPaths {
    private struct Place: Hashable {
        var line: Int
        var column: Int
        var isMapping: Bool

        init(_ position: Position) { (line, column, isMapping) = (position.line, position.column, position.isMapping) }
    }

    /// Places whose paths are asked for and not found yet.
    private var wanted: Set<Place>
    private var paths: [Place: String] = [:]

    /// Gives diagnostics of the document itself their paths.
    static func fill(_ diagnostics: inout [Diagnostic], of root: SourceNode, in file: String) {
        let own = diagnostics.indices.filter { diagnostics[$0].file == file && diagnostics[$0].line > 0 }
        guard !own.isEmpty else { return }
        var paths = KeyPaths(wanted: Set(own.map { Place(diagnostics[$0].position) }))
        paths.note(root.position, "")
        paths.search(root, "")
        for index in own { diagnostics[index].path = paths.paths[Place(diagnostics[index].position)] }
    }

    private init(wanted: Set<Place>) { self.wanted = wanted }

    private mutating func note(_ position: Position, _ path: String) {
        if let place = wanted.remove(Place(position)) { paths[place] = path }
    }

    private mutating func search(_ node: SourceNode, _ path: String) {
        guard !wanted.isEmpty else { return }
        switch node.content {
        case .scalar: return
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                note(element.position, "\(path)/\(index)")
                search(element, "\(path)/\(index)")
            }
        case .map(let pairs):
            for pair in pairs {
                let own = "\(path)/\(Self.escaped(pair.key))"
                note(pair.keyPosition, own)
                note(pair.value.position, own)
                search(pair.value, own)
            }
        }
    }

    /// RFC 6901 section 3.
    private static func escaped(_ key: String) -> String {
        key.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
    }
}
