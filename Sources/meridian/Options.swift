public import ArgumentParser
public import Logging

struct ConfigurationFile: ParsableArguments {
    @Option(name: [.short, .customLong("config")], help: "The YAML file to serve.")
    var config: String
}

struct LogOptions: ParsableArguments {
    @Option(help: "The least severe events to log: trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    func makeLogger() -> Logger {
        let level = logLevel
        return Logger(label: "meridian") { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
