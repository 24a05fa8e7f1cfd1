import Foundation
import Testing

@Suite("Certificates that do not fit")
struct AdminCertificateScenarios {
    private let authority: Authority
    private let program: Program
    private let port: Int
    private let socket: String
    private let yaml: String

    init() throws {
        authority = try Authority()
        try authority.issue("node", subject: "/CN=node", host: "admin.example.com")
        try authority.issue("web", subject: "/CN=web", host: "a.test")
        try authority.issue("stranger", subject: "/CN=stranger")
        try FileManager.default.copyItem(atPath: authority.path("ca.pem"), toPath: authority.path("clients.pem"))
        try FileManager.default.copyItem(atPath: authority.path("ca.pem"), toPath: authority.path("members.pem"))
        let (dns, web) = (try freePort(), try freePort())
        port = try freePort()
        socket = "/tmp/meridian-\(port).sock"
        yaml =
            NameServerScenarios.configuration(port: dns) + """

                certificates:
                  node: { chain: \(authority.path("node.pem")), key: \(authority.path("node.key")) }
                  web: { chain: \(authority.path("web.pem")), key: \(authority.path("web.key")) }
                upstreams:
                  app: { members: ["127.0.0.1:9"], tls: { authority: \(authority.path("members.pem")) } }
                listeners:
                  web: { address: "127.0.0.1:\(web)", tls: { certificates: [web] }, upstream: app }
                admin:
                  socket: \(socket)
                  listen: "0.0.0.0:\(port)"
                  allowed_hosts: [admin.example.com]
                  tls:
                    certificate: node
                    client_authority: \(authority.path("clients.pem"))
                    clients: { "CN=node": view }
                """
        program = try Program(yaml)
        let program = program
        try wait(for: "the admin API") { program.logged("the admin API listens") }
    }

    private func post(_ path: String) throws -> String {
        try Program.run(
            "curl",
            [
                "--silent", "--include", "--max-time", "60", "--unix-socket", socket, "-X", "POST",
                "http://meridian\(path)",
            ]
        ).output
    }

    /// Over TLS with the certificate of a client.
    private func ask(_ host: String) throws -> String {
        try Program.run(
            "curl",
            [
                "--silent", "--include", "--max-time", "60", "--cacert", authority.path("ca.pem"), "--cert",
                authority.path("node.pem"), "--key", authority.path("node.key.used"), "--resolve",
                "admin.example.com:\(port):127.0.0.1", "--header", "Host: \(host)",
                "https://admin.example.com:\(port)/v1/node",
            ]
        ).output
    }

    @Test("a reload, its dry run and a check refuse them with one line, and nothing of the reload is in force")
    func refused() throws {
        defer { authority.remove() }
        try FileManager.default.copyItem(atPath: authority.path("node.key"), toPath: authority.path("node.key.used"))
        // Right in its outer form: only what is inside is no certificate.
        let hollow = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
        let foreignKey = try String(contentsOfFile: authority.path("stranger.key"), encoding: .utf8)
        let cases: [(file: String, content: String, wrong: String, path: String)] = [
            ("node.key", foreignKey, "does not belong to the first certificate", "/certificates/node/key"),
            ("web.key", foreignKey, "does not belong to the first certificate", "/certificates/web/key"),
            ("clients.pem", hollow, "cannot be read", "/admin/tls/client_authority"),
            ("members.pem", hollow, "cannot be read", "/upstreams/app/tls/authority"),
        ]
        // Something else that a reload would bring.
        let next = yaml.replacingOccurrences(of: "[admin.example.com]", with: "[admin.example.com, new.example.com]")
        try program.replaceConfiguration(next)
        for (file, content, wrong, path) in cases {
            let kept = try String(contentsOfFile: authority.path(file), encoding: .utf8)
            try content.write(toFile: authority.path(file), atomically: true, encoding: .utf8)
            let check = try Program.run(Program.binary.path, ["check", "-c", program.configuration.path])
            #expect(check.status == 1, "\(file)")
            let lines = check.error.split(separator: "\n").filter { !$0.contains(": warning: ") }
            #expect(lines.count == 1, "\(check)")
            #expect(lines.first?.contains(authority.path(file)) ?? false, "\(check)")
            #expect(lines.first?.contains(wrong) ?? false, "\(check)")
            let checked = try post("/v1/check")
            #expect(checked.contains(#""isValid":false"#) && checked.contains(path), "\(checked)")
            for reload in ["/v1/reload?dry_run=true", "/v1/reload"] {
                let answer = try post(reload)
                #expect(answer.hasPrefix("HTTP/1.1 422 "), "\(file) \(reload): \(answer)")
                #expect(answer.contains(wrong) && answer.contains(path), "\(file) \(reload): \(answer)")
            }
            #expect(try ask("admin.example.com").contains(#""generation":1,"#), "\(file): it serves as before")
            #expect(try ask("new.example.com").hasPrefix("HTTP/1.1 421 "), "\(file): nothing is half in force")
            try kept.write(toFile: authority.path(file), atomically: true, encoding: .utf8)
        }
        #expect(try post("/v1/reload").hasPrefix("HTTP/1.1 200 "))
        #expect(try ask("new.example.com").contains(#""generation":2,"#))
    }
}
