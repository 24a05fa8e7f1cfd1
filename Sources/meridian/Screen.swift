import Glibc
import Synchronization

/// The terminal while a program draws on all of it: keys come one by one, and everything is put back at the end, also
/// when a signal ends the program.
struct Screen: ~Copyable {
    enum Event {
        case bytes([UInt8])
        /// The input has ended.
        case end
        /// The screen has another size, or was given back after a stop.
        case changed
        /// A signal asks the program to end.
        case signal(Int32)
    }

    private let original: termios
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH]

    /// `nil` when standard input is no terminal.
    init?() {
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        original = settings
        // They are asked for instead of ending the program, so that nothing ends between taking and giving back.
        _ = Self.came.load(ordering: .relaxed)
        for signal in Self.signals {
            Glibc.signal(signal) { number in
                Screen.came.bitwiseOr(1 << UInt64(number), ordering: .relaxed)
            }
        }
        take()
    }

    deinit {
        giveBack()
        for signal in Self.signals { Glibc.signal(signal, SIG_DFL) }
    }

    /// Signals that came and were not looked at, by number. A handler may touch no more than this.
    private static let came = Atomic<UInt64>(0)
    /// A signal may come on any thread, and then does not wake the one that waits for keys.
    private static let longestWait: Int32 = 100

    private func take() {
        var settings = original
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        // Alternate screen, cursor hidden, no wrapping of long lines.
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l", to: STDOUT_FILENO)
    }

    private func giveBack() {
        Terminal.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l", to: STDOUT_FILENO)
        var settings = original
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }

    /// Redraws in place: lines are overwritten and their rests cleared, so that nothing flickers.
    borrowing func draw(_ lines: [String]) {
        let body = lines.map { $0 + "\u{1B}[0m\u{1B}[K" }.joined(separator: "\r\n")
        Terminal.write("\u{1B}[H" + body + "\u{1B}[J", to: STDOUT_FILENO)
    }

    /// Waits for keys or a signal; `nil` when neither came in time.
    borrowing func next(milliseconds: Int32) -> Event? {
        if let event = pendingSignal() { return event }
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var left = milliseconds
        while unsafe poll(&descriptor, 1, min(left, Self.longestWait)) <= 0 {
            if let event = pendingSignal() { return event }
            left -= Self.longestWait
            guard left > 0 else { return nil }
        }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(STDIN_FILENO, &buffer, buffer.count)
        if count > 0 { return .bytes(Array(buffer.prefix(count))) }
        return pendingSignal() ?? (count < 0 && errno == EINTR ? nil : .end)
    }

    private borrowing func pendingSignal() -> Event? {
        let mask = Self.came.load(ordering: .relaxed)
        guard mask != 0 else { return nil }
        let signal = Int32(mask.trailingZeroBitCount)
        Self.came.bitwiseAnd(~(1 << UInt64(signal)), ordering: .relaxed)
        switch signal {
        case SIGWINCH: return .changed
        case SIGTSTP:
            // Ctrl-Z: the shell gets its terminal back, and we ours when it lets us go on.
            giveBack()
            raise(SIGSTOP)
            take()
            return .changed
        default: return .signal(signal)
        }
    }
}
