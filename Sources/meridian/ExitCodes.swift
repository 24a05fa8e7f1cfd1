import ArgumentParser

/// How commands end; docs/cli.md lists them. Mistakes in arguments end with 64 (EX_USAGE), which the parser sees to.
extension ExitCode {
    /// The node refused, or what was asked for does not hold.
    static let refused = ExitCode(1)
    /// An argument, or a file that one names, is of no use.
    static let usage = ExitCode(64)
    /// Nobody serves the admin socket, or the connection broke.
    static let unreachable = ExitCode(2)
    /// What was waited for did not come in time. What was changed stays changed.
    static let timedOut = ExitCode(3)
    /// The question was answered with no: nothing was changed.
    static let declined = ExitCode(4)
}
