/// Text with colours for a terminal, or without them. It knows how wide it is on the screen.
struct StyledText: Sendable, Hashable {
    enum Style: String, Sendable {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case green = "32"
        case red = "31"
        case yellow = "33"
        case cyan = "36"
        case reverse = "7"
    }

    private struct Span: Sendable, Hashable {
        var text: String
        var style: Style
    }

    private var spans: [Span] = []

    init() {}
    init(_ text: String, _ style: Style = .plain) { spans = [Span(text: text, style: style)] }

    mutating func append(_ text: String, _ style: Style = .plain) { spans.append(Span(text: text, style: style)) }

    /// Fills with spaces up to a column, counted from 0; one space at least.
    mutating func pad(to column: Int) { append(String(repeating: " ", count: max(1, column - width))) }

    /// Columns on the screen: the view uses no character that takes two.
    var width: Int { spans.reduce(0) { $0 + $1.text.count } }

    var text: String { spans.map(\.text).joined() }

    /// With SGR sequences (ECMA-48), cut to `columns`.
    func ansi(columns: Int) -> String {
        var left = columns
        var result = ""
        for span in spans where left > 0 {
            let text = span.text.prefix(left)
            left -= text.count
            result += span.style == .plain ? String(text) : "\u{1B}[\(span.style.rawValue)m\(text)\u{1B}[0m"
        }
        return result
    }
}
