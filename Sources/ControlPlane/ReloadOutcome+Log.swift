import ConfigurationLoading
import Logging

extension ReloadOutcome {
    /// More would drown what else the log says; `meridian check` has all.
    private static let toldMistakes = 20

    /// A line for each mistake, as `meridian check` prints them.
    func tellRefusal(_ logger: Logger) {
        let all = diagnostics ?? []
        logger.error(
            "reload refused: the configuration in force stays",
            metadata: ["generation": "\(generation)", "mistakes": "\(all.count { !Self.isWarning($0) })"])
        for (message, diagnostic) in zip(messages, all).prefix(Self.toldMistakes) {
            logger.log(level: Self.isWarning(diagnostic) ? .warning : .error, "\(message)")
        }
        let rest = all.count - Self.toldMistakes
        if rest > 0 { logger.error("and \(rest) more: meridian check prints all") }
    }

    private static func isWarning(_ diagnostic: Resource.Diagnostic) -> Bool {
        diagnostic.severity == Diagnostic.Severity.warning.rawValue
    }
}
