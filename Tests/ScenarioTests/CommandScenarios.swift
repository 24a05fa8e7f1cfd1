import Foundation
import Testing

/// A node with a steered name, VIPs on two addresses and members, and its admin socket.
final class CommandSite {
    let dnsPort: Int
    let ports: [Int]
    let socket: String
    let yaml: String
    let program: Program

    init(more: String = "", members: String = "") throws {
        dnsPort = try freePort()
        ports = try (0..<3).map { _ in try freePort() }
        socket = "/tmp/meridian-\(dnsPort).sock"
        yaml = """
            dns: { listen: ["127.0.0.1:\(dnsPort)"] }
            regions:
              eu: { host: eu.lb.example.net }
              us: { host: us.lb.example.net }
            virtual_servers:
              eu-1: { address: "127.0.0.1:\(ports[0])", region: eu }
              us-1: { address: "127.0.0.2:\(ports[1])", region: us }
            pools:
              eu: { region: eu, virtual_servers: [eu-1], ttl: 1s }
              us: { region: us, virtual_servers: [us-1], ttl: 1s }
            wide_ips:
              api.example.com: { pools: [eu, us], method: global-availability, ttl: 1s }
            zones:
              example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
              example.net: { ns: [ns1.example.com] }
            upstreams:
              app: { members: ["127.0.0.1:\(ports[2])"\(members)] }
            listeners:
              eu: { address: "127.0.0.1:\(ports[0])", routes: [{ upstream: app }] }
              us: { address: "127.0.0.2:\(ports[1])", routes: [{ respond: { body: us } }] }
              own: { address: "127.0.0.1:\(ports[2])", routes: [{ respond: { body: member } }] }
            proxy: { access_log: "off", via: "off" }
            admin: { socket: \(socket) }
            \(more)
            """
        program = try Program(yaml)
    }

    func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
        try Program.run(Program.binary.path, arguments + ["--socket", socket])
    }

    func answer() throws -> String { try Program.dig(dnsPort, "api.example.com", "+short") }

    /// Runs a shell's line on a terminal of its own, `input` typed into it; there `seen TEXT [TIMES]` waits until the
    /// screen has shown a text. The terminal's other end stays open until the line has ended: `script` whose input ends
    /// may leave before it has passed on all that was said.
    func onTerminal(
        _ line: String, typing input: String = "true", environment: String = "TERM=xterm"
    ) throws -> (
        output: String, status: Int32
    ) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "terminal-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Who starts the tests in the background has them ignore what a terminal's keys send.
        let script = """
            await() { n=0; until "$@" || [ $n -ge 300 ]; do sleep 0.1; n=$((n+1)); done; }
            shown() { [ $(grep -aoF "$1" screen | wc -l) -ge ${2:-1} ]; }
            seen() { await shown "$@"; }
            cd \(folder.path); : > screen
            { \(input); await [ -e over ]; } |
              { env --default-signal=INT,QUIT -u NO_COLOR \(environment) script -qefc '\(line)' screen; code=$?; : > over; exit $code; }
            """
        let result = try Program.run("sh", ["-c", script])
        return (result.output + result.error, result.status)
    }
}

@Suite("Commands")
struct CommandScenarios {
    @Test("commands end with the codes that docs/cli.md lists")
    func exitCodes() throws {
        let site = try CommandSite()
        #expect(try site.call("status").status == 0)
        #expect(try site.call("drain", "region", "mars").status == 1)
        let unreachable = try Program.run(Program.binary.path, ["status", "--socket", "/tmp/meridian-none.sock"])
        #expect(unreachable.status == 2 && unreachable.error.contains("is `meridian run` serving"), "\(unreachable)")
        let nameless = try Program.run("env", ["-u", "MERIDIAN_ADMIN", Program.binary.path, "status"])
        #expect(nameless.status == 64 && nameless.error.hasPrefix("name the node: "), "\(nameless)")
        #expect(nameless.error.split(separator: "\n").count == 1, "\(nameless)")
        #expect(try site.call("statuss").status == 64)
        #expect(try site.call("drain", "region", "eu", "--timeout", "soon").status == 64)
        for (line, first, second) in [
            (["status", "--socket", "/tmp/other.sock"], "/tmp/other.sock", site.socket),
            (["status", "-c", "a.yaml", "--config=b.yaml"], "a.yaml", "b.yaml"),
            (["window", "add", "w", "--region", "eu", "--from", "14:00", "--for", "1h", "--for=2h"], "1h", "2h"),
        ] {
            let twice = try Program.run(Program.binary.path, line + ["--socket", site.socket])
            #expect(twice.status == 64 && twice.error.contains("given twice, as \(first) and \(second)"), "\(twice)")
            #expect(twice.error.split(separator: "\n").count == 1, "\(twice)")
        }
        let page = "http://127.0.0.1:\(site.ports[0])/"
        let fields = try site.call("explain", page, "-H", "a: 1", "-H", "b: 2", "--client", "192.0.2.7")
        #expect(fields.status == 0, "what may come more than once may: \(fields)")
    }

