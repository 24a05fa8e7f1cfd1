import Foundation
import Testing

@Suite("What a change would move, before it is made")
struct PreviewScenarios {
    private final class Site {
        let port: Int
        let socket: String
        let yaml: String
        let program: Program

        init() throws {
            port = try freePort()
            socket = "/tmp/meridian-\(port).sock"
            yaml = NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n"
            program = try Program(yaml)
        }

        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }

        func answer() throws -> String { try Program.dig(port, "api.example.com", "+short") }

        func curl(_ method: String, _ path: String, _ body: String = "") throws -> String {
            try Program.run(
                "curl",
                [
                    "--silent", "--unix-socket", socket, "-X", method, "--data-binary", body, "-w", " %{http_code}",
                    "http://meridian\(path)",
                ]
            ).output
        }
    }

    @Test("a dry run tells what then happens, and changes nothing")
    func dryRun() throws {
        let site = try Site()
        let told = try site.call("drain", "region", "eu", "--dry-run")
        #expect(told.status == 0, "\(told)")
        #expect(told.output.contains("drain region eu: 1 of "), "\(told.output)")
        #expect(told.output.contains("api.example.com  100 %  eu 100 %  us 100 %"), "\(told.output)")
        #expect(told.output.contains("pool eu"), "\(told.output)")
        #expect(try site.answer() == "eu.lb.example.net.\n", "nothing changed")
        #expect(try !site.call("status").output.contains("override"))

        let json = try site.call("cutover", "eu", "us", "--dry-run", "--json").output
        let preview = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let names = try #require(preview["names"] as? [[String: Any]])
        #expect(names.map { $0["name"] as? String } == ["api.example.com"])
        #expect(names[0]["moved"] as? Double == 1)

        // Without a terminal nobody is asked.
        #expect(try site.call("drain", "region", "eu").status == 0)
        #expect(try site.answer() == "us.lb.example.net.\n")
        let back = try site.call("enable", "region", "eu", "--dry-run")
        #expect(back.output.contains("us 100 %  eu 100 %"), "\(back)")
        let nothing = try site.call("drain", "pool", "eu", "--dry-run")
        #expect(nothing.output.contains("no answer would change"), "\(nothing)")
        #expect(try site.answer() == "us.lb.example.net.\n")
    }

    @Test("a shift is shown as it will be when it has arrived")
    func shift() throws {
        let site = try Site()
        let told = try site.call("shift", "--from", "eu", "--to", "us", "--share", "50%", "--for", "10m", "--dry-run")
        #expect(told.status == 0, "\(told)")
        #expect(told.output.contains("1 of 3 names would be answered otherwise"), "\(told.output)")
        #expect(
            try #/api\.example\.com +[45]\d(\.\d)? % +eu 100 % +(eu|us) [45]/#.firstMatch(in: told.output) != nil,
            "\(told.output)")
        #expect(try site.answer() == "eu.lb.example.net.\n")
        #expect(try site.call("shift", "list").output.isEmpty, "none was started")
    }

    @Test("what would be refused is refused, and with --force said to be against it")
    func objections() throws {
        let site = try Site()
        let refused = try site.call("disable", "pool", "*", "--dry-run")
        #expect(refused.status == 1 && refused.error.contains("nothing to answer with"), "\(refused)")
        let forced = try site.call("disable", "pool", "*", "--dry-run", "--force")
        #expect(forced.status == 0 && forced.output.contains("against it: "), "\(forced)")
        #expect(forced.output.contains("no answer 100 %"), "\(forced)")
        #expect(try site.answer() == "eu.lb.example.net.\n")
    }

    @Test("a configuration is tried before it is loaded")
    func reload() throws {
        let site = try Site()
        try site.program.replaceConfiguration(site.yaml.replacing("pools: [eu, us]", with: "pools: [us, eu]"))
        let told = try site.call("reload", "--dry-run")
        #expect(told.status == 0 && told.output.contains("api.example.com  100 %  eu 100 %  us 100 %"), "\(told)")
        #expect(try site.answer() == "eu.lb.example.net.\n")
        #expect(try site.call("reload").output == "generation 2 is in force\n")
        #expect(try site.answer() == "us.lb.example.net.\n")
        try site.program.replaceConfiguration("wide_ipz: {}\n" + site.yaml)
        let broken = try site.call("reload", "--dry-run")
        #expect(broken.status == 1 && broken.error.contains("meridian.yaml:1:1: "), "\(broken)")
    }

    @Test("a person at a terminal is asked, and no is no")
    func question() throws {
        let site = try Site()
        func type(_ answer: String, _ command: String) throws -> (output: String, status: Int32) {
            // script(1) gives the program a terminal; the answer is typed into it.
            let result = try Program.run(
                "sh",
                [
                    "-c",
                    "printf '\(answer)\\n' | TERM=xterm script -qefc \"$0 \(command) --socket \(site.socket)\" /dev/null",
                    Program.binary.path,
                ])
            return (result.output + result.error, result.status)
        }
        let no = try type("n", "drain region eu")
        #expect(no.output.contains("drain region eu? [y/N]") && no.output.contains("nothing was changed"), "\(no)")
        #expect(no.status == 4)
        #expect(try site.answer() == "eu.lb.example.net.\n")
        let yes = try type("y", "drain region eu")
        #expect(yes.status == 0 && yes.output.contains("api.example.com"), "\(yes)")
        #expect(try site.answer() == "us.lb.example.net.\n")
        #expect(try type("", "enable region eu").status == 0, "the way back does not ask")
        let sure = try type("n", "drain region eu --yes")
        #expect(sure.status == 0 && !sure.output.contains("[y/N]"), "\(sure)")
        #expect(try site.answer() == "us.lb.example.net.\n")
    }

    @Test("the API takes dry_run where it is heeded, and refuses it elsewhere")
    func requests() throws {
        let site = try Site()
        let body = #"{"name":"eu","verdict":"drain"}"#
        let told = try site.curl("PUT", "/v1/overrides/region?dry_run=true", body)
        #expect(told.hasSuffix(" 200") && told.contains(#""movedNames":1"#), "\(told)")
        for (method, path, status) in [
            ("PUT", "/v1/overrides/region?dry_run=yes", 400), ("GET", "/v1/status?dry_run=true", 400),
            ("POST", "/v1/virtual-servers/eu-1/resume?dry_run=true", 400),
            ("PUT", "/v1/overrides/planet?dry_run=true", 400), ("DELETE", "/v1/windows/none?dry_run=true", 404),
        ] {
            let answer = try site.curl(method, path, method == "PUT" ? body : "")
            #expect(answer.hasSuffix(" \(status)"), "\(method) \(path): \(answer)")
        }
        #expect(try site.answer() == "eu.lb.example.net.\n")
    }
}
