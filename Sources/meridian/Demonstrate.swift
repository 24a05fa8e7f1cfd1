import AdminAPI
import ArgumentParser
import ControlPlane
import Demo
import Logging
import TrafficModel

struct Demonstrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "Watch three regions on this machine: names, VIPs, members, clients, and what happens when they fail.",
        discussion: """
            Everything runs on loopback addresses, with real country data. The tour plays it unattended, checks what it \
            promises and exits with 1 if a step fails.

            The dashboard is on 127.0.0.1; the address that the first lines show signs a browser in, as long as the demo runs. \
            The tour has none, unless --dashboard-port asks for it.
            """)

    @Flag(help: "Play the tour unattended, in under a minute.")
    var tour = false

    @Flag(help: "Print lines instead of the full-screen view, and read commands as lines.")
    var plain = false

    @Option(help: "The port of DNS on 127.0.0.1 and ::1.")
    var dnsPort: UInt16 = 5300

    @Option(help: "The port of the VIPs on 127.1.0.1 to 127.3.0.2.")
    var httpPort: UInt16 = 8080

    @Option(help: "The port of the members on 127.1.1.1 to 127.3.2.3.")
    var memberPort: UInt16 = 9000

    @Option(help: "Serve the operators' socket here, for `drain`, `shift` and the other commands with --socket.")
    var admin: String?

    @Option(help: "The port of the dashboard on 127.0.0.1. If absent: 8900, or one that is free.")
    var dashboardPort: UInt16?

    @Flag(help: "Serve no dashboard.")
    var noDashboard = false

    func validate() throws {
        guard !noDashboard || dashboardPort == nil else {
            throw ValidationError("--no-dashboard and --dashboard-port: give one of them")
        }
        guard dashboardPort != 0 else { throw ValidationError("--dashboard-port: 1 to 65535") }
    }

    func run() async throws {
        var options = DemoOptions()
        if !noDashboard, !tour || dashboardPort != nil {
            let (token, hash) = AdminToken.make()
            options.dashboard = DemoDashboard(
                port: dashboardPort, token: token, tokenHash: hash.text, role: AdminRole.operate.rawValue)
        }
        options.tour = tour
        options.plain = plain
        options.dnsPort = dnsPort
        options.httpPort = httpPort
        options.memberPort = memberPort
        let isWell: Bool
        do {
            isWell = try await Demo.run(
                options, operate: admin == nil && options.dashboard == nil ? nil : Self.serve(admin))
        } catch {
            Terminal.error(error.description)
            throw ExitCode(1)
        }
        if !isWell { throw ExitCode(1) }
    }

    private static func serve(_ socketPath: String?) -> @Sendable (Node) async throws -> Void {
        { node in
            let logger = Logger(label: "meridian.demo") { _ in SwiftLogNoOpLogHandler() }
            try await AdminService(node: node, socketPath: socketPath, logger: logger).run()
        }
    }
}
