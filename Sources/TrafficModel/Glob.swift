/// A name, or a pattern of names: `*` stands for any text, also none, and `?` for one character.
package struct Glob: Sendable, Hashable {
    package let text: String
    /// Whether it stands for other names than its own text.
    package let isPattern: Bool

    package init(_ text: String) {
        self.text = text
        isPattern = text.utf8.contains { $0 == Self.any || $0 == Self.one }
    }

    private static let any = UInt8(ascii: "*")
    private static let one = UInt8(ascii: "?")

    /// How much of a name it says: characters that are not wildcards.
    package var literalCount: Int { text.utf8.count { $0 != Self.any && $0 != Self.one } }

    package func matches(_ name: String) -> Bool {
        guard isPattern else { return name == text }
        return matches(Array(name.utf8))
    }

    /// Names are ASCII. One place to go back to is enough: a later `*` can stand for all that an earlier one could.
    private func matches(_ name: [UInt8]) -> Bool {
        let pattern = Array(text.utf8)
        var (position, place) = (0, 0)
        var back: (position: Int, place: Int)?
        while place < name.count {
            if position < pattern.count, pattern[position] == Self.any {
                back = (position + 1, place)
                position += 1
            } else if position < pattern.count, pattern[position] == Self.one || pattern[position] == name[place] {
                position += 1
                place += 1
            } else if let last = back {
                back = (last.position, last.place + 1)
                (position, place) = (last.position, last.place + 1)
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == Self.any }
    }
}