    @Test("status shows a part of it, as text and as JSON")
    func filters() throws {
        let site = try CommandSite()
        let eu = try site.call("status", "--region", "e*").output
        #expect(eu.contains("pool eu") && eu.contains("VIP eu-1") && !eu.contains("us-1"), "\(eu)")
        #expect(eu.contains("WIP api.example.com") && eu.contains("region eu"), "\(eu)")
        #expect(eu.contains("upstream app") && !eu.contains("listener us"), "what is behind its listeners: \(eu)")
        #expect(try !site.call("status", "--region", "us").output.contains("upstream app"))
        let app = try site.call("status", "--upstream", "app").output
        #expect(app.contains("upstream app") && !app.contains("WIP "), "\(app)")
        #expect(try site.call("status", "--problems").output == "all is well, and nothing is taken out\n")
        _ = try site.call("disable", "virtual-server", "eu-1")
        let problems = try site.call("status", "--problems").output
        #expect(problems.contains("VIP eu-1") && !problems.contains("us-1"), "\(problems)")
        let json = try site.call("status", "--pool", "us", "--json").output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect((object["pools"] as? [[String: Any]])?.map { $0["name"] as? String } == ["us"])
        #expect((object["virtualServers"] as? [[String: Any]])?.count == 1)
    }

    @Test("of ten thousand members those are shown that are not well")
    func manyMembers() throws {
        let more = (0..<10_000).map { ", \"127.1.\($0 / 250).\($0 % 250 + 1):80\"" }.joined()
        let site = try CommandSite(members: more)
        for member in ["127.1.3.7", "127.1.39.250"] {
            #expect(try site.call("disable", "member", "app/\(member):80").status == 0)
        }
        let text = try site.call("status").output
        #expect(text.contains("10001 members: 9999 well, 2 not (--all shows all)"), "\(text)")
        #expect(text.contains("  127.1.3.7:80  disabled") && text.contains("  127.1.39.250:80  disabled"))
        #expect(text.split(separator: "\n").count < 40, "\(text)")
        #expect(try site.call("status", "--all").output.split(separator: "\n").count > 10_000)
        let top = try site.call("top", "--once", "--table", "members", "--rows", "5").output
        #expect(top.split(separator: "\n").count == 7, "\(top)")
    }

    @Test("colours are for terminals whose owner does not say no")
    func colours() throws {
        let site = try CommandSite()
        let green = "\u{1b}[32mavailable"
        let command = "\(Program.binary.path) status --socket \(site.socket)"
        #expect(try !site.call("status").output.contains("\u{1b}"))
        #expect(try site.onTerminal(command).output.contains(green))
        for environment in ["TERM=xterm NO_COLOR=1", "TERM=dumb"] {
            let text = try site.onTerminal(command, environment: environment).output
            #expect(text.contains("available") && !text.contains("\u{1b}"), "\(text)")
        }
    }

    @Test("status is shown again and again")
    func watch() throws {
        let site = try CommandSite()
        let command = "\(Program.binary.path) status --watch --interval 1s --socket \(site.socket)"
        // It ends with its reader, even where SIGPIPE is ignored.
        let text = try Program.run(
            "sh", ["-c", "trap '' PIPE; \(command) | awk '{ print } /^-- / && ++n == 2 { exit }'"]
        ).output
        #expect(text.components(separatedBy: "\n-- ").count >= 2, "\(text)")
        let screen = try site.onTerminal(command, typing: "seen '[H' 2; printf '\\003'").output
        #expect(screen.components(separatedBy: "\u{1b}[H").count >= 3, "it is drawn over")
    }

