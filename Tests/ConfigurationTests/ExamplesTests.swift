import Testing

@testable import ConfigurationLoading

/// The repository's folder, from this file's place in it.
let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

let examples = ["classic-wip", "nginx-style-vip", "multi-region-saas"]

@Test("every example loads without a complaint", arguments: examples)
func exampleLoads(name: String) {
    let result = ConfigurationLoader.load(path: "\(root)/examples/\(name).yaml")
    #expect(result.diagnostics.map(\.description) == [])
    #expect(result.intent != nil)
}
