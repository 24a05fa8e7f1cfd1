import Foundation
import Testing

/// A node whose admin API listens on loopback, with a token of each role.
private final class Admin {
    let program: Program
    let port: Int
    let dns: Int
    /// By role.
    let tokens: [String: String]
    let yaml: String

    init(_ more: String = "", hosts: String = "[]") throws {
        (port, dns) = (try freePort(), try freePort())
        var (tokens, entries): ([String: String], [String]) = ([:], [])
        for role in ["view", "operate", "admin"] {
            let made = try Program.run(Program.binary.path, ["token", "ann-\(role)", "--role", role])
            tokens[role] = made.output.trimmingCharacters(in: .newlines)
            entries.append(String(made.error.split(separator: "\n").last ?? "").trimmingCharacters(in: .whitespaces))
        }
        self.tokens = tokens
        yaml =
            NameServerScenarios.configuration(port: dns) + """

                admin:
                  listen: "127.0.0.1:\(port)"
                  allowed_hosts: \(hosts)
                  tokens:
                    \(entries.joined(separator: "\n    "))
                \(more)
                """
        program = try Program(yaml)
        let program = program
        try wait(for: "the admin API") { program.logged("the admin API listens") }
    }

    /// The status and what was sent with it.
    func ask(_ method: String, _ path: String, as role: String? = nil, _ arguments: String...) throws -> String {
        let authorization = role.flatMap { tokens[$0] }.map { ["--header", "Authorization: Bearer \($0)"] } ?? []
        return try curl(["-X", method] + authorization + arguments + ["http://127.0.0.1:\(port)\(path)"])
    }

    func curl(_ arguments: [String]) throws -> String {
        try Program.run("curl", ["--silent", "--include", "--max-time", "60", "--path-as-is"] + arguments).output
    }

    /// What the node counted under a name.
    func count(_ name: String) throws -> Int {
        try Self.count(name, in: try ask("GET", "/v1/status", as: "view"))
    }

    static func count(_ name: String, in text: String) throws -> Int {
        let body = text.components(separatedBy: "\r\n\r\n").last ?? ""
        let status = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return (status?["admin"] as? [String: Int])?[name] ?? -1
    }
}

/// `curl` on an answer that goes on.
private final class Follower {
    private let process = Process()
    private let file: URL

