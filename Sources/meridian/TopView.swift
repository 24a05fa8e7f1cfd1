import ControlPlane
import Demo

/// What `meridian top` shows, and what keys do to it.
struct TopView {
    enum Outcome { case stay, leave }

    private(set) var kind: TrafficRates.Kind
    private var column = 0
    private var first = 0

    init(kind: TrafficRates.Kind) { self.kind = kind }

    mutating func take(_ key: KeyReader.Key) -> Outcome {
        let kinds = TrafficRates.Kind.allCases
        switch key {
        case .character("q"), .interrupt: return .leave
        case .character("s"): column += 1
        case .up, .character("k"): first = max(0, first - 1)
        case .down, .character("j"): first += 1
        case .tab, .right: turn(to: kinds[(position + 1) % kinds.count])
        case .left: turn(to: kinds[(position + kinds.count - 1) % kinds.count])
        case .character(let digit):
            if let number = digit.wholeNumberValue, kinds.indices.contains(number - 1) { turn(to: kinds[number - 1]) }
        default: break
        }
        return .stay
    }

    private var position: Int { TrafficRates.Kind.allCases.firstIndex(of: kind) ?? 0 }

    private mutating func turn(to kind: TrafficRates.Kind) { (self.kind, column, first) = (kind, 0, 0) }

    mutating func lines(_ rates: TrafficRates, size: (columns: Int, rows: Int), palette: Palette) -> [String] {
        let status = rates.after
        let table = rates.table(kind)
        column %= table.columns.count
        let room = max(1, size.rows - 6)
        first = max(0, min(first, table.rows.count - room))
        let tabs = TrafficRates.Kind.allCases.enumerated().map { index, kind in
            kind == self.kind
                ? palette.paint("[\(index + 1) \(kind.rawValue)]", .strong) : " \(index + 1) \(kind.rawValue) "
        }
        var lines = [
            "meridian  generation \(status.generation)  up \(Int(status.uptime)) s  queries "
                + "\(rates.queries.text(decimals: 1))/s  requests \(rates.requests.text(decimals: 1))/s  open "
                + "\(status.proxy.openConnections)",
            tabs.joined(), "",
        ]
        lines += Self.rows(table, sortedBy: column, from: first, count: room, palette: palette)
        while lines.count < size.rows - 1 { lines.append("") }
        lines.append(
            palette.paint("Tab table  s sort (\(table.columns[column].title))  up/down move  q leave", .faint))
        return Array(lines.prefix(size.rows))
    }

    static func rows(
        _ table: TrafficRates.Table, sortedBy column: Int, from first: Int, count: Int, palette: Palette
    ) -> [String] {
        let hasStates = table.rows.contains { $0.state != nil }
        let titles =
            [table.kind.rawValue.uppercased()] + (hasStates ? ["STATE"] : []) + table.columns.map { ">" + $0.title }
        var text = TextTable(titles)
        for row in table.sorted(by: column).dropFirst(first).prefix(count) {
            var cells = [TextTable.Cell(row.name)]
            if hasStates { cells.append(.init(row.state ?? "", row.state.flatMap { Style(state: $0) })) }
            cells += zip(table.columns, row.figures).map { column, figure in
                .init(figure.map { $0.text(decimals: column.decimals) } ?? "-")
            }
            text.add(cells)
        }
        return text.lines(palette: palette)
    }
}
