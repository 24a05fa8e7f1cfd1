import TestSupport
import Testing
import TrafficModel

@testable import ConfigurationLoading

func bytes(ofExample name: String) throws -> [UInt8] {
    try TextFile.read("\(root)/examples/\(name).yaml", limit: 1 << 20)
}

/// Either something to run or a reason why not; never neither, never both.
private func expectVerdict(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
    let result = ConfigurationLoader.load(bytes: bytes, name: "f", readsFiles: false)
    let errors = result.diagnostics.contains { $0.severity == .error }
    #expect((result.intent == nil) == errors, "\(what())")
    #expect(result.diagnostics.allSatisfy { $0.line >= 0 && $0.column >= 0 && !$0.message.contains("\n") })
}

@Test(
    "the classic example cut at any byte, and the others at many, is a configuration or has an error",
    arguments: examples)
func truncation(name: String) throws {
    let whole = try bytes(ofExample: name)
    // Comments at the beginning cut alike.
    let start = whole.indices.first { index in
        whole[index] == UInt8(ascii: "\n") && index + 1 < whole.count
            && whole[index + 1] != UInt8(ascii: "#")
    }
    for count in stride(from: start ?? 0, to: whole.count, by: name == "classic-wip" ? 1 : 5) {
        expectVerdict(Array(whole[..<count]), "cut to \(count) bytes")
    }
}

@Test("random edits of an example never crash, and give a configuration or an error", arguments: examples)
func mutation(name: String) throws {
    let whole = try bytes(ofExample: name)
    var random = SplitMix64(seed: 0x5eed)
    let pieces = [
        "{", "}", "[", "]", ":", ": ", ",", "- ", "*health", "&a ", "\"", "'", "\n", "\t", "  ", "#", "0", "-1", "~",
        "|", "? ", "é", "\0", "!!int ", "---\n", "<<: ",
    ]
    for round in 0..<150 {
        var text = whole
        for _ in 0...Int.random(in: 0..<4, using: &random) {
            let place = Int.random(in: 0..<text.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: text[place] = UInt8.random(in: 0...255, using: &random)
            case 1: text.remove(at: place)
            case 2:
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                text.insert(contentsOf: Array(piece.utf8), at: place)
            case 3:
                let end = min(text.count, place + Int.random(in: 1..<40, using: &random))
                text.removeSubrange(place..<end)
            default:
                let end = min(text.count, place + Int.random(in: 1..<40, using: &random))
                text.insert(contentsOf: text[place..<end], at: Int.random(in: 0..<text.count, using: &random))
            }
            if text.isEmpty { text = whole }
        }
        expectVerdict(text, "round \(round)")
    }
}

@Test("random trees of known keys never crash")
func randomTrees() {
    let words =
        ConfigurationModel.model.keys + [
            "listen", "tor", "host", "tcp", "http", "members", "pools", "topology", "records", "ns", "soa", "routes",
            "all_down", "pool", "external", "answer", "tls", "certificates", "eu", "0", "5s", "10%", "NO", "~", "\"\"",
            "*",
        ]
    var random = SplitMix64(seed: 7)
    func node(_ depth: Int) -> String {
        func word() -> String { words[Int.random(in: 0..<words.count, using: &random)] }
        switch Int.random(in: 0..<(depth > 4 ? 1 : 4), using: &random) {
        case 0: return word() == "*" ? "x" : word().replacing("*", with: "x")
        case 1: return "[" + (0..<3).map { _ in node(depth + 1) }.joined(separator: ", ") + "]"
        default:
            return "{"
                + (0..<3).map { _ in "\(word().replacing("*", with: "x")): \(node(depth + 1))" }.joined(separator: ", ")
                + "}"
        }
    }
    for round in 0..<60 {
        let text = ConfigurationModel.model.keys.map { "\($0): \(node(0))" }.joined(separator: "\n")
        expectVerdict(Array(text.utf8), "round \(round)")
    }
}

@Test("nested aliases unfold to a bounded number of values")
func nestedAliases() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
        text +=
            "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    let said = messages(text)
    #expect(said.count == 1)
    #expect(said.first?.contains("unfolds to more than 200000 values") == true)
    // As a key they would be hashed.
    #expect(
        messages(text + "? *a9\n: x\n") == [
            "f:11:1: a key is a list, a mapping or an alias; write each key as plain text"
        ])
    #expect(messages(text + "{ *a9 : x }\n").first?.contains("a key is") == true)
}

