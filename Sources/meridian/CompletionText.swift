import ArgumentParser

/// What shells are offered for a word. They do not take it as it is: bash expands parameters, commands and quotes in words
/// that it chooses from, and zsh looks for descriptions. Names come from a node, which may be another than is thought.
enum CompletionText {
    /// Beyond letters and digits: what names of the configuration, host names and addresses with a port have.
    private static let marks = Array("._:/@%+*?=-[]".utf8)

    /// Whether no shell takes a name for anything but a word, nor a command for an option.
    static func isHarmless(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("-")
            && name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || marks.contains($0)
            }
    }

    /// - Parameter shell: `nil`: one that takes words as they are.
    static func offered(_ name: String, to shell: CompletionShell?) -> String {
        guard shell == .zsh else { return name }
        // After a colon zsh's _describe has the description of a word.
        return name.reduce(into: "") { text, character in
            if character == "\\" || character == ":" { text.append("\\") }
            text.append(character)
        }
    }
}
