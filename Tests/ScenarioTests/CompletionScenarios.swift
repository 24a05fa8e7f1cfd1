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
                + ["timeout", "-s", "KILL", "120", "bash", "-c", script, Program.binary.path, "meridian " + line]
                + words)
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
            // Names that do not come within the time that a person has are left out, which a busy machine makes of many.
            try wait(for: "\(expected) after \(line)") {
                let (offers, error) = try offers(line, environment: ["MERIDIAN_ADMIN=\(site.socket)"])
                #expect(error.isEmpty, "\(line): \(error)")
                return offers.filter { !$0.hasPrefix("-") && $0 != "help" } == expected
            }
        }
    }

    @Test("the node is the one that the line names, and names with colons go on after them")
    func members() throws {
        let site = try CommandSite()
        let line = "drain --socket \(site.socket) member "
        func offered(_ line: String, _ expected: String) throws {
            try wait(for: "\(expected) after \(line)") { try offers(line).offers == [expected] }
        }
        let port = "\(site.ports[2])"
        try wait(for: "the member") { try offers(line).offers.contains("app/127.0.0.1:\(port)") }
        try offered(line + "ap", "app/127.0.0.1:\(port)")
        try offered(line + "app/127.0.0.1:", port)
        try offered(line + "app/127.0.0.1:\(port.prefix(2))", port)
        try offered("drain region -c \(site.program.configuration.path) e", "eu")
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
