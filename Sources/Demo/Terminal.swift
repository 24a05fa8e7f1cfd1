import Glibc

/// The terminal that the demo runs in: raw keys, an alternate screen, and everything put back at the end.
struct Terminal: ~Copyable {
    private let original: termios

    /// Whether there is a person with a screen and a keyboard.
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    private init(original: termios) { self.original = original }

    /// Takes the terminal over; `nil` when standard input is none.
    static func open() -> Terminal? {
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        let original = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        settings.c_iflag &= ~tcflag_t(IXON | ICRNL)
        guard unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) == 0 else { return nil }
        // Alternate screen, cursor hidden, no wrapping of long lines.
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
        return Terminal(original: original)
    }

    deinit {
        Self.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        var settings = original
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }

    /// Columns and rows now; 80 by 24 when the terminal does not say.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Redraws in place: lines are overwritten and their rests cleared, so that nothing flickers.
    func draw(_ lines: [StyledText]) {
        let columns = size.columns
        let body = lines.map { $0.ansi(columns: columns) + "\u{1B}[K" }.joined(separator: "\r\n")
        Self.write("\u{1B}[H" + body + "\u{1B}[J")
    }

    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = unsafe Glibc.write(STDOUT_FILENO, bytes.baseAddress! + written, bytes.count - written)
                guard count > 0 || errno == EINTR || errno == EAGAIN else { return }
                written += max(0, count)
            }
        }
    }

    /// Waits for input up to `milliseconds`; `nil` at its end, empty when nothing came.
    static func read(milliseconds: Int32) -> [UInt8]? {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&descriptor, 1, milliseconds) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe Glibc.read(STDIN_FILENO, &buffer, buffer.count)
        guard count > 0 else { return count < 0 && errno == EINTR ? [] : nil }
        return Array(buffer.prefix(count))
    }
}
