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
}
