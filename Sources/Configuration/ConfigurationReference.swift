/// The reference of every key as Markdown tables: made from the model that decodes the file.
enum ConfigurationReference {
    static let markdown: String = {
        var tables: [String] = []
        var told: Set<String> = []
        write(ConfigurationModel.model, level: 3, into: &tables, told: &told)
        return tables.joined(separator: "\n\n") + "\n"
    }()

    private static func write(
        _ model: ObjectModel, level: Int, into tables: inout [String], told: inout Set<String>
    ) {
        guard told.insert(model.title).inserted else { return }
        let isTop = model.title == ConfigurationModel.model.title
        var lines = [String(repeating: "#", count: level) + " " + (isTop ? "Top level" : "`\(model.title)`"), ""]
        if !model.summary.isEmpty { lines += [model.summary, ""] }
        if !model.exactlyOne.isEmpty {
            lines += ["Exactly one of \(model.exactlyOne.map { "`\($0)`" }.joined(separator: ", ")).", ""]
        }
        if model.fields.isEmpty {
            lines.append("No keys.")
        } else {
            lines += ["| key | value | default | range | meaning |", "|---|---|---|---|---|"]
            for field in model.fields {
                let (kind, range) = words(for: field.shape)
                let fallback =
                    field.isRequired ? "required" : field.defaultText.isEmpty ? "" : "`\(field.defaultText)`"
                lines.append("| `\(field.key)` | \(kind) | \(fallback) | \(range) | \(field.summary) |")
            }
        }
        tables.append(lines.joined(separator: "\n"))
        for field in model.fields {
            for inner in models(in: field.shape) { write(inner, level: level, into: &tables, told: &told) }
        }
    }

    private static func words(for shape: ShapeDescription) -> (kind: String, range: String) {
        switch shape {
        case .scalar(let scalar): return (scalar.kind, scalar.range)
        case .list(let element, _):
            let inner = words(for: element)
            return ("list of: \(inner.kind)", inner.range)
        case .oneOrList(let element):
            let inner = words(for: element)
            return ("\(inner.kind), or a list", inner.range)
        case .map(let key, let value):
            let inner = words(for: value)
            return ("\(key): \(inner.kind)", inner.range)
        case .object: return ("mapping", "")
        case .anyOf(let shapes):
            let inner = shapes.map { words(for: $0) }
            return (
                inner.map(\.kind).joined(separator: " or "),
                inner.map(\.range).filter { !$0.isEmpty }.joined(separator: "; ")
            )
        }
    }

    private static func models(in shape: ShapeDescription) -> [ObjectModel] {
        switch shape {
        case .scalar: []
        case .list(let element, _), .oneOrList(let element), .map(_, let element): models(in: element)
        case .object(let model): [model]
        case .anyOf(let shapes): shapes.flatMap { models(in: $0) }
        }
    }
}