    @Test(
        "top shows the rates, gives the terminal back however it ends, and says to the shell what ended it",
        arguments: zip(["q", "TERM", "INT", "HUP"], [0, 143, 130, 129]))
    func top(ending: String, status: Int) throws {
        let site = try CommandSite()
        let line =
            "stty -g > a; sh -c \"echo \\$\\$ > pid; exec \(Program.binary.path) top --socket \(site.socket)\"; "
            + "echo ended with $?; stty -g > b; cmp a b && echo as before"
        let screen = try site.onTerminal(
            line,
            typing: "seen ROUTES; "
                + (ending == "q" ? "printf s4; seen '[4 members]'; printf q" : "kill -\(ending) $(cat pid)")
        ).output
        #expect(screen.contains("\u{1b}[?1049h"), "\(screen)")
        let last = try #require(screen.components(separatedBy: "\u{1b}[?1049l").last)
        #expect(screen.contains("\u{1b}[?1049l") && last.contains("as before"), "\(screen.suffix(300))")
        #expect(last.contains("ended with \(status)"), "\(screen.suffix(300))")
        #expect(screen.contains("ROUTES") && (ending != "q" || screen.contains("[4 members]")))
    }

    @Test("top can be read and left on a screen as narrow as a phone's")
    func narrowTop() throws {
        let site = try CommandSite()
        let screen = try site.onTerminal(
            "stty cols 40 rows 24; \(Program.binary.path) top --table members --socket \(site.socket)",
            typing: "seen 'sort (NEW/S)'; printf ssss; seen 'sort (MS)'; printf q"
        ).output
        let frame = try #require(screen.components(separatedBy: "\u{1b}[H").last { $0.contains("sort (MS)") })
        let lines = frame.replacing(/\u{1b}\[[0-9;?]*[a-zA-Z]/, with: "").split(whereSeparator: \.isNewline)
        for part in ["requests", "open 0", "6 regions", "q leave"] {
            #expect(lines.contains { $0.contains(part) }, "\(part): \(lines)")
        }
        #expect(lines.contains { $0.contains(/^MEMBERS +STATE +MS$/) }, "\(lines)")
        #expect(lines.count <= 24)
        #expect(
            lines.filter { !$0.contains("127.0.0.1:") && !$0.hasPrefix("MEMBERS") }.allSatisfy { $0.count <= 40 },
            "\(lines)")
    }

    @Test("a window whose run is under way asks before it begins, and says that it does")
    func windowAtOnce() throws {
        let site = try CommandSite()
        let start = ISO8601DateFormatter().string(from: .now.addingTimeInterval(-60))
        let line =
            "\(Program.binary.path) window add w --region eu --from \(start) --for 1h --socket \(site.socket)"
        let asked = try site.onTerminal(line, typing: "seen '[y/N]'; echo n")
        #expect(asked.status == 4 && asked.output.contains("which began at"), "\(asked)")
        #expect(try site.call("window", "list").output.isEmpty)
        let begun = try site.call("window", "add", "w", "--region", "eu", "--from", start, "--for", "1h", "--yes")
        #expect(begun.output.hasPrefix("window w is under way for region eu until "), "\(begun)")
        let later = try site.call(
            "window", "add", "v", "--region", "eu", "--from",
            ISO8601DateFormatter().string(from: .now.addingTimeInterval(7200)), "--for", "1h")
        #expect(later.output == "window v is planned for region eu\n", "\(later)")
    }

    @Test(
        "output that cannot be written is an error",
        arguments: ["schema", "status --json --socket SOCKET", "top --once --socket SOCKET"])
    func fullDisk(command: String) throws {
        let site = try CommandSite()
        let words = command.replacingOccurrences(of: "SOCKET", with: site.socket)
        let result = try Program.run("sh", ["-c", "\(Program.binary.path) \(words) > /dev/full"])
        #expect(result.status == 1)
        #expect(result.error.contains("standard output cannot be written: No space left"), "\(result.error)")
    }

