import ControlPlane

/// What a change would move, for people.
struct PreviewText {
    let preview: ChangePreview
    let palette: Palette

    private static let nameLimit = 15
    private static let stateLimit = 15

    func text(of words: String) -> String {
        var lines: [String] = []
        if preview.isNothing {
            lines.append("\(words): no answer would change")
        } else {
            let names = preview.allNames == 1 ? "name" : "names"
            lines.append(
                palette.paint(
                    "\(words): \(preview.movedNames) of \(preview.allNames) \(names) would be answered otherwise",
                    .strong)
                    + (preview.movedNames > 0 ? " (by \(preview.clients) client networks)" : ""))
        }
        lines += names + states
        lines += preview.remarks.map { palette.paint($0, .warning) }
        lines += preview.replaced.map { palette.paint($0.loss, .warning) }
        if preview.openConnections > 0 {
            lines.append("\(preview.openConnections) requests and connections are open on what would get nothing new")
        }
        lines += preview.objections.map { palette.paint("against it: \($0)", .bad) }
        return lines.map { $0 + "\n" }.joined()
    }

    private var names: [String] {
        guard !preview.names.isEmpty else { return [] }
        var table = TextTable("NAME", ">MOVES", "FROM", "TO")
        for name in preview.names.prefix(Self.nameLimit) {
            let isEmpty = name.after["no answer", default: 0] > name.before["no answer", default: 0]
            table.add(
                .init(name.name), .init(Self.percent(name.moved), .strong), .init(Self.shares(name.before)),
                .init(Self.shares(name.after), isEmpty ? .bad : nil))
        }
        let more = preview.movedNames - min(preview.names.count, Self.nameLimit)
        return table.lines(indent: 2, palette: palette) + (more > 0 ? ["  and \(more) names more"] : [])
    }

    private var states: [String] {
        guard !preview.states.isEmpty else { return [] }
        var table = TextTable("WHAT", "IS", "WOULD BE")
        for state in preview.states.prefix(Self.stateLimit) {
            table.add(
                .init("\(state.kind) \(state.name)"), .init(state.before, Style(state: state.before)),
                .init(state.after, Style(state: state.after)))
        }
        let more = preview.states.count - Self.stateLimit
        return table.lines(indent: 2, palette: palette) + (more > 0 ? ["  and \(more) more"] : [])
    }

    private static func percent(_ share: Double) -> String { "\((share * 100).short) %" }

    private static func shares(_ shares: [String: Double]) -> String {
        let sorted = shares.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = sorted.prefix(4).map { "\($0.key) \(percent($0.value))" }.joined(separator: ", ")
        return sorted.count > 4 ? "\(shown), …" : shown
    }
}
