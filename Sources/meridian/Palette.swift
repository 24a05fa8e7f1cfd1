import Glibc

/// How a word stands out.
enum Style {
    case good, warning, bad, faint, strong
}

/// Colours where they can be seen: on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb.
struct Palette {
    let isColoured: Bool

    static let plain = Palette(isColoured: false)

    /// For what is written to a file descriptor.
    static func of(_ descriptor: Int32) -> Palette {
        let wantsNone = Terminal.environment("NO_COLOR").map { !$0.isEmpty } ?? false
        return Palette(
            isColoured: isatty(descriptor) == 1 && !wantsNone && Terminal.environment("TERM") ?? "dumb" != "dumb")
    }

    static var output: Palette { of(STDOUT_FILENO) }

    func paint(_ text: String, _ style: Style?) -> String {
        guard isColoured, let style, !text.isEmpty else { return text }
        // SGR of ECMA-48: the sixteen colours that every terminal lets its owner choose.
        let code =
            switch style {
            case .good: "32"
            case .warning: "33"
            case .bad: "31"
            case .faint: "2"
            case .strong: "1"
            }
        return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }
}

extension Style {
    /// Of a state's word: `available`, `draining`, `down` and the like.
    init?(state: String) {
        switch state {
        case "available", "up": self = .good
        case "draining", "ejected", "unknown", "degraded", "cut-over": self = .warning
        case let word where word.hasPrefix("cut over"): self = .warning
        case "down", "disabled": self = .bad
        default: return nil
        }
    }
}
