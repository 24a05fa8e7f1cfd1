import Testing

@testable import ConfigurationLoading

/// What of a document a finding is about, as a JSON Pointer.
@Suite("Paths of findings")
struct KeyPathTests {
    @Test(
        "a finding names the value, the key, or the mapping that it is about",
        arguments: [
            // A value, in flow and in block style.
            ("pools: { eu: { region: mars, virtual_servers: [] } }", #"there is no region "mars""#, "/pools/eu/region"),
            ("pools:\n  eu:\n    region: mars\n", #"there is no region "mars""#, "/pools/eu/region"),
            // An element of a list.
            (
                "dns:\n  listen:\n    - \"127.0.0.1:53\"\n    - \"1.2.3.4\"\n", "is not an address and a port",
                "/dns/listen/1"
            ),
            ("dns:\n  listen:\n    - \"1.2.3.4\"\n", "is not an address and a port", "/dns/listen/0"),
            // A key: the first of its mapping, where the mapping begins too, and a later one.
            ("regions:\n  eu:\n    locaton: 3\n", #"no key "locaton""#, "/regions/eu/locaton"),
            (
                "regions:\n  eu:\n    host: eu.example.net\n    locaton: 3\n", #"no key "locaton""#,
                "/regions/eu/locaton"
            ),
            ("locaton: 3\n", #"no key "locaton""#, "/locaton"),
            // A mapping that lacks something.
            ("virtual_servers:\n  a:\n    region: eu\n", #"lacks the key "address""#, "/virtual_servers/a"),
            // What a JSON Pointer has to escape.
            ("regions:\n  \"a/b~c\":\n    locaton: 3\n", #"no key "locaton""#, "/regions/a~1b~0c/locaton"),
        ])
    func paths(text: String, part: String, path: String) throws {
        let diagnostics = ConfigurationLoader.load(text: text, name: "a.yaml").diagnostics
        let found = try #require(diagnostics.first { $0.message.contains(part) }, "\(diagnostics)")
        #expect(found.path == path, "\(found)")
    }

    @Test("what is about the file as a whole has no path")
    func whole() {
        for text in ["", "a: [", "\u{0}"] {
            let diagnostics = ConfigurationLoader.load(text: text, name: "a.yaml").diagnostics
            #expect(!diagnostics.isEmpty && diagnostics.allSatisfy { $0.path == nil }, "\(diagnostics)")
        }
    }
}
