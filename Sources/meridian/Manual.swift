import ArgumentParser
import FoundationEssentials

/// Writes the manual pages, from the same descriptions that `help` prints.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the manual pages of all commands to a folder.", shouldDisplay: false)

    @Argument(help: "An existing folder.") var folder: String

    func run() throws {
        let data = Data(Meridian._dumpHelp().utf8)
        let tool = try JSONDecoder().decode(ManualPage.Tool.self, from: data)
        for page in ManualPage.all(tool.command, version: Meridian.configuration.version) {
            do {
                try page.text.write(toFile: "\(folder)/\(page.name).1", atomically: true, encoding: .utf8)
            } catch {
                Terminal.error("\(folder)/\(page.name).1: \(error)")
                throw ExitCode.refused
            }
        }
    }
}

/// One page in man(7)'s language.
struct ManualPage {
    let name: String
    let text: String

    /// What the parser tells of a program.
    struct Tool: Decodable {
        var command: Command
    }

    struct Command: Decodable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var shouldDisplay: Bool
        var defaultSubcommand: String?
        var subcommands: [Command]?
        var arguments: [Argument]?

        /// Without the `help` that the parser adds.
        var shown: [Command] { (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" } }
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String
            var name: String

            var text: String { (kind == "long" ? "--" : "-") + name }
        }

        var kind: String
        var shouldDisplay: Bool
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var allValues: [String]?
        var abstract: String?
    }

    static func all(_ root: Command, version: String) -> [ManualPage] {
        [overview(root, version)]
            + root.shown.map { command in
                var lines = header("\(root.commandName)-\(command.commandName)", version)
                lines += [".SH NAME", "\(root.commandName)\\-\(command.commandName) \\- \(escaped(brief(command)))"]
                lines += [".SH SYNOPSIS"] + synopses(command, [root.commandName])
                lines += [".SH DESCRIPTION", escaped(command.abstract ?? "")] + discussion(command)
                lines += options(command, section: ".SH OPTIONS")
                for part in command.shown {
                    lines += [".SH \(escaped("\(command.commandName) \(part.commandName)".uppercased()))"]
                    lines += [escaped(part.abstract ?? "")] + discussion(part)
                    lines += options(part, section: ".SS Options")
                }
                lines += [".SH SEE ALSO", ".BR \(root.commandName) (1)"]
                return ManualPage(
                    name: "\(root.commandName)-\(command.commandName)", text: lines.map { $0 + "\n" }.joined())
            }
    }

    private static func overview(_ root: Command, _ version: String) -> ManualPage {
        let name = root.commandName
        var lines = header(name, version)
        lines += [".SH NAME", "\(name) \\- \(escaped(brief(root)))"]
        lines += [".SH SYNOPSIS", ".B \(name)", ".I command", "[\\fIoptions\\fR]", ".SH COMMANDS"]
        for command in root.shown {
            lines += [".TP", ".BR \(name)\\-\(escaped(command.commandName)) (1)", escaped(command.abstract ?? "")]
        }
        lines.append(".SH EXIT STATUS")
        for (code, meaning) in exitCodes { lines += [".TP", ".B \(code)", escaped(meaning)] }
        lines += [
            ".SH ENVIRONMENT", ".TP", ".B MERIDIAN_ADMIN",
            escaped(
                "The node that commands are for where no argument names one: https://HOST:PORT, or a socket's path."),
            ".TP", ".B MERIDIAN_TOKEN_FILE", escaped("The file of the token for it, where --token-file is not given."),
            ".TP", ".B NO_COLOR", "Where it is set, nothing is coloured.", ".TP",
            ".BR NOTIFY_SOCKET \", \" WATCHDOG_USEC",
            escaped("Set by a service manager that wants to know when the node serves and whether it is well."),
            ".SH FILES", ".TP", ".I /etc/meridian/meridian.yaml", "The configuration of the packaged service.", ".TP",
            ".I /run/meridian/admin.sock", "Its admin socket.", ".TP",
            ".I /usr/share/doc/meridian", "Documents and examples of the package.",
        ]
        return ManualPage(name: name, text: lines.map { $0 + "\n" }.joined())
    }

    /// As docs/cli.md has them.
    static let exitCodes = [
        ("0", "It is done, or holds."), ("1", "Refused by the node, or wrong. Nothing was changed."),
        ("2", "The node cannot be reached or trusted."),
        ("3", "It did not come in time. What was changed stays changed."),
        ("4", "The question was answered with no. Nothing was changed."),
        ("64", "The arguments, or files that they name, are of no use."),
    ]

    private static func header(_ name: String, _ version: String) -> [String] {
        [".TH \(name.uppercased()) 1 \"\" \"Meridian \(version)\" \"Meridian\"", ".nh", ".ad l"]
    }

    private static func brief(_ command: Command) -> String {
        let text = command.abstract ?? command.commandName
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    /// A line for the command, and one for each that it has below it.
    private static func synopses(_ command: Command, _ path: [String]) -> [String] {
        let path = path + [command.commandName]
        guard command.shown.isEmpty else { return command.shown.flatMap { synopses($0, path) } }
        var line = ".B \(escaped(path.joined(separator: " ")))\n[\\fIoptions\\fR]"
        for argument in (command.arguments ?? []) where argument.kind == "positional" && argument.shouldDisplay {
            let name = "\\fI\(escaped(argument.valueName ?? "value"))\\fR" + (argument.isRepeating ? " ..." : "")
            line += "\n" + (argument.isOptional ? "[\(name)]" : name)
        }
        return [line, ".br"]
    }

    private static func discussion(_ command: Command) -> [String] {
        guard var text = command.discussion, !text.isEmpty else { return [] }
        // Where the reader has them, and not where this program was built.
        text.replace(" docs/", with: " /usr/share/doc/meridian/docs/")
        return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            line.isEmpty
                ? [".PP"] : line.contains("meridian ") ? [".br", escaped(String(line))] : [escaped(String(line))]
        }.reduce(into: [".PP"]) { $0.append($1) }
    }

    private static func options(_ command: Command, section: String) -> [String] {
        let shown = (command.arguments ?? []).filter {
            $0.shouldDisplay && !["help", "version"].contains($0.valueName)
        }
        guard !shown.isEmpty else { return [] }
        return [section]
            + shown.flatMap { argument -> [String] in
                let value = argument.valueName ?? "value"
                let title =
                    switch argument.kind {
                    case "positional": "\\fI\(escaped(value))\\fR"
                    default:
                        (argument.names ?? []).map { "\\fB\(escaped($0.text))\\fR" }.joined(separator: ", ")
                            + (argument.kind == "option" ? " \\fI\(escaped(value))\\fR" : "")
                    }
                var text = argument.abstract ?? ""
                if let standard = argument.defaultValue, !standard.isEmpty { text += " (default: \(standard))" }
                return [".TP", title, escaped(text)]
            }
    }

    /// Text as it is, whatever it has that the language gives a meaning.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
            }
        }
        if let first = result.first, first == "." || first == "'" { result = "\\&" + result }
        return result
    }
}
