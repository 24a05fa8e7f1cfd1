import Testing
import TrafficModel

@Suite("Patterns of names")
struct GlobTests {
    @Test(
        "match",
        arguments: [
            ("eu", "eu", true), ("eu", "eu1", false), ("eu*", "eu", true), ("eu*", "eu-west-1", true),
            ("*", "", true), ("*", "anything", true), ("?", "", false), ("?", "a", true), ("eu-?", "eu-12", false),
            ("*-1", "eu-1-1", true), ("*-1", "eu-12", false), ("a*b*c", "aXbYbZc", true), ("a*b*c", "acb", false),
            ("web/10.0.*:80", "web/10.0.1.2:80", true), ("web/10.0.*:80", "web/10.0.1.2:8080", false),
            ("**a", "ba", true), ("a?*", "a", false), ("a?*", "ab", true), ("*.example.com", "api.example.com", true),
        ])
    func matches(pattern: String, name: String, expected: Bool) { #expect(Glob(pattern).matches(name) == expected) }

    /// By trying all that each star could stand for.
    private func brute(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" { return (0...name.count).contains { brute(rest, name.dropFirst($0)) } }
        guard let character = name.first, first == "?" || first == character else { return false }
        return brute(rest, name.dropFirst())
    }

    @Test("as an exhaustive search does, for random patterns and names")
    func random() {
        for _ in 0..<20_000 {
            let pattern = String((0..<Int.random(in: 0...6)).map { _ in "ab*?".randomElement() ?? "a" })
            let name = String((0..<Int.random(in: 0...7)).map { _ in "ab".randomElement() ?? "a" })
            #expect(Glob(pattern).matches(name) == brute(pattern[...], name[...]), "\(pattern) \(name)")
        }
    }

    @Test("many stars take no more than a moment")
    func hostile() {
        let pattern = String(repeating: "*a", count: 150)
        #expect(!Glob(pattern + "b").matches(String(repeating: "a", count: 300)))
    }
}