    @Test("top measures what is asked")
    func rates() throws {
        let site = try CommandSite()
        let load = try Load(site.ports[0], seconds: 20)
        let asker = Process()
        asker.executableURL = URL(filePath: "/bin/sh")
        asker.arguments = [
            "-c", "while :; do dig @127.0.0.1 -p \(site.dnsPort) api.example.com +short; done > /dev/null",
        ]
        try asker.start()
        let json = try site.call("top", "--json", "--interval", "2s").output
        asker.terminate()
        _ = try load.result()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let tables = try #require(object["tables"] as? [String: [[String: Any]]])
        let name = try #require(tables["names"]?.first)
        #expect(name["name"] as? String == "api.example.com")
        let asked = (name["figures"] as? [String: Double])?["answers/s"] ?? 0
        #expect(asked > 0, "\(json)")
        let pool = try #require(tables["pools"]?.first)
        #expect(pool["name"] as? String == "eu")
        let chosen = (pool["figures"] as? [String: Double])?["chosen/s"] ?? 0
        #expect(abs(chosen - asked) <= 1, "a query may come between the looks at the two: \(json)")
        let route = try #require(tables["routes"]?.first)
        #expect(
            route["name"] as? String == "eu/eu-1" || (route["name"] as? String)?.hasPrefix("own/") == true, "\(route)")
        #expect((route["figures"] as? [String: Double])?["req/s"] ?? 0 > 10, "\(json)")
        #expect((tables["members"]?.first?["figures"] as? [String: Double])?["new/s"] ?? 0 > 10)
    }

    @Test("events are listed and followed")
    func events() throws {
        let site = try CommandSite()
        let file = "/tmp/events-\(site.dnsPort)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", "exec \(Program.binary.path) log --subject region,pool --socket \(site.socket) > \(file) 2>&1",
        ]
        try process.start()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        // The follower's connection is there when its first event is.
        var turn = 0
        func text() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        try wait(for: "an event") {
            turn += 1
            _ = try site.call(turn % 2 == 1 ? "drain" : "enable", "region", "eu")
            return text().contains("override-set")
        }
        try wait(for: "what came of it") { text().contains("pool eu  available → draining") }
        #expect(!text().contains("virtual-server"))
        let list = try site.call("events", "--kind", "override-set", "--last", "1", "--json").output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any])
        #expect(object["kind"] as? String == "override-set")
        #expect(try site.call("events", "--kind", "nonsense").status == 64)
    }

    @Test("completions are what shells can read", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let script = try Program.run(Program.binary.path, ["completions", shell])
        #expect(script.status == 0 && script.output.contains("cutover") && script.output.contains("dry-run"))
        guard shell == "bash" else { return }
        let file = "/tmp/completions-\(UUID().uuidString)"
        try script.output.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(try Program.run("bash", ["-n", file]).status == 0)
    }
}

@Suite("Drains that are waited for")
struct DrainWaitScenarios {
    @Test("a drain is over when its last connection is, its clients are gone and old answers have been forgotten")
    func drain() throws {
        let site = try CommandSite()
        let client = try #require(RawClient(site.ports[0]))
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.receiveText(until: "member").hasPrefix("HTTP/1.1 200"))
        let early = try site.call("drain", "region", "eu", "--wait", "--timeout", "3s")
        #expect(early.status == 3, "\(early)")
        #expect(early.output.contains("region eu is draining\n"))
        #expect(early.output.contains("is not drained after 3s; it goes on draining"), "\(early)")
        #expect(early.error.contains("1 open on listener eu"), "\(early)")
        #expect(early.error.contains("A drain that does not end"), "\(early)")
        #expect(try site.answer() == "us.lb.example.net.\n", "it stays")

        let began = ContinuousClock.now
        let json = try site.call("drain", "region", "us", "--wait", "--timeout", "60s", "--json", "--force")
        #expect(json.status == 0, "\(json)")
        #expect(ContinuousClock.now - began >= .seconds(2), "resolvers may keep the name's answer and then the pool's")
        let lines = json.output.split(separator: "\n")
        #expect(lines.last?.contains(#""isDrained":true"#) == true, "\(json.output)")
        #expect(lines.first?.contains(#""isDrained":false"#) == true)
        withExtendedLifetime(client) {}
    }

    @Test("a member's drain counts its requests and who still comes")
    func member() throws {
        let site = try CommandSite(members: ", \"127.0.0.1:1\"")
        let load = try Load(site.ports[0], seconds: 20)
        let drained = try site.call(
            "drain", "member", "app/127.0.0.1:\(site.ports[2])", "--wait", "--timeout", "2s", "--json")
        _ = try load.result()
        // The other member refuses all, so that this one is asked in spite of its drain.
        #expect(drained.status == 3, "\(drained)")
        #expect(drained.output.contains(#""share":"#))
        let after = try site.call(
            "drain", "member", "app/127.0.0.1:\(site.ports[2])", "--wait", "--timeout", "60s")
        #expect(after.status == 0 && after.output.contains("is drained"), "\(after)")
        #expect(after.error.contains("arriving 0.0/s") || after.error.contains("arriving 0/s"), "\(after)")
    }
}
