import ArgumentParser
import ConfigurationLoading
import ControlPlane
import Logging
import ServiceLifecycle
import Telemetry

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a configuration: the DNS role, the proxy role, or both.",
        discussion: """
            SIGHUP reloads the file, SIGUSR1 opens the logs again; SIGTERM and SIGINT end the program after open requests are \
            done.
            """)

    @OptionGroup var file: ConfigurationFile
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let log = logging.makeLog()
        let logger = log.logger(label: "meridian")
        let inherited = InheritedSockets(
            process: Terminal.environment("LISTEN_PID"), count: Terminal.environment("LISTEN_FDS"),
            names: Terminal.environment("LISTEN_FDNAMES"), logger: logger)
        let signals = await NodeSignals()
        DescriptorLimit.raise()
        let node: Node
        do {
            node = try await Node.start(
                configurationPath: file.config, log: log, inherited: inherited, logger: logger)
        } catch {
            Terminal.error(error.description)
            throw ExitCode(1)
        }
        try await NodeServices.run(node, signals, logger: logger)
    }
}
