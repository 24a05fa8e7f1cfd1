import Foundation
import Testing

/// A node whose admin API listens on loopback with TLS, and who may reach it.
private final class RemoteSite {
    let authority: Authority
    let port: Int
    let dns: Int
    /// Files with a token, by role.
    private(set) var tokens: [String: String] = [:]
    private(set) var secrets: [String] = []
    let program: Program

    /// - Parameter days: how long the node's certificate is valid; negative: it was.
    init(host: String = "localhost", isExpired: Bool = false) throws {
        authority = try Authority()
        try authority.issue("node", subject: "/CN=node", host: host, days: 30)
        if isExpired { try authority.expire("node") }
        try authority.issue("ann", subject: "/O=Example/CN=ann")
        (port, dns) = (try freePort(), try freePort())
        var entries: [String] = []
        for role in ["view", "operate", "admin"] {
            let made = try Program.run(Program.binary.path, ["token", "ann-\(role)", "--role", role])
            tokens[role] = authority.path("token-\(role)")
            secrets.append(made.output.trimmingCharacters(in: .newlines))
            try made.output.write(toFile: authority.path("token-\(role)"), atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: authority.path("token-\(role)"))
            entries.append(String(made.error.split(separator: "\n").last ?? "").trimmingCharacters(in: .whitespaces))
        }
        program = try Program(
            NameServerScenarios.configuration(port: dns) + """

                certificates: { node: { chain: \(authority.path("node.pem")), key: \(authority.path("node.key")) } }
                admin:
                  listen: "127.0.0.1:\(port)"
                  state: \(authority.path("state"))
                  tls:
                    certificate: node
                    client_authority: \(authority.path("ca.pem"))
                    clients: { "CN=ann,O=Example": operate }
                  tokens:
                    \(entries.joined(separator: "\n    "))
                """)
        let program = program
        try wait(for: "the admin API") { program.logged("the admin API listens") }
    }

    deinit { authority.remove() }

    var address: String { "https://localhost:\(port)" }

    func token(_ role: String) -> [String] { ["--token-file", tokens[role] ?? ""] }

    /// With the authority that vouches for the node.
    func call(_ arguments: String..., with more: [String]) throws -> (output: String, error: String, status: Int32) {
        try run(arguments + ["--admin", address, "--ca", authority.path("ca.pem")] + more)
    }

    func run(
        _ arguments: [String], _ environment: String...
    ) throws -> (output: String, error: String, status: Int32) {
        try Program.run(
            "env",
            ["-u", "MERIDIAN_ADMIN", "-u", "MERIDIAN_TOKEN_FILE"] + environment + [Program.binary.path] + arguments)
    }
}

extension Authority {
    /// Makes `NAME.pem` anew so that it has expired, or is about to.
    func expire(_ name: String, at end: Date = Date(timeIntervalSince1970: 1_580_515_200)) throws {
        try "01\n".write(toFile: path("serial"), atomically: true, encoding: .utf8)
        try Data().write(to: folder.appending(path: "index"))
        try """
        [ca]
        default_ca = own
        [own]
        database = \(path("index"))
        serial = \(path("serial"))
        new_certs_dir = \(folder.path)
        default_md = sha256
        policy = any
        [any]
        commonName = optional
        organizationName = optional
        """.write(toFile: path("ca.conf"), atomically: true, encoding: .utf8)
        let form = Date.VerbatimFormatStyle(
            format: """
                \(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)
                """, timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
        try Self.openssl([
            "ca", "-batch", "-config", path("ca.conf"), "-cert", path("ca.pem"), "-keyfile", path("ca.key"),
            "-startdate", "20200101000000Z", "-enddate", "\(end.formatted(form))Z", "-extfile", path("\(name).ext"),
            "-in", path("\(name).csr"), "-out", path("\(name).pem"), "-notext",
        ])
    }
}

@Suite("Commands for a node on the network")
struct RemoteCommandScenarios {
    @Test("every command works as over the socket, with a token")
    func commands() throws {
        let site = try RemoteSite()
        let view: [[String]] = [
            ["status"], ["status", "--json"], ["sla"], ["top", "--once"], ["events"], ["audit"],
            ["explain", "api.example.com", "--client", "192.0.2.0/24"], ["shift", "list"], ["window", "list"],
        ]
        for command in view {
            let result = try site.run(
                command + ["--admin", site.address, "--ca", site.authority.path("ca.pem")] + site.token("view"))
            #expect(result.status == 0 && result.error.isEmpty, "\(command): \(result)")
        }
        let operate = site.token("operate")
        #expect(try site.call("drain", "region", "eu", "--reason", "x", with: operate).status == 0)
        #expect(try Program.data(site.dns, "api.example.com", "CNAME") == ["us.lb.example.net."])
        #expect(try site.call("audit", with: operate).output.contains("ann-operate"))
        #expect(try site.call("enable", "region", "eu", with: operate).status == 0)
        #expect(
            try site.call("shift", "--from", "eu", "--to", "us", "--share", "10%", "--for", "1m", with: operate).status
                == 0)
        #expect(try site.call("shift", "cancel", "1", with: operate).status == 0)
        let window = ["--region", "eu", "--from", "2035-12-01T02:00Z", "--for", "2h"]
        #expect(
            try site.call(
                "window", "add", "move", window[0], window[1], window[2], window[3], window[4], window[5], with: operate
            )
            .status == 0)
        #expect(try site.call("window", "cancel", "move", with: operate).status == 0)
        let reload = try site.call("reload", with: site.token("admin"))
        #expect(reload.status == 0 && reload.output == "generation 2 is in force\n", "\(reload)")
        for secret in site.secrets { #expect(!site.program.logged(secret)) }
    }

