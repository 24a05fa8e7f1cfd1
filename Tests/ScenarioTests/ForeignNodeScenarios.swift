import Foundation
import Testing

@Suite("Commands for a node that is another than is thought")
struct ForeignNodeScenarios {
    private func run(
        _ arguments: [String], _ environment: String...
    ) throws -> (output: String, error: String, status: Int32) {
        try Program.run(
            "env",
            ["-u", "MERIDIAN_ADMIN", "-u", "MERIDIAN_TOKEN_FILE"] + environment + [Program.binary.path] + arguments)
    }

    private func secret() throws -> (path: String, text: String) {
        let path = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)").path
        try "mrd_secret\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return (path, "mrd_secret")
    }

    @Test(
        "an answer of another version, or of another program, is told as that, and is never passed on as if it were whole",
        arguments: [
            ("status", "{}"), ("status", "<html>"), ("status --json", "{\"generation\":1,"), ("status --json", ""),
            ("top --once", "{\"generation\":1}"), ("window list", "{}"), ("window list --json", "[{]"),
            ("enable region eu", ""),
        ])
    func otherVersion(command: String, body: String) throws {
        let paths = ["/v1/status", "/v1/windows", "/v1/overrides/region"]
        let node = try ForeignNode(Dictionary(uniqueKeysWithValues: paths.map { ($0, (200, body)) }))
        let result = try run(
            command.split(separator: " ").map(String.init) + ["--admin", "http://127.0.0.1:\(node.port)"])
        #expect(result.status == 2 && result.output.isEmpty, "\(result)")
        #expect(result.error.hasPrefix("the answer cannot be read: "), "\(result)")
        #expect(result.error.contains("another version of Meridian") && result.error.split(separator: "\n").count == 1)
    }

    @Test("a name is never a command of the shell that completes it")
    func names() throws {
        let mark = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)").path
        let names = [
            "eu", "e$(touch${IFS}\(mark))", "e`touch \(mark)`", "e`>\(mark)`", "e'u", "e\"u", "e\\u", "e$HOME",
            "e{a,b}",
            "-e", "e;u", "e&u", "e u", "eü", "e<(>\(mark))",
        ]
        let items = try JSONSerialization.data(withJSONObject: ["items": names.map { ["name": $0] }])
        let node = try ForeignNode(["/v1/regions": (200, String(decoding: items, as: UTF8.self))])
        let script = """
            . <("$0" completions bash)
            COMP_LINE="meridian drain --admin $1 region e" COMP_POINT=${#COMP_LINE}
            COMP_WORDS=("$0" drain --admin "$1" region e) COMP_CWORD=5
            _meridian_whole_words "$0" e region
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        try wait(for: "the one name that is none of a shell's words") {
            let result = try Program.run(
                "timeout",
                ["-s", "KILL", "120", "bash", "-c", script, Program.binary.path, "http://127.0.0.1:\(node.port)"])
            #expect(["eu\n", "\n"].contains(result.output) && result.error.isEmpty, "\(result)")
            return result.output == "eu\n"
        }
        #expect(node.requests.contains("/v1/regions"))
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test("lists of names are asked for at once, and one that does not come keeps back no other", arguments: [4, 0])
    func lists(together: Int) throws {
        func list(_ name: String) -> (Int, String) { (200, #"{"items":[{"name":"\#(name)"}]}"#) }
        var answers = [
            "/v1/regions": list("a-region"), "/v1/pools": list("a-pool"), "/v1/wide-ips": list("a-wide-ip"),
            "/v1/virtual-servers": list("a-server"),
        ]
        var names: Set<Substring> = ["a-region", "a-pool", "a-wide-ip", "a-server"]
        if together > 0 {
            // None is answered before all are asked for.
            answers["together"] = (together, "")
        } else {
            answers["/v1/regions"] = (0, "")
            names.remove("a-region")
        }
        let node = try ForeignNode(answers)
        let line = ["meridian", "events", "--admin", "http://127.0.0.1:\(node.port)", "--name", "a"]
        // Not all that comes in time on a machine with nothing else to do comes in time on this one.
        try wait(for: "the names") {
            let result = try run(["---completion", "events", "--", "--name", "5", "1"] + line, "SAP_SHELL=bash")
            #expect(result.status == 0 && result.error.isEmpty, "\(result)")
            return Set(result.output.split(separator: "\n")) == names
        }
    }

    @Test("zsh takes the colons of a name for no description")
    func descriptions() throws {
        let node = try ForeignNode(["/v1/members": (200, #"{"items":[{"name":"app/192.0.2.1:80"}]}"#)])
        func offers(_ shell: String) throws -> [Substring] {
            let line = ["meridian", "drain", "--admin", "http://127.0.0.1:\(node.port)", "member", "a"]
            return try run(
                ["---completion", "drain", "--", "positional@1", "5", "1"] + line, "SAP_SHELL=\(shell)"
            ).output.split(separator: "\n")
        }
        try wait(for: "bash's") { try offers("bash") == ["app/192.0.2.1:80"] }
        try wait(for: "zsh's") { try offers("zsh").first == #"app/192.0.2.1\:80"# }
    }

    @Test("what it says does nothing to a terminal, and programs get it as it is")
    func text() throws {
        let escape = #"\u001b]52;c;aGk=\u0007 \u202e\u009b31m"# + "\u{9b}32m \u{2066}x\u{7f}"
        let entry =
            #"{"number":1,"time":0,"author":"a\#(escape)","origin":"o","action":"drain","detail":"d\r\n","reason":"\\u001b"}"#
        let node = try ForeignNode([
            "/v1/audit": (200, "[\(entry)]"), "/v1/status": (403, #"{"detail":"no\#(escape)"}"#),
        ])
        let admin = ["--admin", "http://127.0.0.1:\(node.port)"]
        func isSafe(_ text: String) -> Bool {
            text.unicodeScalars.allSatisfy {
                switch $0.value {
                case 10: true
                case 0..<0x20, 0x7f..<0xa0, 0x202a...0x202e, 0x2066...0x2069: false
                default: true
                }
            }
        }
        let shown = try run(["audit"] + admin)
        #expect(shown.status == 0 && isSafe(shown.output), "\(shown)")
        #expect(shown.output.contains(#"a?]52;c;aGk=? ??31m?32m ?x?  (o)  drain  d??  \u001b"#), "\(shown)")
        #expect(shown.output.split(separator: "\n").count == 1, "no line can be forged")
        let whole = try run(["audit", "--json"] + admin)
        #expect(whole.status == 0 && isSafe(whole.output), "\(whole)")
        let said = try JSONSerialization.jsonObject(with: Data(whole.output.utf8)) as? [[String: Any]]
        #expect(
            said?.first?["author"] as? String == "a\u{1b}]52;c;aGk=\u{7} \u{202e}\u{9b}31m\u{9b}32m \u{2066}x\u{7f}")
        let refused = try run(["status"] + admin)
        #expect(refused.status == 1 && refused.error.contains("no?]52"), "\(refused)")
        #expect(isSafe(refused.error))
    }

    @Test("a certificate for the address that a host name leads to is not for the name, nor is a common name")
    func identity() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("address", subject: "/CN=localhost", host: "elsewhere.test,IP:127.0.0.1")
        try authority.issue("other", subject: "/CN=localhost", host: "*.test,DNS:*")
        let token = try secret()
        for name in ["address", "other"] {
            let node = try ForeignNode(
                [:], certificate: [authority.path("\(name).pem"), authority.path("\(name).key")])
            let result = try run([
                "status", "--admin", "https://localhost:\(node.port)", "--ca", authority.path("ca.pem"), "--token-file",
                token.path,
            ])
            #expect(result.status == 2, "\(result)")
            #expect(result.error.contains("certificate is not for localhost"), "\(result)")
            #expect(node.requests.isEmpty, "nothing was sent: \(node.requests)")
        }
    }

    @Test("the environment's token goes to the environment's node, and to no other")
    func token() throws {
        let (own, other) = (try ForeignNode([:]), try ForeignNode([:]))
        let token = try secret()
        let (ownAddress, otherAddress) = ("http://127.0.0.1:\(own.port)", "http://127.0.0.1:\(other.port)")
        let environment = ["MERIDIAN_ADMIN=\(ownAddress)", "MERIDIAN_TOKEN_FILE=\(token.path)"]
        func requests(_ node: ForeignNode, _ arguments: String...) throws -> Substring? {
            _ = try run(["status"] + arguments, environment[0], environment[1])
            return node.requests.split(separator: "\n").last
        }
        #expect(try requests(own) == "/v1/status Bearer \(token.text)")
        #expect(try requests(own, "--admin", ownAddress + "/") == "/v1/status Bearer \(token.text)")
        #expect(try requests(other, "--admin", otherAddress) == "/v1/status -")
        #expect(
            try requests(other, "--admin", otherAddress, "--token-file", token.path)
                == "/v1/status Bearer \(token.text)")
    }

    @Test("who may not follow any more is told why, once, and the command ends", arguments: [401, 403])
    func withdrawnStream(status: Int) throws {
        let node = try ForeignNode([
            "/v1/events": (status, #"{"detail":"the token is not known","events":[],"cursor":0}"#)
        ])
        // The list is answered, the stream that follows it is not.
        try node.answer("/v1/events", for: "application/json", (200, #"{"events":[],"cursor":0}"#))
        let result = try Program.run(
            "timeout", ["-s", "KILL", "120", Program.binary.path, "log", "--admin", "http://127.0.0.1:\(node.port)"])
        #expect(result.status == 1 && result.error.contains("the token is not known"), "\(result)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result)")
    }

    @Test(
        "who is told to come later does so not before, says so once, and nothing of an end in good order",
        arguments: [429, 503])
    func politeness(status: Int) throws {
        let node = try ForeignNode([:])
        try node.answer("/v1/events", for: "application/json", (200, #"{"events":[],"cursor":0}"#))
        try node.answer("/v1/events", for: "text/event-stream", (status, "{}"), [("Retry-After", "3")])
        let log = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "sh", "-c", "exec timeout -s KILL 300 \"$0\" events --follow --admin \"$1\" 2>\"$2\"", Program.binary.path,
            "http://127.0.0.1:\(node.port)", log,
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.start()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        // One for the list, which comes first.
        func follows() -> [Double] { Array(node.times(of: "/v1/events").dropFirst()) }
        func said() -> [Substring] {
            ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n")
        }
        try wait(for: "the second try") { follows().count >= 2 }
        let times = follows()
        #expect(times[1] - times[0] >= 3)
        #expect(said() == ["-- the node answered with status \(status); trying again"])
        // Streams that end in good order, as they do every few minutes.
        let event = #"data: {"id":7,"time":0,"kind":"start","reason":"","author":""}"# + "\n\n"
        try node.answer("/v1/events", for: "text/event-stream", (200, event))
        let before = follows().count
        try wait(for: "streams") { follows().count >= before + 3 }
        #expect(node.requests.contains("since=7"), "it goes on where it was: \(node.requests)")
        try node.answer("/v1/events", for: "text/event-stream", (403, #"{"detail":"not any more"}"#))
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        let lines = said()
        #expect(lines.count == 3 && lines[1] == "-- connected again", "\(lines)")
        #expect(lines.last?.contains("not any more") ?? false, "\(lines)")
    }

    @Test("a token file that never ends does not hold up who is typing")
    func pipe() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)").path
        #expect(try Program.run("mkfifo", [path]).status == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let line = ["meridian", "drain", "--token-file", path, "--admin", "https://127.0.0.1:1", "region", "e"]
        let result = try Program.run(
            "env",
            ["SAP_SHELL=bash", "timeout", "-s", "KILL", "120", Program.binary.path]
                + ["---completion", "drain", "--", "positional@1", "7", "1"] + line)
        #expect(result.status == 0 && result.output.isEmpty && result.error.isEmpty, "\(result)")
    }
}
