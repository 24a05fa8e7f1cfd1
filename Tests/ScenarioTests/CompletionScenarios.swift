import Foundation
import Testing

/// Completions as bash asks for them, of names that the running node has.
@Suite("Completion of live names")
struct CompletionScenarios {
    /// What bash offers for a line after a tab at its end: what would stand in the place of the last of its words, which
    /// end at colons and equals signs too.
    private func offers(_ line: String, environment: [String] = []) throws -> (offers: [String], error: String) {
        let script = """
            . <("$0" completions bash)
            COMP_LINE=$1 COMP_POINT=${#1}
            shift
            COMP_WORDS=("$0" "$@") COMP_CWORD=$#
            # What readline hands on of a separator is nothing.
            cur=${COMP_WORDS[COMP_CWORD]}
            case $cur in :|=) cur= ;; esac
            _meridian_whole_words "$0" "$cur" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        var words = [""]
        for character in line {
            switch character {
            case " ": words.append("")
            case ":", "=":
                words += words.last == "" ? [] : [""]; words[words.count - 1] = "\(character)"; words.append("")
            default: words[words.count - 1].append(character)
            }
        }
        // A separator at the end is the word at the cursor.
        if words.last == "", line.last != " " { words.removeLast() }
        let result = try Program.run(
            "env",
            ["-u", "MERIDIAN_ADMIN"] + environment
                + ["timeout", "20", "bash", "-c", script, Program.binary.path, "meridian " + line] + words)
        return (result.output.split(separator: "\n").map(String.init).sorted(), result.error)
    }

    @Test("names are those of the node, of the kind that is meant")
    func names() throws {
        let site = try CommandSite()
        let cases: [(String, [String])] = [
            ("drain ", ["member", "pool", "region", "virtual-server", "wide-ip"]), ("drain region ", ["eu", "us"]),
            ("drain region u", ["us"]), ("drain pool e", ["eu"]), ("enable wide-ip ", ["api.example.com"]),
            ("drain virtual-server us", ["us-1"]), ("cutover eu u", ["us"]), ("cutover --pool e", ["eu"]),
            ("status --wide-ip a", ["api.example.com"]), ("status --upstream ", ["app"]),
            ("shift start --from u", ["us"]),
            ("explain api", ["api.example.com"]), ("window add x --pool u", ["us"]), ("resume eu", ["eu-1"]),
            ("sla ", ["api.example.com", "eu", "us"]), ("drain region x", []), ("window cancel ", []),
        ]
        for (line, expected) in cases {
            let (offers, error) = try offers(line, environment: ["MERIDIAN_ADMIN=\(site.socket)"])
            #expect(
                offers.filter { !$0.hasPrefix("-") && $0 != "help" } == expected && error.isEmpty, "\(line): \(error)")
        }
    }

    @Test("the node is the one that the line names, and names with colons go on after them")
    func members() throws {
        let site = try CommandSite()
        let line = "drain --socket \(site.socket) member "
        #expect(try offers(line).offers.contains("app/127.0.0.1:\(site.ports[2])"))
        #expect(try offers(line + "ap").offers == ["app/127.0.0.1:\(site.ports[2])"])
        #expect(try offers(line + "app/127.0.0.1:").offers == ["\(site.ports[2])"])
        let early = String("\(site.ports[2])".prefix(2))
        #expect(try offers(line + "app/127.0.0.1:\(early)").offers == ["\(site.ports[2])"])
        #expect(try offers("drain region -c \(site.program.configuration.path) e").offers == ["eu"])
    }

    @Test("where the node is away or is not understood, nothing is offered and nothing said")
    func silence() throws {
        let silent = try SilentServer()
        for node in [
            "--socket /tmp/meridian-none.sock", "--admin nonsense", "--admin https://127.0.0.1:\(silent.port)",
            "-c /nowhere.yaml", "--admin https://127.0.0.1:\(silent.port) --token-file /nowhere", "",
        ] {
            let (offers, error) = try offers("drain \(node) region e")
            #expect(offers.isEmpty && error.isEmpty, "\(node): \(offers) \(error)")
        }
    }
}
