/// Rows of cells in columns as wide as their widest cell.
struct TextTable {
    enum Alignment { case left, right }

    struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        var text: String
        var style: Style?

        init(_ text: String, _ style: Style? = nil) {
            self.text = text
            self.style = style
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[Cell]] = []
    var isEmpty: Bool { rows.isEmpty }

    /// - Parameter titles: a column that begins with `>` is aligned to the right; the sign is not shown.
    init(_ titles: String...) { self.init(titles) }

    init(_ titles: [String]) {
        alignments = titles.map { $0.hasPrefix(">") ? .right : .left }
        self.titles = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    }

    /// - Precondition: as many cells as titles.
    mutating func add(_ cells: Cell...) { add(cells) }

    mutating func add(_ cells: [Cell]) {
        precondition(cells.count == titles.count)
        rows.append(cells)
    }

    /// Of the columns.
    var widths: [Int] {
        titles.indices.map { column in rows.reduce(titles[column].count) { max($0, $1[column].text.count) } }
    }

    /// Columns of the screen that the widest line takes, without an indent.
    var width: Int { widths.reduce(0, +) + 2 * (titles.count - 1) }

    /// - Parameters:
    ///   - indent: spaces before each line.
    ///   - palette: colours, or none.
    func lines(indent: Int = 0, palette: Palette) -> [String] {
        let widths = widths
        let margin = String(repeating: " ", count: indent)
        return [titles.map { Cell($0, .faint) }].map { line($0, widths, margin, palette) }
            + rows.map { line($0, widths, margin, palette) }
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ margin: String, _ palette: Palette) -> String {
        var line = margin
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.text.count)
            if alignments[column] == .right { line += padding }
            line += palette.paint(cell.text, cell.style)
            guard column < cells.count - 1 else { break }
            line += (alignments[column] == .left ? padding : "") + "  "
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
