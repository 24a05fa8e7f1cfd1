import Foundation
import Testing

@Suite("Operators, through the admin socket")
struct OperatorScenarios {
    @Test("drain, disable and enable move the answers, and a broken file is refused with its place")
    func overrides() throws {
        let port = try freePort()
        // A socket's path has 107 bytes at most, so it does not lie in the test's own folder.
        let socket = "/tmp/meridian-\(port).sock"
        let yaml = NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n"
        let program = try Program(yaml)
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
        func answer() throws -> String { try Program.dig(port, "api.example.com", "+short") }

        #expect(try answer() == "eu.lb.example.net.\n")
        #expect(try call("drain", "region", "eu", "--reason", "patching").status == 0)
        #expect(try answer() == "us.lb.example.net.\n")
        #expect(try call("status").output.contains("override region eu  drain  patching"))
        #expect(try call("enable", "region", "eu").status == 0)
        #expect(try answer() == "eu.lb.example.net.\n")
        #expect(try call("disable", "pool", "eu").status == 0)
        #expect(try answer() == "us.lb.example.net.\n")

        let unknown = try call("drain", "region", "mars")
        #expect(unknown.status == 1)
        #expect(unknown.error.contains("no region named mars"))

        try program.replaceConfiguration("wide_ipz: {}\n" + yaml)
        let refused = try call("reload")
        #expect(refused.status == 1)
        #expect(refused.error.contains("meridian.yaml:1:1: "))
        #expect(refused.error.contains("generation 1 stays in force"))
        try program.replaceConfiguration(yaml)
        #expect(try call("reload").output == "generation 2 is in force\n")
        #expect(try answer() == "us.lb.example.net.\n", "an override outlives a reload")

        // Also without `admin.state`.
        let trail = try call("audit").output.split(separator: "\n")
        #expect(trail.count == 5, "\(trail)")
        #expect(trail.first?.contains("reload  generation 2") ?? false, "\(trail)")
        #expect(trail.last?.contains("set-override  region eu  drain  patching") ?? false, "\(trail)")
        #expect(try call("audit", "--last", "1").output.split(separator: "\n").count == 1)
    }

