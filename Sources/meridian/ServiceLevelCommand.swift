import ArgumentParser
import ConfigurationLoading
import ControlPlane
import FoundationEssentials
import Glibc

struct ServiceLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sla", abstract: "Show how wide IPs and pools keep to their objectives.",
        discussion: """
            Of each by what this node served (requests) and by whether there was something to answer with (time): the good \
            part over 5 minutes, an hour, 6 hours and the objective's period, and what is left of the error budget: of what \
            may be bad in the period. Burn is how many times faster than allowed it was used up in the last hour; at 1 it \
            lasts just as long as the period. The whole reckoning is told in \(DocumentPath.of("metrics.md")).
            """)

    @OptionGroup var node: AdminNode
    @Argument(help: "One wide IP or pool; all if absent.", completion: LiveNames.completion(.wideIP, .pool))
    var name: String?
    @Flag(help: "Print JSON, for programs.") var json = false

    private struct List: Codable { var services: [ServiceLevel] }

    func run() throws {
        let body = try node.call("GET", "/v1/sla")
        var list = try NodeText.decode(List.self, from: body, isShown: !json)
        if let name {
            list.services = list.services.filter { $0.isNamed(name) }
            guard !list.services.isEmpty else {
                Terminal.error("no wide IP or pool named \(name) has a service level")
                throw ExitCode(1)
            }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Terminal.write(NodeText.escaped(try encoder.encode(list)) + "\n", to: STDOUT_FILENO)
        }
        let services = list.services
        var table = TextTable(
            "KIND", "NAME", ">OBJECTIVE", "BY", ">5M", ">1H", ">6H", ">PERIOD", ">BUDGET LEFT", ">BURN 1H")
        for service in services {
            for (source, measure) in [("requests", service.requests), ("time", service.time)] {
                guard let measure else { continue }
                let style: Style? =
                    measure.budgetRemaining < 0 ? .bad : (measure.burnRate["1h"] ?? 0) > 1 ? .warning : nil
                table.add(
                    .init(service.kind), .init(service.name), .init(Self.percent(service.objective)), .init(source),
                    .init(Self.percent(measure.availability["5m"])), .init(Self.percent(measure.availability["1h"])),
                    .init(Self.percent(measure.availability["6h"])),
                    .init(Self.percent(measure.availability["period"])),
                    .init(Self.percent(measure.budgetRemaining, digits: 1), style),
                    .init(Self.rounded(measure.burnRate["1h"] ?? 0, digits: 2), style))
            }
        }
        let lines = table.isEmpty ? ["nothing was served or watched yet"] : table.lines(palette: .output)
        Terminal.write(lines.map { $0 + "\n" }.joined(), to: STDOUT_FILENO)
    }

    /// Of errors that round to none something is left to see: `<100%`, never 100% unless it is.
    private static func percent(_ part: Double?, digits: Int = 4) -> String {
        guard let part else { return "-" }
        if part == 1 { return "100%" }
        let text = rounded(part * 100, digits: digits)
        return (part < 1 && text == rounded(100, digits: digits) ? "<100" : trimmed(text)) + "%"
    }

    /// Without zeros that say nothing.
    private static func trimmed(_ text: String) -> String {
        var text = text
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    private static func rounded(_ value: Double, digits: Int) -> String {
        guard abs(value) < 1e9 else { return value < 0 ? "-∞" : "∞" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((abs(value) * scale).rounded())
        let fraction = String(whole % Int(scale))
        let text = "\(whole / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
        return value < 0 && whole > 0 ? "-" + text : text
    }
}
