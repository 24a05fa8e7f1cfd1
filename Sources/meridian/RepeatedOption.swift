import ArgumentParser
import FoundationEssentials

/// What to say of an option that is given twice and takes one value: the parser would take the last and say nothing,
/// and the command would go to another node, or for another time, than the first says.
enum RepeatedOption {
    private struct Tool: Decodable {
        struct Command: Decodable { var arguments: [Argument]? }

        var command: Command
    }

    private struct Argument: Decodable {
        var kind: String
        var isRepeating: Bool
        var names: [ManualPage.Argument.Name]?
    }

    /// - Returns: `nil` where each is given once, or may be given more often.
    static func message(_ arguments: [String], of root: any ParsableCommand.Type) -> String? {
        var (type, rest) = (root, arguments[...])
        while let next = type.configuration.subcommands.first(where: { $0._commandName == rest.first }) {
            type = next
            rest = rest.dropFirst()
        }
        // Most lines have one at most, and then nothing needs to be known of the command.
        guard rest.count(where: { $0.hasPrefix("-") }) > 1 else { return nil }
        // Always there: the parser makes it of the command's own declaration.
        guard let tool = try? JSONDecoder().decode(Tool.self, from: Data(type._dumpHelp().utf8)) else { return nil }
        var places: [String: Int] = [:]
        let options = (tool.command.arguments ?? []).filter { $0.kind == "option" }
        for (place, option) in options.enumerated() {
            for name in option.names ?? [] { places[name.text] = place }
        }
        var seen: [Int: String] = [:]
        while let argument = rest.popFirst() {
            if argument == "--" { break }
            let parts = argument.split(separator: "=", maxSplits: 1)
            guard let name = parts.first.map(String.init), let place = places[name] else { continue }
            // Its value, whatever it looks like.
            let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() ?? ""
            guard !options[place].isRepeating else { continue }
            if let first = seen[place] { return "\(name): given twice, as \(first) and \(value); give it once" }
            seen[place] = value
        }
        return nil
    }
}
