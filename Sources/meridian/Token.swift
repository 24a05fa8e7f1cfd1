import AdminAPI
import ArgumentParser
import TrafficModel

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a token for the admin API.",
        discussion: """
            The token is shown once and kept nowhere. What the configuration needs, its hash, is of no use to anybody who \
            reads it there. A token is taken away by removing its entry and reloading.
            """)

    @Argument(help: "Whose it is: the name stands in the audit trail.") var name: String
    @Option(help: "What it may do: \(AdminRole.allCases.map(\.rawValue).joined(separator: ", ")).") var role: String

    func validate() throws {
        guard AdminRole(rawValue: role) != nil else {
            throw ValidationError("--role: one of \(AdminRole.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let isPlain = name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-_.@".utf8.contains($0)
        }
        guard isPlain, (1...64).contains(name.utf8.count) else {
            throw ValidationError("NAME: 1 to 64 letters, digits, hyphens, underscores, dots and @")
        }
    }

    func run() {
        let (token, hash) = AdminToken.make()
        Terminal.error("the token, shown this once; give it to \(name):")
        print(token)
        Terminal.error("the entry for the configuration:")
        Terminal.error("  admin:")
        Terminal.error("    tokens:")
        Terminal.error("      \(name): { role: \(role), hash: \"\(hash.text)\" }")
    }
}
