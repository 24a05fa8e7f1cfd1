public import ArgumentParser
public import Logging
import Telemetry

struct ConfigurationFile: ParsableArguments {
    @Option(
        name: [.short, .customLong("config")], help: "The YAML file to serve.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String
}

struct LogOptions: ParsableArguments {
    @Option(help: "The least severe events to log: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    func makeLog() -> ProgramLog { ProgramLog(level: logLevel) }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
