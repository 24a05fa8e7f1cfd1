import ArgumentParser

/// What to say of a command that there is not: the parser would take it for an argument too many, or speak of the
/// options behind it.
enum UnknownCommand {
    /// - Returns: `nil` where the arguments begin with commands that there are.
    static func message(_ arguments: [String], of root: any ParsableCommand.Type) -> String? {
        var type = root
        for argument in arguments {
            let commands = type.configuration.subcommands
            guard !argument.hasPrefix("-"), !commands.isEmpty, argument != "help" else { return nil }
            if let next = commands.first(where: { $0._commandName == argument }) {
                type = next
                continue
            }
            guard type.configuration.defaultSubcommand == nil else { return nil }
            let names = commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
            let path = type == root ? "" : " of \(type._commandName)"
            let nearest = names.map { ($0, distance(argument, $0)) }.min { $0.1 < $1.1 }
            guard let nearest, nearest.1 <= allowance(argument) else {
                return "no command \(argument)\(path); there is \(names.joined(separator: ", "))"
            }
            return "no command \(argument)\(path); did you mean \(nearest.0)?"
        }
        return nil
    }

    /// Slips of the finger in a word of that length.
    private static func allowance(_ word: String) -> Int { word.count < 4 ? 1 : 2 }

    /// How many letters have to be put in, taken out, changed or swapped with the next to make one word of another.
    static func distance(_ from: String, _ to: String) -> Int {
        // More is no slip of the finger, and need not be reckoned.
        guard from.utf8.count <= 64 else { return .max }
        let (from, to) = (Array(from.utf8), Array(to.utf8))
        var rows = [Array(0...to.count)]
        for row in from.indices {
            var next = [row + 1]
            for column in to.indices {
                var least = min(
                    rows[row][column] + (from[row] == to[column] ? 0 : 1), rows[row][column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
                    least = min(least, rows[row - 1][column - 1] + 1)
                }
                next.append(least)
            }
            rows.append(next)
        }
        return rows[from.count][to.count]
    }
}