@Test("a file unfolds to a limit of values and no value more; a large file may have more")
func valueCount() {
    // The document is a value, and so are the lists.
    func unfolds(_ values: Int, padding: Int = 0) -> Bool {
        let anchor = "a: &a [" + Array(repeating: "x", count: 999).joined(separator: ",") + "]\n"
        let lists = (values - 1002) / 1000
        let rest = values - 1002 - 1000 * lists
        let items = Array(repeating: "*a", count: lists) + Array(repeating: "x", count: rest)
        let text = anchor + "b: [" + items.joined(separator: ",") + "]\n" + String(repeating: "#\n", count: padding / 2)
        return !messages(text).contains { $0.contains("unfolds to more than") }
    }
    #expect(unfolds(YAMLReader.valueLimit))
    #expect(!unfolds(YAMLReader.valueLimit + 1))
    #expect(unfolds(YAMLReader.valueLimit + 1, padding: YAMLReader.bytesPerValue * (YAMLReader.valueLimit + 1)))
}

@Test("an alias stands for its value wherever one may stand")
func aliases() {
    let text = """
        dns: { listen: &here ["127.0.0.1:53"] }
        zones: { example.net: { ns: &ns [a.example.org] }, example.com: { ns: *ns } }
        """
    let result = ConfigurationLoader.load(text: text, name: "f")
    #expect(result.diagnostics.isEmpty)
    #expect(result.intent?.zones.count == 2)
}

@Test("text in quotes is no key, however many aliases a file has")
func quotedBrackets() {
    let hosts = (1...20).map { "\"*.h\($0)\": { TXT: 'a ]: b' }" }.joined(separator: ", ")
    let text = """
        dns: { listen: ["[::1]:53", "127.0.0.1:53"] }
        zones: { example.net: { ns: &ns [a.example.org], records: { \(hosts) } }, example.com: { ns: *ns } }
        """
    #expect(messages(text) == [])
}

@Test("a file may have 32 MiB and no byte more")
func fileSize() {
    let line = Array("# a comment to fill the file with, as long as one line may well be\n".utf8)
    let head = Array("dns: { listen: [\"127.0.0.1:53\"] }\nzones: { example.net: { ns: [a.example.org] } }\n".utf8)
    var text = head
    while text.count + line.count <= YAMLReader.byteLimit { text += line }
    text += Array(repeating: UInt8(ascii: "\n"), count: YAMLReader.byteLimit - text.count)
    let fits = ConfigurationLoader.load(bytes: text, name: "f", readsFiles: false)
    #expect(fits.intent != nil && fits.diagnostics.isEmpty)
    let tooLong = ConfigurationLoader.load(bytes: text + [10], name: "f", readsFiles: false)
    #expect(
        tooLong.diagnostics.map(\.description)
            == [
                "f:1:1: the file has 33554433 bytes, more than the 33554432 that are read; split long lists of records into zone files"
            ])
}

@Test("bytes that are not UTF-8 are told with their place")
func encoding() {
    let text = Array("dns:\n  # caf".utf8) + [0xe9, 0x0a]
    let said = ConfigurationLoader.load(bytes: text, name: "f").diagnostics.map(\.description)
    #expect(said == ["f:2:8: the file is not UTF-8 text here; save it with the encoding UTF-8"])
    let wide = ConfigurationLoader.load(bytes: [0xff, 0xfe, 0x64, 0], name: "f").diagnostics.map(\.description)
    #expect(wide == ["f:1:1: the file is not UTF-8 text here; save it with the encoding UTF-8"])
}

@Test("duplicate keys are told one by one, up to a limit")
func duplicates() {
    let few = (1...3).map { "a\($0): 1\na\($0): 2\n" }.joined()
    #expect(messages(few).filter { $0.contains("given twice") }.count == 3)
    let many = (1...30).map { "a\($0): 1\na\($0): 2\n" }.joined()
    #expect(messages(many).last?.contains("given twice") == true)
}

@Test("a file with nothing but mistakes gives a bounded number of diagnostics")
func diagnosticLimit() {
    let text = (0..<1000).map { "k\($0): 1\n" }.joined()
    let said = messages(text)
    #expect(said.count == DecodingContext.diagnosticLimit + 1)
    #expect(said.last == "f: 800 more errors are not shown; mend these first")
}

@Test("scalars are text until the model reads them: the country NO, the version 1.2, the name 007")
func plainScalars() throws {
    let text = """
        dns: { listen: ["127.0.0.1:53"] }
        geography: [{ tor: { v4: x } }]
        regions: { 007: { host: a.example.net } }
        virtual_servers: { on: { address: 192.0.2.1:443, region: 007 } }
        pools: { no: { virtual_servers: [on] } }
        wide_ips: { www.example.net: { pools: [no], topology: [{ countries: [NO, YE], pools: [no] }] } }
        zones: { example.net: { ns: [a.example.org] } }
        """
    let result = ConfigurationLoader.load(bytes: Array(text.utf8), name: "f", readsFiles: false)
    #expect(result.diagnostics.isEmpty)
    let intent = try #require(result.intent)
    #expect(intent.wideIPs[0].topology[0].sources == [.country("NO"), .country("YE")])
    #expect(intent.regions[0].name == "007")
}
