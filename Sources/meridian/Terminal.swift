import Glibc

enum Terminal {
    /// Writes a line to standard error.
    static func error(_ text: String) {
        var line = Array((text + "\n").utf8)[...]
        while !line.isEmpty {
            let written = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            line = line.dropFirst(written)
        }
    }
}
