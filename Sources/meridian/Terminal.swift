import Glibc

enum Terminal {
    /// A variable of the environment; `nil` where it is not set.
    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Writes a line to standard error.
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Ends the program where nobody reads standard output any more, as SIGPIPE does unless it is ignored: a command that
    /// goes on for ever must not outlive its reader. Where standard output cannot be written otherwise, on a full disk,
    /// says so and ends with 1: who reads the file would take half an answer for the whole.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EPIPE, descriptor == STDOUT_FILENO { exit(128 + SIGPIPE) }
            guard written > 0 || errno == EINTR || errno == EAGAIN else {
                guard descriptor == STDOUT_FILENO else { return }
                error("standard output cannot be written: \(unsafe String(cString: strerror(errno)))")
                exit(1)
            }
            rest = rest.dropFirst(max(0, written))
        }
    }

    /// Ends the program as the signal would have done, so that a shell learns of it. The threads that Swift runs tasks on
    /// block signals.
    static func end(by signal: Int32) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(signal)
    }

    /// Whether there is somebody who reads what is said and types an answer.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Whether standard output is a screen.
    static var isScreen: Bool { isatty(STDOUT_FILENO) == 1 && environment("TERM") ?? "dumb" != "dumb" }

    /// Whether what is said of progress can be written over.
    static var isErrorScreen: Bool { isatty(STDERR_FILENO) == 1 && environment("TERM") ?? "dumb" != "dumb" }

    /// Puts a question whose answer is no unless it is yes.
    static func ask(_ question: String) -> Bool {
        write(question + " [y/N] ", to: STDERR_FILENO)
        let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
        return ["y", "yes"].contains(answer)
    }

    /// Columns and rows of the screen that standard output or standard error goes to; 80 by 24 where it does not say.
    static var size: (columns: Int, rows: Int) {
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
            var size = winsize()
            if unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 {
                return (Int(size.ws_col), Int(size.ws_row))
            }
        }
        return (80, 24)
    }

    /// As many parts in each line as it has room for, two spaces between.
    static func lines(_ parts: [String], columns: Int) -> [String] {
        parts.reduce(into: [String]()) { lines, part in
            if let last = lines.last, last.count + 2 + part.count <= columns {
                lines[lines.count - 1] = last + "  " + part
            } else {
                lines.append(part)
            }
        }
    }
}

/// Swift's own says nothing of what cannot be written.
func print(_ text: String, terminator: String = "\n") {
    Terminal.write(text + terminator, to: STDOUT_FILENO)
}