    init(_ program: Program, _ name: String, _ arguments: [String]) throws {
        file = program.folder.appending(path: name)
        try Data().write(to: file)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl", "--silent", "--no-buffer", "--max-time", "60"] + arguments
        process.standardOutput = try FileHandle(forWritingTo: file)
        try process.start()
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var text: String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
    var hasEnded: Bool { !process.isRunning }
    var status: Int32 { process.terminationStatus }
}

@Suite("The admin API over TCP")
struct AdminScenarios {
    @Test("tokens have roles, changes have authors, and a token that is taken away is of no use")
    func tokens() throws {
        let admin = try Admin()
        #expect(try admin.ask("GET", "/v1/status").hasPrefix("HTTP/1.1 401 "))
        #expect(try admin.ask("GET", "/v1/status").contains("WWW-Authenticate: Bearer"))
        #expect(try admin.ask("GET", "/v1/status", as: "view").hasPrefix("HTTP/1.1 200 "))
        let body = ["--json", #"{"name":"eu","verdict":"drain","reason":"patching"}"#]
        let change = {
            try admin.curl($0 + body + ["-X", "PUT", "http://127.0.0.1:\(admin.port)/v1/overrides/region"])
        }
        let token = { ["--header", "Authorization: Bearer \(admin.tokens[$0] ?? "")"] }
        #expect(try change([]).hasPrefix("HTTP/1.1 401 "))
        let refused = try change(token("view"))
        #expect(refused.hasPrefix("HTTP/1.1 403 "))
        #expect(refused.contains("ann-view has the role view; this needs operate"))
        #expect(try change(token("operate")).hasPrefix("HTTP/1.1 204 "))
        #expect(try Program.dig(admin.dns, "api.example.com", "+short") == "us.lb.example.net.\n")
        #expect(admin.program.logged("author=ann-operate"))
        #expect(admin.program.logged("token from 127.0.0.1"))
        #expect(try admin.ask("POST", "/v1/reload", as: "operate").hasPrefix("HTTP/1.1 403 "))
        #expect(try admin.ask("POST", "/v1/reload", as: "admin").hasPrefix("HTTP/1.1 200 "))
        #expect(try admin.count("forbidden") == 2)
        #expect(try admin.count("unauthenticated") == 3)

        let line = try #require(admin.yaml.split(separator: "\n").first { $0.contains("ann-operate:") })
        try admin.program.replaceConfiguration(admin.yaml.replacingOccurrences(of: line + "\n", with: ""))
        #expect(try admin.ask("POST", "/v1/reload", as: "admin").hasPrefix("HTTP/1.1 200 "))
        #expect(try change(token("operate")).hasPrefix("HTTP/1.1 401 "))
        for secret in admin.tokens.values { #expect(!admin.program.logged(secret)) }
    }

    @Test("who guesses tokens is told to wait, and keeps out nobody with a right one from the same address")
    func guesses() throws {
        let admin = try Admin()
        let session = try admin.signIn("operate")
        var answers: [String] = []
        // One more every three seconds is answered: how many come before the wait depends on how fast they are asked.
        while answers.last != "429", answers.count < 200 {
            let answer = try admin.curl([
                "--header", "Authorization: Bearer mrd_\(answers.count)",
                "http://127.0.0.1:\(admin.port)/v1/status",
            ])
            answers.append(String(answer.prefix(12).suffix(3)))
            if answer.hasPrefix("HTTP/1.1 429 ") { #expect(answer.contains("Retry-After: ")) }
        }
        #expect(answers.count > 10, "ten are answered at once")
        #expect(answers.dropLast().allSatisfy { $0 == "401" }, "\(answers)")
        #expect(answers.last == "429")
        #expect(try admin.ask("GET", "/v1/status", as: "view").hasPrefix("HTTP/1.1 200 "))
        let looked = try admin.curl(["--cookie", session, "http://127.0.0.1:\(admin.port)/v1/status"])
        #expect(looked.hasPrefix("HTTP/1.1 200 "))
        #expect(try Admin.count("rateLimited", in: looked) == 1)
        #expect(try Admin.count("wrongCredentials", in: looked) == answers.count - 1)
    }

    @Test("a browser signs in with a token, changes things from our own pages only, and signs out")
    func sessions() throws {
        let admin = try Admin()
        let session = try admin.signIn("operate")
        let place = "http://127.0.0.1:\(admin.port)"
        func change(_ arguments: String...) throws -> String {
            try admin.curl(
                ["-X", "PUT", "--cookie", session, "--data", #"{"name":"eu","verdict":"drain"}"#] + arguments
                    + ["\(place)/v1/overrides/region"])
        }
        let json = ["--header", "Content-Type: application/json"]
        #expect(try change(json[0], json[1]).hasPrefix("HTTP/1.1 403 "), "it does not say where it comes from")
        #expect(
            try change(json[0], json[1], "--header", "Origin: http://evil.example").hasPrefix("HTTP/1.1 403 "))
        #expect(
            try change(json[0], json[1], "--header", "Sec-Fetch-Site: cross-site").hasPrefix("HTTP/1.1 403 "))
        #expect(
            try change("--header", "Content-Type: text/plain", "--header", "Origin: \(place)")
                .hasPrefix("HTTP/1.1 415 "), "as a form could")
        #expect(try change(json[0], json[1], "--header", "Origin: \(place)").hasPrefix("HTTP/1.1 204 "))
        #expect(try change(json[0], json[1], "--header", "Sec-Fetch-Site: same-origin").hasPrefix("HTTP/1.1 204 "))
        #expect(admin.program.logged("session from 127.0.0.1"))
        #expect(try admin.count("crossSite") == 4)
        let whole = try admin.curl(["--cookie", session, "\(place)/v1/session"])
        #expect(whole.contains(#""name":"ann-operate""#) && whole.contains(#""proof":"session""#))
        for field in [
            "x-content-type-options: nosniff", "content-security-policy: default-src 'none'", "x-frame-options: DENY",
            "cache-control: no-store", "referrer-policy: no-referrer",
        ] { #expect(whole.lowercased().contains(field.lowercased()), "\(field)") }
        let foreign = try admin.curl([
            "--json", #"{"token":"\#(admin.tokens["view"] ?? "")"}"#, "--header", "Origin: http://evil.example",
            "\(place)/v1/session",
        ])
        #expect(foreign.hasPrefix("HTTP/1.1 403 "), "another site signs nobody in")
        #expect(
            try admin.curl(["-X", "DELETE", "--cookie", session, "--header", "Origin: \(place)", "\(place)/v1/session"])
                .contains("Max-Age=0"))
        #expect(try admin.curl(["--cookie", session, "\(place)/v1/status"]).hasPrefix("HTTP/1.1 401 "))
    }

    @Test("each request that is refused counts under one reason")
    func reasons() throws {
        let admin = try Admin()
        let session = try admin.signIn("operate")
        let place = "http://127.0.0.1:\(admin.port)"
        let change = ["-X", "PUT", "\(place)/v1/overrides/region", "--data", #"{"name":"eu","verdict":"drain"}"#]
        let token = { ["--header", "Authorization: Bearer \(admin.tokens[$0] ?? "")"] }
        let refused: [(String, [String])] = [
            ("unauthenticated", ["\(place)/v1/status"]),
            ("wrongCredentials", ["--header", "Authorization: Bearer mrd_x", "\(place)/v1/status"]),
            ("wrongCredentials", ["--header", "Authorization: Basic eDp5", "\(place)/v1/status"]),
            ("wrongCredentials", ["--json", #"{"token":"mrd_x"}"#, "\(place)/v1/session"]),
            ("forbidden", token("view") + change),
            ("crossSite", ["--cookie", session, "--header", "Origin: http://evil.example"] + change),
            ("foreignHost", token("view") + ["--header", "Host: evil.example", "\(place)/v1/status"]),
            ("badRequests", token("view") + ["\(place)/v1/windows?a=1"]),
            ("badRequests", token("view") + ["\(place)/v1/explain"]),
            ("notFound", token("view") + ["\(place)/v1/nothing"]),
            ("notFound", token("view") + ["\(place)/v1/pools/none"]),
            ("methodNotAllowed", token("view") + ["-X", "PUT", "\(place)/v1/status"]),
            ("badConfigurations", token("admin") + ["-X", "POST", "\(place)/v1/reload"]),
            ("badConfigurations", token("admin") + ["-X", "POST", "\(place)/v1/reload?dry_run=true"]),
            ("staleTags", token("operate") + ["--header", #"If-Match: "1""#] + change),
        ]
        try admin.program.replaceConfiguration("wide_ipz: {}\n" + admin.yaml)
        var expected: [String: Int] = [:]
        for (reason, arguments) in refused {
            let answer = try admin.curl(arguments)
            #expect(answer.hasPrefix("HTTP/1.1 4"), "\(reason): \(answer)")
            expected[reason, default: 0] += 1
        }
        let status = try admin.ask("GET", "/v1/status", as: "view")
        for reason in [
            "wrongCredentials", "rateLimited", "unauthenticated", "forbidden", "foreignHost", "crossSite",
            "badRequests", "badConfigurations", "tooLarge", "notFound", "methodNotAllowed", "conflicts", "staleTags",
            "replayConflicts", "refusedSessions", "busy", "abandoned", "failures",
        ] { #expect(try Admin.count(reason, in: status) == expected[reason] ?? 0, "\(reason)") }
    }

    @Test("a stream ends with the session or the token that began it, and others go on")
    func streams() throws {
        let admin = try Admin()
        let place = "http://127.0.0.1:\(admin.port)"
        let session = try admin.signIn("operate")
        let signedIn = try Follower(admin.program, "live", ["--cookie", session, "\(place)/live?topic=frame"])
        let withToken = try Follower(
            admin.program, "token",
            ["--header", "Authorization: Bearer \(admin.tokens["operate"] ?? "")", "\(place)/v1/events"])
        let other = try Follower(
            admin.program, "other",
            ["--header", "Authorization: Bearer \(admin.tokens["view"] ?? "")", "\(place)/v1/events"])
        try wait(for: "the streams") {
            signedIn.text.contains("data: ") && withToken.text.contains("retry: ") && other.text.contains("retry: ")
        }
        _ = try admin.curl([
            "-X", "DELETE", "--cookie", session, "--header", "Origin: \(place)", "\(place)/v1/session",
        ])
        try wait(for: "the end of the session's stream") { signedIn.hasEnded }
        #expect(signedIn.status == 0, "it ended as a stream does")
        #expect(!withToken.hasEnded && !other.hasEnded)
        let line = try #require(admin.yaml.split(separator: "\n").first { $0.contains("ann-operate:") })
        try admin.program.replaceConfiguration(admin.yaml.replacingOccurrences(of: line + "\n", with: ""))
        #expect(try admin.ask("POST", "/v1/reload", as: "admin").hasPrefix("HTTP/1.1 200 "))
        try wait(for: "the end of the token's stream") { withToken.hasEnded }
        #expect(!withToken.text.contains("reload-applied"), "it hears nothing of what came after its token")
        try wait(for: "the other's news") { other.text.contains("reload-applied") }
        #expect(!other.hasEnded)
        #expect(try admin.count("endedStreams") == 2)
    }

    @Test("requests for other names are refused, so that no page reaches the API by a name of its own")
    func rebinding() throws {
        let admin = try Admin(hosts: "[admin.example.com]")
        for (host, status) in [
            ("evil.example", 421), ("admin.example.com", 200), ("ADMIN.example.com:\(admin.port)", 200),
            ("localhost", 200), ("[::1]:80", 200), ("192.0.2.1", 200), ("admin.example.com.evil.example", 421),
        ] {
            let answer = try admin.ask("GET", "/v1/status", as: "view", "--header", "Host: \(host)")
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(host)")
        }
        #expect(try admin.count("foreignHost") == 2)
    }

    @Test("paths that lead elsewhere and methods that are not there have one form of answer")
    func unknown() throws {
        let admin = try Admin()
        for path in ["/v1/../etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd"] {
            let answer = try admin.ask("GET", path, as: "admin")
            #expect(answer.hasPrefix("HTTP/1.1 404 "), "\(path): \(answer)")
            #expect(answer.contains("application/problem+json"))
        }
        let method = try admin.ask("DELETE", "/v1/status", as: "admin")
        #expect(method.hasPrefix("HTTP/1.1 405 "))
        #expect(method.contains("Allow: GET, HEAD"))
        #expect(try admin.ask("GET", "/v1/windows?a=1", as: "view").contains("a: no such query parameter"))
        for (method, path, allow) in [
            ("POST", "/", "GET, HEAD"), ("DELETE", "/login", "GET, HEAD"), ("PUT", "/assets/1/app.js", "GET, HEAD"),
            ("POST", "/live", "GET, HEAD"), ("PATCH", "/v1/session", "DELETE, GET, HEAD, POST"),
        ] {
            let answer = try admin.ask(method, path, as: "admin")
            #expect(answer.hasPrefix("HTTP/1.1 405 "), "\(method) \(path)")
            #expect(answer.contains("Allow: \(allow)\r\n"), "\(method) \(path): \(answer)")
        }
        #expect(try admin.ask("GET", "/assets/1/none.js").hasPrefix("HTTP/1.1 404 "))
        #expect(try admin.ask("GET", "/live").hasPrefix("HTTP/1.1 401 "))
        #expect(try admin.ask("GET", "/traffic").contains("Location: /login?next="))
        #expect(try admin.count("notFound") == 5)
        #expect(try admin.count("methodNotAllowed") == 6)
        let head = try Program.run(
            "curl",
            [
                "--silent", "--head", "--max-time", "60", "--header",
                "Authorization: Bearer \(admin.tokens["view"] ?? "")", "http://127.0.0.1:\(admin.port)/v1/windows",
            ]
        ).output
        #expect(head.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("with TLS, certificates of clients have roles, and a renewed certificate is shown after a reload")
    func certificates() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("node", subject: "/CN=node", host: "admin.example.com")
        try authority.issue("ann", subject: "/O=Example/CN=ann")
        try authority.issue("eve", subject: "/O=Elsewhere/CN=eve")
        let (port, dns) = (try freePort(), try freePort())
        let yaml =
            NameServerScenarios.configuration(port: dns) + """

                certificates: { node: { chain: \(authority.path("node.pem")), key: \(authority.path("node.key")) } }
                admin:
                  listen: "0.0.0.0:\(port)"
                  allowed_hosts: [admin.example.com]
                  tls:
                    certificate: node
                    client_authority: \(authority.path("ca.pem"))
                    clients: { "CN=ann,O=Example": admin, "*,O=Example": view }
                """
        let program = try Program(yaml)
        try wait(for: "the admin API") { program.logged("the admin API listens") }
        func ask(_ path: String, _ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(
                "curl",
                [
                    "--silent", "--show-error", "--include", "--max-time", "60", "--cacert", authority.path("ca.pem"),
                    "--resolve", "admin.example.com:\(port):127.0.0.1",
                ] + arguments + ["https://admin.example.com:\(port)\(path)"])
        }
        func key(_ name: String) -> [String] {
            ["--cert", authority.path("\(name).pem"), "--key", authority.path("\(name).key")]
        }
        #expect(try ask("/v1/status").output.hasPrefix("HTTP/1.1 401 "))
        let (ann, eve) = (key("ann"), key("eve"))
        #expect(try ask("/v1/status", eve[0], eve[1], eve[2], eve[3]).output.hasPrefix("HTTP/1.1 401 "))
        let who = try ask("/v1/session", ann[0], ann[1], ann[2], ann[3])
        #expect(who.output.contains(#""name":"CN=ann,O=Example""#), "\(who)")
        #expect(who.output.contains(#""role":"admin""#))
        // Who was let in by an authority that is taken away shows another certificate, also on a connection that is open.
        let stream = try Follower(
            program, "stream",
            [
                "--cacert", authority.path("ca.pem"), "--resolve", "admin.example.com:\(port):127.0.0.1",
                "https://admin.example.com:\(port)/v1/events",
            ] + ann)
        try wait(for: "the stream") { stream.text.contains("retry: ") }
        let others = try Authority()
        defer { others.remove() }
        try program.replaceConfiguration(
            yaml.replacingOccurrences(
                of: "client_authority: \(authority.path("ca.pem"))", with: "client_authority: \(others.path("ca.pem"))")
        )
        #expect(try ask("/v1/reload", "-X", "POST", ann[0], ann[1], ann[2], ann[3]).output.hasPrefix("HTTP/1.1 200 "))
        try wait(for: "the end of the stream") { stream.hasEnded }
        try wait(for: "the other authority") {
            try !ask("/v1/session", ann[0], ann[1], ann[2], ann[3]).output.hasPrefix("HTTP/1.1 200 ")
        }
        try program.replaceConfiguration(yaml)
        program.hangUp()
        try wait(for: "the first authority again") {
            try ask("/v1/session", ann[0], ann[1], ann[2], ann[3]).output.hasPrefix("HTTP/1.1 200 ")
        }

        try authority.issue("node", subject: "/CN=renewed", host: "other.example.com")
        let reloaded = try ask("/v1/reload", "-X", "POST", ann[0], ann[1], ann[2], ann[3])
        #expect(reloaded.output.hasPrefix("HTTP/1.1 200 "), "\(reloaded)")
        try wait(for: "the new certificate") { try ask("/v1/status").error.contains("no alternative certificate") }
    }

    @Test("with TLS, nothing is spoken that is older than 1.2, and nothing is signed with SHA-1")
    func oldTLS() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("node", subject: "/CN=node", key: "rsa", host: "admin.example.com")
        let port = try freePort()
        let program = try Program(
            NameServerScenarios.configuration(port: try freePort()) + """

                certificates: { node: { chain: \(authority.path("node.pem")), key: \(authority.path("node.key")) } }
                admin:
                  listen: "127.0.0.1:\(port)"
                  tls: { certificate: node, client_authority: \(authority.path("ca.pem")), clients: { "CN=ann": view } }
                """)
        try wait(for: "the admin API") { program.logged("the admin API listens") }
        // OpenSSL itself would speak none of it at a higher level.
        let all = "-cipher ALL:@SECLEVEL=0"
        for (arguments, isSpoken) in [
            ("", true), ("-tls1_2 \(all)", true), ("-tls1_2 \(all) -sigalgs RSA+SHA1:RSA+SHA256", true),
            ("-tls1_2 \(all) -sigalgs RSA+SHA1", false), ("-tls1_1 \(all)", false),
            ("-tls1_2 -cipher AES128-GCM-SHA256", false), ("-tls1_2 -cipher ECDHE-RSA-AES128-SHA", false),
        ] {
            let answer = try Program.run(
                "sh",
                [
                    "-c",
                    "printf 'GET /v1/node HTTP/1.1\\r\\nHost: 127.0.0.1:\(port)\\r\\nConnection: close\\r\\n\\r\\n' | "
                        + "timeout 60 openssl s_client -connect 127.0.0.1:\(port) -ign_eof \(arguments) 2>&1",
                ]
            ).output
            #expect(answer.contains("HTTP/1.1 401 ") == isSpoken, "\(arguments): \(answer)")
            #expect(answer.contains("Peer signing digest: SHA256") == isSpoken, "\(arguments): \(answer)")
            #expect(answer.contains(":ssl3_read_bytes:") == !isSpoken, "refused by an alert: \(arguments): \(answer)")
        }
    }

    @Test("a body or a head that is too large, and one that never comes, end; the others go on")
    func hostile() throws {
        let admin = try Admin()
        let file = admin.program.folder.appending(path: "body")
        try Data(repeating: 0x61, count: 10_000_000).write(to: file)
        let large = try admin.ask("PUT", "/v1/overrides/region", as: "operate", "--data-binary", "@\(file.path)")
        #expect(large.contains("HTTP/1.1 413 "))
        #expect(try admin.count("tooLarge") == 1)
        let head = try admin.ask(
            "GET", "/v1/status", as: "view", "--header", "X-A: \(String(repeating: "a", count: 40_000))")
        #expect(!head.hasPrefix("HTTP/1.1 200 "))
        let forged = try admin.ask(
            "PUT", "/v1/overrides/region", as: "operate", "--json",
            #"{"name":"eu","verdict":"drain","reason":"x\n2026 notice forged"}"#)
        #expect(forged.hasPrefix("HTTP/1.1 400 "))
        #expect(forged.contains(#""field":"reason""#))
        #expect(!admin.program.logged("notice forged"))
        // It promises a body and sends none.
        let request = "PUT /v1/overrides/region HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 9\\r\\n\\r\\n"
        let slow = try Program.run(
            "bash",
            [
                "-c",
                "exec 3<>/dev/tcp/127.0.0.1/\(admin.port); printf '\(request)' >&3; timeout -s KILL 120 cat <&3; echo end",
            ])
        #expect(slow.output.hasSuffix("end\n"))
        #expect(try admin.count("slowClients") == 1)
    }
}

extension Admin {
    /// The cookie of a new session, as `name=secret`.
    fileprivate func signIn(_ role: String) throws -> String {
        let answer = try ask("POST", "/v1/session", "--json", #"{"token":"\#(tokens[role] ?? "")"}"#)
        guard let line = answer.split(separator: "\r\n").first(where: { $0.lowercased().hasPrefix("set-cookie: ") })
        else { throw Program.Failure(description: answer) }
        #expect(line.contains("HttpOnly; SameSite=Strict"))
        return String(line.dropFirst("set-cookie: ".count).prefix { $0 != ";" })
    }

    private func ask(_ method: String, _ path: String, _ arguments: String...) throws -> String {
        try curl(["-X", method] + arguments + ["http://127.0.0.1:\(port)\(path)"])
    }
}
