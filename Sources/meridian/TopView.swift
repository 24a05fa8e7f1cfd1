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

    /// - Parameter trouble: why `rates` are old.
    mutating func lines(
        _ rates: TrafficRates, trouble: String? = nil, size: (columns: Int, rows: Int), palette: Palette
    ) -> [String] {
        let status = rates.after
        let table = rates.table(kind)
        column %= table.columns.count
        let head =
            trouble.map { [palette.paint("\($0); trying again", .bad)] }
            ?? Terminal.lines(
                [
                    "meridian", "generation \(status.generation)", "up \(Int(status.uptime)) s",
                    "queries \(rates.queries.text(decimals: 1))/s", "requests \(rates.requests.text(decimals: 1))/s",
                    "open \(status.proxy.openConnections)",
                ], columns: size.columns)
        let names = TrafficRates.Kind.allCases.enumerated().map { index, kind in
            kind == self.kind ? "[\(index + 1) \(kind.rawValue)]" : "\(index + 1) \(kind.rawValue)"
        }
        let tabs = Terminal.lines(names, columns: size.columns).map {
            $0.replacing(names[position], with: palette.paint(names[position], .strong), maxReplacements: 1)
        }
        let keys = Terminal.lines(
            ["Tab table", "s sort (\(table.columns[column].title))", "up/down move", "q leave"], columns: size.columns)
        let room = max(1, size.rows - head.count - tabs.count - keys.count - 2)
        first = max(0, min(first, table.rows.count - room))
        var lines = head + tabs + [""]
        lines += Self.rows(
            table, sortedBy: column, from: first, count: room, columns: size.columns, palette: palette)
        while lines.count < size.rows - keys.count { lines.append("") }
        lines += keys.map { palette.paint($0, .faint) }
        return Array(lines.prefix(size.rows))
    }

    /// - Parameter columns: of the screen. Where it is narrower than the table, figures begin with the column that it is
    ///   sorted by, so that each can be seen.
    static func rows(
        _ table: TrafficRates.Table, sortedBy column: Int, from first: Int, count: Int, columns: Int = .max,
        palette: Palette
    ) -> [String] {
        let rows = table.sorted(by: column).dropFirst(first).prefix(count)
        let hasStates = table.rows.contains { $0.state != nil }
        func text(from start: Int, names room: Int = .max) -> TextTable {
            let titles = table.columns.dropFirst(start).map { ">" + $0.title }
            var text = TextTable([table.kind.rawValue.uppercased()] + (hasStates ? ["STATE"] : []) + titles)
            for row in rows {
                var cells = [TextTable.Cell(shortened(row.name, to: room))]
                if hasStates { cells.append(.init(row.state ?? "", row.state.flatMap { Style(state: $0) })) }
                cells += zip(table.columns, row.figures).dropFirst(start).map { column, figure in
                    .init(figure.map { $0.text(decimals: column.decimals) } ?? "-")
                }
                text.add(cells)
            }
            return text
        }
        let whole = text(from: 0)
        guard whole.width > columns else { return whole.lines(palette: palette) }
        let figures = whole.width - whole.widths[0]
        // Names give way before figures do, but not to less than what tells them apart.
        let room = max(columns - figures, columns / 2)
        return text(from: figures + room > columns ? column : 0, names: room).lines(palette: palette)
    }

    /// Without the middle of what is too long: names of one kind end alike or begin alike.
    private static func shortened(_ name: String, to room: Int) -> String {
        guard name.count > room else { return name }
        let kept = max(0, room - 1)
        return name.prefix(kept / 2) + "…" + name.suffix(kept - kept / 2)
    }
}