    @Test(
        "the API refuses what it cannot do, in one form and with the reason",
        arguments: [
            ("GET", "/v1/nothing", "", 404, "there is no /v1/nothing here"),
            ("DELETE", "/v1/status", "", 405, "no DELETE /v1/status here; there is GET, HEAD"),
            ("PUT", "/v1/overrides/region", "{bad", 400, "line 1, column 2: a name in quotes is expected"),
            ("PUT", "/v1/overrides/region", #"{"name":"eu"}"#, 400, "drain, disable, force-down, force-up"),
            (
                "PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"nuke"}"#, 400,
                "drain, disable, force-down, force-up"
            ),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain","raeson":""}"#, 400, "raeson"),
            (
                "PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain","reason":"a\nb"}"#, 400,
                "reason: one line"
            ),
            (
                "PUT", "/v1/overrides/region",
                #"{"name":"eu","verdict":"drain","reason":"\#(String(repeating: "a", count: 1025))"}"#, 400,
                "reason: at most 1024 bytes"
            ),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain","seconds":0}"#, 400, "seconds: from 1 to"),
            ("PUT", "/v1/overrides/planet", #"{"name":"eu","verdict":"drain"}"#, 400, "kind: planet is none of"),
            (
                "PUT", "/v1/overrides/wip", #"{"name":"*","verdict":"disable"}"#, 400,
                "kind: wip is written wide-ip here"
            ),
            ("DELETE", "/v1/overrides/vip", #"{"name":"eu-1"}"#, 400, "kind: vip is written virtual-server here"),
            ("PUT", "/v1/overrides/region", #"{"name":"mars","verdict":"drain"}"#, 404, "no region named mars"),
            ("PUT", "/v1/overrides/member", #"{"name":"eu","verdict":"drain"}"#, 400, "UPSTREAM/ADDRESS:PORT"),
            ("PUT", "/v1/overrides/wide-ip", #"{"name":"*","verdict":"drain"}"#, 400, "a wide IP cannot be drained"),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"drain","to":"us"}"#, 400, "to: what takes over"),
            ("PUT", "/v1/overrides/region", #"{"name":"e*","verdict":"cutover","to":"us"}"#, 400, "without patterns"),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"cutover","to":"eu"}"#, 400, "from itself"),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"cutover","to":"mars"}"#, 404, "named mars"),
            (
                "PUT", "/v1/overrides/virtual-server", #"{"name":"eu-1","verdict":"cutover","to":"us-1"}"#, 400,
                "only regions and pools"
            ),
            ("PUT", "/v1/overrides/pool", #"{"name":"eu","verdict":"weight","factor":101}"#, 400, "from 0 to 100"),
            (
                "PUT", "/v1/overrides/pool", #"{"name":"eu","verdict":"weight","factor":0.5}"#, 409,
                "no name draws shares of pool eu"
            ),
            ("PUT", "/v1/overrides/pool", #"{"name":"eu","verdict":"weight"}"#, 400, "factor: it is needed"),
            ("PUT", "/v1/overrides/region", #"{"name":"eu","verdict":"cutover"}"#, 400, "to: it is needed"),
            ("PUT", "/v1/overrides/wide-ip", #"{"name":"*","verdict":"disable"}"#, 409, "nothing to answer with"),
            ("PUT", "/v1/windows/w", "", 400, "must be JSON with"),
            (
                "PUT", "/v1/windows/a%20b", #"{"kind":"region","name":"eu","seconds":1,"start":1}"#, 400,
                "1 to 64 letters"
            ),
            ("PUT", "/v1/windows/w", #"{"kind":"region","name":"eu","seconds":1,"start":1}"#, 400, "over already"),
            ("PUT", "/v1/windows/w", #"{"kind":"region","name":"eu","seconds":0,"start":1}"#, 400, "seconds: from 1"),
            (
                "PUT", "/v1/windows/w",
                #"{"kind":"region","name":"eu","seconds":9,"days":"weekly tue","at":"02:30","zone":"Mars"}"#, 400,
                "Mars is no time zone"
            ),
            (
                "PUT", "/v1/windows/w", #"{"kind":"region","name":"eu","seconds":9,"days":"tue","at":"02:30"}"#, 400,
                "days: such as"
            ),
            (
                "PUT", "/v1/windows/w", #"{"kind":"region","name":"eu","seconds":9,"days":"weekly tue","at":"2:30"}"#,
                400, "at: a time of day"
            ),
            (
                "PUT", "/v1/windows/w", #"{"kind":"region","name":"mars","seconds":9,"start":99999999999999}"#, 404,
                "no region named mars"
            ),
            (
                "PUT", "/v1/windows/w",
                #"{"kind":"region","name":"eu","seconds":604800,"days":"weekly tue","at":"02:30"}"#, 400,
                "would never close"
            ),
            ("DELETE", "/v1/windows/none", "", 404, "no window named none"),
            ("POST", "/v1/shifts", #"{"from":"eu","to":"us","share":0.5}"#, 400, "until, or seconds"),
            ("POST", "/v1/shifts", #"{"from":"eu","to":"us","share":1.5,"seconds":9}"#, 400, "share: more than 0"),
            ("POST", "/v1/shifts", #"{"from":"eu","to":"eu","share":0.5,"seconds":900}"#, 400, "goes to another"),
            ("POST", "/v1/shifts", #"{"from":"eu","to":"mars","share":0.5,"seconds":900}"#, 404, "named mars"),
            (
                "POST", "/v1/shifts", #"{"wide_ip":"x.*","from":"eu","to":"us","share":0.5,"seconds":900}"#, 404,
                "no wide IP named x.*"
            ),
            (
                "POST", "/v1/shifts", #"{"from":"eu","to":"us","share":0.5,"seconds":60}"#, 409,
                "50% in 1m is steeper than safety.shift_slope, 10% in 1m: it takes 5m"
            ),
            ("DELETE", "/v1/shifts/7", "", 404, "no shift 7"),
            ("DELETE", "/v1/shifts/x", "", 400, "named by a number"),
            ("PUT", "/v1/overrides/region", String(repeating: "a", count: 65_537), 413, "65536 bytes"),
        ])
    func refusals(method: String, path: String, body: String, status: Int, detail: String) throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(
            NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n")
        let file = program.folder.appending(path: "body")
        try Data(body.utf8).write(to: file)
        let answer = try Program.run(
            "curl",
            [
                "--silent", "--include", "--max-time", "60", "--unix-socket", socket, "-X", method, "--data-binary",
                "@\(file.path)", "http://meridian\(path)",
            ]
        ).output
        #expect(answer.contains("HTTP/1.1 \(status) "), "\(answer)")
        #expect(answer.contains("application/problem+json"))
        #expect(answer.contains(detail))
        #expect(try Program.dig(port, "api.example.com", "+short") == "eu.lb.example.net.\n", "nothing changed")
    }
}
