import ArgumentParser
import ConfigurationLoading
import ControlPlane
import TrafficModel

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate all that `run` would use, and name every mistake.",
        discussion: "Exits with 0 when the configuration can be served, warnings or not, and with 1 otherwise.")

    @OptionGroup var file: ConfigurationFile
    @Flag(help: "Print JSON, for programs: each finding with its file, line, column and path.") var json = false

    private struct Report: Encodable {
        /// The file that was checked.
        var path: String
        var isValid: Bool
        var diagnostics: [Resource.Diagnostic]
        /// How many there are of what; absent where it cannot be served.
        var counts: [String: Int]?
    }

    func run() async throws {
        let result = ConfigurationLoader.load(path: file.config, judgedBy: CertificateFiles.judge)
        let diagnostics =
            result.diagnostics + (result.intent.map { Surroundings.findings($0, in: file.config) } ?? [])
        let counts = result.intent.map { intent in
            [
                ("zone", intent.zones.count), ("wide IP", intent.wideIPs.count), ("pool", intent.pools.count),
                ("virtual server", intent.virtualServers.count), ("listener", intent.listeners.count),
                ("upstream", intent.upstreams.count),
            ]
        }
        if json {
            let report = Report(
                path: file.config, isValid: counts != nil,
                diagnostics: diagnostics.map(Resource.Diagnostic.init),
                counts: counts.map { Dictionary(uniqueKeysWithValues: $0.map { (Self.key($0.0), $0.1) }) })
            print(try JSONText.pretty(report))
        } else {
            for diagnostic in diagnostics { Terminal.error(diagnostic.description) }
        }
        guard let counts else { throw ExitCode.refused }
        guard !json else { return }
        let parts = counts.map { "\($1) \($0)\($1 == 1 ? "" : "s")" }
        print("\(file.config): ok: \(parts.joined(separator: ", "))")
    }

    /// As the configuration names the section.
    private static func key(_ noun: String) -> String {
        noun.split(separator: " ").joined(separator: "_").lowercased() + "s"
    }
}
