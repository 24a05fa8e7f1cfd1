internal import Yams

/// Reads the text of one YAML document into a tree with positions, within limits.
///
/// Scalars stay text: what `NO`, `1e3` or `0755` mean is for the model to say, never for YAML's guesses.
struct YAMLReader {
    /// Bytes of the file. A configuration of a hundred thousand wide IPs has about seven million.
    static let byteLimit = 32 << 20
    /// Lists and mappings inside one another; the model needs seven.
    static let depthLimit = 24
    /// Values after aliases are followed: bounds what a few lines of nested aliases can unfold to. A large file may unfold
    /// to as many as it could hold without aliases.
    static let valueLimit = 200_000
    static let bytesPerValue = 4
    /// Duplicate keys that are reported one by one: each takes another reading of the file.
    static let duplicateLimit = 10

    private let context: DecodingContext
    private var values = 0
    /// Keys that were renamed in the text, because the library stops at the first key that is given twice.
    private var renamed: [Character: String] = [:]

    private let valueLimit: Int

    private init(context: DecodingContext, size: Int) {
        self.context = context
        valueLimit = max(Self.valueLimit, size / Self.bytesPerValue)
    }

    /// `nil` when there is nothing to decode; the reason is reported.
    static func read(_ bytes: [UInt8], context: DecodingContext) -> SourceNode? {
        guard bytes.count <= byteLimit else {
            context.error(
                .start, "the file has \(bytes.count) bytes, more than the \(byteLimit) that are read",
                "split long lists of records into zone files")
            return nil
        }
        if let problem = TextProblem.first(in: bytes) {
            context.error(problem.position, problem.wrong, problem.advice)
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var reader = YAMLReader(context: context, size: bytes.count)
        guard let root = reader.compose(text) else { return nil }
        let node = reader.convert(root, depth: 0, at: .start)
        return node
    }

    private mutating func compose(_ text: String) -> Node? {
        // The library hashes keys, and a key made of nested aliases takes forever to hash.
        if let position = CollectionKeys.first(in: text) {
            context.error(position, "a key is a list, a mapping or an alias", "write each key as plain text")
            return nil
        }
        // The library reads texts of less than 16 bytes through a pointer that does not outlive the call.
        var text = text.utf8.count < 16 ? text + "\n                " : text
        for _ in 0...Self.duplicateLimit {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8)
                if let node = try parser.singleRoot() { return node }
                context.error(
                    .start, "the file is empty", "see \(DocumentPath.of("configuration.md")) for what to write")
                return nil
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let place) {
                let position = Position(place.mark)
                let key = duplicates.sorted().first ?? ""
                if let mended = rename(key, at: position, in: text) {
                    text = mended
                    continue
                }
                context.error(position, "the key \"\(key.shortened)\" is given twice", "keep one of the two")
                return nil
            } catch let error as YamlError {
                let problem = YAMLProblem(error)
                context.error(problem.position, problem.wrong, problem.advice)
                return nil
            } catch {
                context.error(.start, "the file cannot be read as YAML (\(error))", "check its syntax")
                return nil
            }
        }
        context.error(.start, "many keys are given twice", "mend those above and check again")
        return nil
    }

    /// Replaces the first character of the key at `position` by one of the private use area, so that positions stay.
    private mutating func rename(_ key: String, at position: Position, in text: String) -> String? {
        guard renamed.count < Self.duplicateLimit, let mark = Unicode.Scalar(0xe000 + UInt32(renamed.count)) else {
            return nil
        }
        var scalars = Array(text.unicodeScalars)
        var index = 0
        var line = 1
        while line < position.line, index < scalars.count {
            if scalars[index] == "\n" { line += 1 }
            index += 1
        }
        index += position.column - 1
        guard index < scalars.count, let first = key.unicodeScalars.first else { return nil }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard index < scalars.count, scalars[index] == first else { return nil }
        scalars[index] = mark
        renamed[Character(mark)] = key
        return String(String.UnicodeScalarView(scalars))
    }

    private mutating func convert(_ node: Node, depth: Int, at fallback: Position) -> SourceNode? {
        let position = node.mark.map { Position($0) } ?? fallback
        values += 1
        guard values <= valueLimit else {
            if values == valueLimit + 1 {
                context.error(
                    position, "the file unfolds to more than \(valueLimit) values", "use fewer nested aliases")
            }
            return nil
        }
        guard depth <= Self.depthLimit else {
            context.error(
                position, "values are nested more than \(Self.depthLimit) deep",
                "see \(DocumentPath.of("configuration.md")) for the shape")
            return nil
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return SourceNode(content: .scalar(scalar.string, isPlain: isPlain), position: position)
        case .sequence(let sequence):
            var list: [SourceNode] = []
            for element in sequence {
                guard let value = convert(element, depth: depth + 1, at: position) else { return nil }
                list.append(value)
            }
            return SourceNode(content: .list(list), position: position)
        case .mapping(let mapping):
            var pairs: [SourcePair] = []
            for (key, value) in mapping {
                guard let pair = convert(key, value, depth: depth, at: position) else { return nil }
                pairs.append(pair)
            }
            pairs.sort { $0.keyPosition < $1.keyPosition }
            let whole = Position(line: position.line, column: position.column, isMapping: true)
            return SourceNode(content: .map(unique(pairs)), position: whole)
        case .alias:
            context.error(position, "an alias is left", "write the value itself")
            return nil
        }
    }

    private mutating func convert(_ key: Node, _ value: Node, depth: Int, at fallback: Position) -> SourcePair? {
        let position = key.mark.map { Position($0) } ?? fallback
        guard case .scalar(let scalar) = key else {
            context.error(position, "a key is a list or a mapping", "write each key as plain text")
            return nil
        }
        guard var node = convert(value, depth: depth + 1, at: position) else { return nil }
        // An absent value has no good place of its own.
        if node.isNull { node.position = position }
        let name = scalar.string.first.flatMap { renamed[$0] } ?? scalar.string
        return SourcePair(key: name, keyPosition: position, value: node)
    }

    private func unique(_ pairs: [SourcePair]) -> [SourcePair] {
        var seen: [String: Position] = [:]
        return pairs.filter { pair in
            guard let first = seen[pair.key] else {
                seen[pair.key] = pair.keyPosition
                return true
            }
            context.error(
                pair.keyPosition, "the key \"\(pair.key.shortened)\" is given twice, first on line \(first.line)",
                "keep one of the two")
            return false
        }
    }
}

extension Position {
    init(_ mark: Mark) { self.init(line: max(1, mark.line), column: max(1, mark.column)) }
}
