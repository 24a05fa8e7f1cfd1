import ArgumentParser

@main
struct Meridian: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meridian",
        abstract: "Global (DNS) and local (HTTP, TCP) load balancing in one program.",
        version: "0.1.0",
        subcommands: [
            Run.self, Demonstrate.self, Check.self, Reload.self, Status.self, ServiceLevelCommand.self, Top.self,
            Events.self, Log.self,
            Explain.self, Drain.self, Disable.self,
            Enable.self, ForceUp.self, ForceDown.self, Weigh.self, Cutover.self, ShiftCommand.self, WindowCommand.self,
            Resume.self,
            Audit.self, Token.self, Schema.self, Completions.self, Manual.self,
        ])

    /// Not on the main thread: while that works, signals do not end the program.
    @concurrent static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let wrong =
            UnknownCommand.message(arguments, of: Self.self) ?? RepeatedOption.message(arguments, of: Self.self)
        if let message = wrong {
            Terminal.error(message)
            exit(withError: ExitCode.usage)
        }
        do {
            var command = try await asyncParseAsRoot(arguments)
            do {
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            } catch let error as ValidationError {
                // What a command finds wrong itself is said without the usage: the parser knows only the program's.
                Terminal.error(error.message)
                throw ExitCode.usage
            } catch let error as DecodingError {
                Terminal.error(NodeText.words(error))
                throw ExitCode.unreachable
            }
        } catch {
            exit(withError: error)
        }
    }
}
