import ArgumentParser
import ConfigurationLoading

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the JSON Schema of the configuration, for editors.")

    func run() { print(ConfigurationSchema.json) }
}