    @Test("what happens is followed over TLS")
    func follow() throws {
        let site = try RemoteSite()
        let file = site.authority.path("events")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c",
            "exec \(Program.binary.path) log --admin \(site.address) --ca \(site.authority.path("ca.pem")) "
                + "--token-file \(site.tokens["view"] ?? "") > \(file) 2>&1",
        ]
        try process.start()
        defer {
            // The threads of a test run may have other signals blocked, and so has what they start.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        var turn = 0
        func text() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        try wait(for: "an event") {
            turn += 1
            _ = try site.call(turn % 2 == 1 ? "drain" : "enable", "region", "eu", with: site.token("operate"))
            return text().contains("override-set")
        }
        // Nothing that a program is started with tells the token.
        let arguments = try String(contentsOfFile: "/proc/\(process.processIdentifier)/cmdline", encoding: .utf8)
        for secret in site.secrets { #expect(!arguments.contains(secret) && !text().contains(secret)) }
    }

    @Test("the environment names the node and the token")
    func environment() throws {
        let site = try RemoteSite()
        let variables = ["MERIDIAN_ADMIN=\(site.address)", "MERIDIAN_TOKEN_FILE=\(site.tokens["view"] ?? "")"]
        let result = try site.run(["status", "--ca", site.authority.path("ca.pem")], variables[0], variables[1])
        #expect(result.status == 0 && result.output.contains("api.example.com"), "\(result)")
        let explained = try site.run(
            ["explain", "api.example.com", "--client", "192.0.2.0/24", "--ca", site.authority.path("ca.pem")],
            variables[0], variables[1])
        #expect(explained.status == 0, "\(explained)")
        let own = try site.run(["status", "--socket", "/tmp/meridian-none.sock"], variables[0], variables[1])
        #expect(own.status == 2 && own.error.contains("meridian-none.sock"), "what is named goes first: \(own)")
    }

    @Test("a certificate stands for a token, and its role holds")
    func certificate() throws {
        let site = try RemoteSite()
        let ann = ["--certificate", site.authority.path("ann.pem"), "--key", site.authority.path("ann.key")]
        let drained = try site.call("drain", "region", "eu", with: ann)
        #expect(drained.status == 0, "\(drained)")
        #expect(try site.call("audit", with: ann).output.contains("CN=ann,O=Example"))
        let reload = try site.call("reload", with: ann)
        #expect(reload.status == 1 && reload.error.contains("has the role operate; this needs admin"), "\(reload)")
        let mixed = try site.call(
            "status", with: ["--certificate", site.authority.path("ann.pem"), "--key", site.authority.path("node.key")])
        #expect(mixed.status == 64 && mixed.error.contains("do not belong together"), "\(mixed)")
        // Somebody of the same authority whom the configuration does not name.
        try site.authority.issue("eve", subject: "/CN=eve/O=Example")
        let eve = try site.call(
            "status", with: ["--certificate", site.authority.path("eve.pem"), "--key", site.authority.path("eve.key")])
        #expect(eve.status == 1)
        #expect(eve.error.contains("the certificate of \"O=Example,CN=eve\" may do nothing here"), "\(eve)")
    }

    @Test("what is wrong is one line, with the code that docs/cli.md has for it")
    func refusals() throws {
        let site = try RemoteSite()
        func expect(
            _ status: Int32, _ part: String, _ result: (output: String, error: String, status: Int32),
            _ location: SourceLocation = #_sourceLocation
        ) {
            #expect(result.status == status, "\(result)", sourceLocation: location)
            #expect(result.error.contains(part), "\(result)", sourceLocation: location)
            #expect(result.output.isEmpty, "\(result)", sourceLocation: location)
            #expect(result.error.split(separator: "\n").count == 1, "\(result)", sourceLocation: location)
            for secret in site.secrets + ["mrd_wrong"] {
                #expect(!result.error.contains(secret), "\(result)", sourceLocation: location)
            }
        }
        func file(_ text: String, _ mode: Int = 0o600) throws -> String {
            let path = site.authority.path(UUID().uuidString)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            return path
        }
        let (view, ca) = (site.token("view"), ["--ca", site.authority.path("ca.pem")])
        expect(1, "the token is not known", try site.call("status", with: ["--token-file", try file("mrd_wrong\n")]))
        expect(1, "credentials are needed", try site.call("status", with: []))
        expect(1, "has the role view; this needs operate", try site.call("drain", "region", "eu", with: view))
        expect(64, "is no token", try site.call("status", with: ["--token-file", try file("")]))
        expect(64, "is no token", try site.call("status", with: ["--token-file", try file("mrd_wrong x\n")]))
        expect(64, "No such file", try site.call("status", with: ["--token-file", "/nowhere/token"]))
        expect(2, "is not trusted: its authority is unknown", try site.run(["status", "--admin", site.address] + view))
        expect(64, "holds no certificate", try site.run(["status", "--admin", site.address, "--ca", try file("x")]))
        expect(
            2, "the node's certificate is not for 127.0.0.1",
            try site.run(["status", "--admin", "https://127.0.0.1:\(site.port)"] + ca + view))
        expect(
            2, "Connection refused", try site.run(["status", "--admin", "https://localhost:\(try freePort())"] + view))
        // No name of the DNS is as long: that is known without a server that may let itself be waited for.
        let nowhere = String(repeating: "n", count: 64)
        expect(2, "there is no host \(nowhere)", try site.run(["status", "--admin", "https://\(nowhere)"] + view))
        let clear = try CommandSite()
        expect(
            2, "does not speak TLS", try site.run(["status", "--admin", "https://localhost:\(clear.ports[0])"] + view))
        expect(64, "use https", try site.run(["status", "--admin", "http://192.0.2.1:80"] + view))
        expect(64, "no user or password", try site.run(["status", "--admin", "https://ann:mrd_wrong@localhost"]))
        expect(64, "no user or password", try site.run(["status", "--admin", "ann:mrd_wrong@localhost"]))
        expect(64, "no user or password", try site.run(["status", "--admin", "ftp://ann:mrd_wrong@localhost"]))

        let open = try site.call("status", with: ["--token-file", try file(site.secrets[0] + "\n", 0o644)])
        #expect(open.status == 0 && open.error.hasPrefix("warning: others can read "), "\(open)")
    }

    @Test("a reload takes authorities away as a whole or not at all, and says which file keeps it from that")
    func withdrawal() throws {
        let site = try RemoteSite()
        let ann = ["--certificate", site.authority.path("ann.pem"), "--key", site.authority.path("ann.key")]
        #expect(try site.call("status", with: ann).status == 0)
        // The configuration is as it was; its files are others.
        let foreign = try Authority()
        defer { foreign.remove() }
        func copy(_ from: String, _ to: String) throws {
            try String(contentsOfFile: from, encoding: .utf8).write(toFile: to, atomically: true, encoding: .utf8)
        }
        let (ca, key) = (site.authority.path("ca.pem"), site.authority.path("node.key"))
        try copy(ca, ca + ".old")
        try copy(key, key + ".old")
        try copy(foreign.path("ca.pem"), ca)
        try copy(foreign.path("ca.key"), key)
        func asAnn() throws -> (output: String, error: String, status: Int32) {
            try site.run(["status", "--admin", site.address, "--ca", ca + ".old"] + ann)
        }
        site.program.hangUp()
        try wait(for: "the refusal") { site.program.logged("reload refused") }
        #expect(site.program.logged("does not belong to the first certificate"), "\(site.program.text)")
        #expect(try asAnn().status == 0, "nothing of it is in force")
        try copy(key + ".old", key)
        site.program.hangUp()
        try wait(for: "the reload") { site.program.logged("reloaded") }
        let outcome = try asAnn()
        #expect(outcome.status != 0, "\(outcome) \(site.program.text)")
    }

    @Test("a certificate that has expired is told with its day")
    func expired() throws {
        let site = try RemoteSite(isExpired: true)
        let result = try site.call("status", with: site.token("view"))
        #expect(result.status == 2 && result.error.contains("is not trusted: it expired 2020-02-01"), "\(result)")
        #expect(result.error.split(separator: "\n").count == 1, "\(result)")
    }

    @Test("who waits is told what for, and a node that hangs is not waited for without end")
    func silence() throws {
        let site = try CommandSite()
        let server = try SilentServer()
        let command = "\(Program.binary.path) status --admin http://127.0.0.1:\(server.port)"
        // It takes longer than a terminal stays open by itself.
        let told = try site.onTerminal(
            "\(command) 2> file & \(command); echo ended with $?; wait; echo file: $(cat file)",
            typing: "await [ -e over ]; await [ -e over ]")
        let notice = "http://127.0.0.1:\(server.port): no answer yet; waiting for up to 30s"
        #expect(told.output.components(separatedBy: notice).count == 2, "once, and on the terminal alone: \(told)")
        #expect(told.output.contains("127.0.0.1:\(server.port): does not answer"), "\(told)")
        #expect(told.output.contains("ended with 2"), "\(told)")
        #expect(told.output.contains("file: http://127.0.0.1:\(server.port): does not answer"), "\(told)")
        withExtendedLifetime(server) {}
    }

    @Test("an address has the name that its certificate has")
    func addresses() throws {
        let site = try RemoteSite(host: "localhost,IP:127.0.0.1")
        let ca = ["--ca", site.authority.path("ca.pem")] + site.token("view")
        #expect(try site.run(["status", "--admin", "https://127.0.0.1:\(site.port)/"] + ca).status == 0)
    }
}
