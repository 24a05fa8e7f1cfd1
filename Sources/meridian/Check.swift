import ArgumentParser
import ConfigurationLoading
import TrafficModel

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate all that `run` would use, and name every mistake.",
        discussion: "Exits with 0 when the configuration can be served, warnings or not, and with 1 otherwise.")

    @OptionGroup var file: ConfigurationFile

    func run() async throws {
        let result = ConfigurationLoader.load(path: file.config)
        for diagnostic in result.diagnostics { Terminal.error(diagnostic.description) }
        guard let intent = result.intent else { throw ExitCode(1) }
        let count = { (number: Int, noun: String) in "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let parts = [
            count(intent.zones.count, "zone"), count(intent.wideIPs.count, "wide IP"),
            count(intent.pools.count, "pool"), count(intent.virtualServers.count, "virtual server"),
            count(intent.listeners.count, "listener"), count(intent.upstreams.count, "upstream"),
        ]
        print("\(file.config): ok: \(parts.joined(separator: ", "))")
    }
}
