import Foundation
import Testing

/// Certificates made by OpenSSL for one test.
struct Authority {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "meridian-ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.openssl(
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
                + ["-subj", "/CN=test authority", "-keyout", path("ca.key"), "-out", path("ca.pem")])
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// `NAME.pem` and `NAME.key`, signed by the authority.
    func issue(_ name: String, subject: String, key: String = "ec", host: String = "a.test", days: Int = 30) throws {
        let algorithm = key == "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"]
        try Self.openssl(
            ["req", "-new", "-newkey"] + algorithm
                + ["-nodes", "-subj", subject, "-keyout", path("\(name).key"), "-out", path("\(name).csr")])
        try "subjectAltName=DNS:\(host)\n".write(
            toFile: path("\(name).ext"), atomically: true, encoding: .utf8)
        try Self.openssl(
            ["x509", "-req", "-in", path("\(name).csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key")]
                + ["-CAcreateserial", "-days", "\(days)", "-extfile", path("\(name).ext"), "-out", path("\(name).pem")])
    }

    static func openssl(_ arguments: [String]) throws {
        let result = try Program.run("openssl", arguments)
        guard result.status == 0 else { throw Program.Failure(description: result.error) }
    }
}

@Suite("TLS, asked by OpenSSL and curl", .serialized)
struct TLSScenarios {
    private static func configuration(
        port: Int, member: Int, _ authority: Authority, certificates: [String], tls: String = "", upstream: String = ""
    ) -> String {
        let declared = certificates.map {
            "\($0): { chain: \(authority.path("\($0).pem")), key: \(authority.path("\($0).key")) }"
        }.joined(separator: ", ")
        return """
            proxy: { access_log: "off", threads: 1 }
            certificates: { \(declared) }
            upstreams:
              app: { members: ["127.0.0.1:\(member)"]\(upstream) }
            listeners:
              web:
                address: "127.0.0.1:\(port)"
                tls: { certificates: [\(certificates.joined(separator: ", "))]\(tls) }
                upstream: app
            """
    }

    private static func client(_ port: Int, _ authority: Authority, _ arguments: String...) throws -> String {
        let result = try Program.run(
            "sh",
            [
                "-c",
                "printf 'GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 openssl s_client "
                    + "-connect 127.0.0.1:\(port) -servername a.test -CAfile \(authority.path("ca.pem")) -ign_eof "
                    + arguments.joined(separator: " ") + " 2>&1",
            ])
        return result.output
    }

    private static func curl(
        _ port: Int, _ path: String, _ authority: Authority, _ arguments: String...
    ) throws -> (
        output: String, error: String, status: Int32
    ) {
        try Program.run(
            "curl",
            ["-sS", "--max-time", "10", "--cacert", authority.path("ca.pem"), "--resolve", "a.test:\(port):127.0.0.1"]
                + arguments + ["https://a.test:\(port)\(path)"])
    }

    @Test("one name has an RSA and an elliptic certificate, and each client gets the one that it understands")
    func twoKeys() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("rsa", subject: "/CN=rsa", key: "rsa")
        try authority.issue("ec", subject: "/CN=ec")
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(port: port, member: member.port, authority, certificates: ["rsa", "ec"]))
        let modern = try Self.client(port, authority)
        #expect(modern.contains("Peer signature type: ECDSA") && modern.contains("200 OK"), "\(modern)\(program.text)")
        #expect(modern.contains("Verify return code: 0"))
        for arguments in ["-sigalgs RSA-PSS+SHA256", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"] {
            let old = try Self.client(port, authority, arguments)
            #expect(old.contains("Peer signature type: RSA-PSS") && old.contains("200 OK"), "\(old)")
        }
        let resumed = try Self.client(port, authority, "-tls1_2 -reconnect")
        #expect(resumed.contains("Reused, TLSv1.2"), "\(resumed)")
    }

    @Test("HTTP/2 is agreed on with TLS, and each host gets its own certificate's connection")
    func http2() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=ec")
        try authority.issue("other", subject: "/CN=other", host: "b.test")
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(port: port, member: member.port, authority, certificates: ["ec", "other"]))
        for (argument, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
            let result = try Self.curl(port, "/", authority, argument, "-w", " %{http_version}")
            #expect(result.output == "abc \(version)", "\(result)\(program.text)")
        }
        let wrong = try Self.curl(port, "/", authority, "--http2", "-H", "Host: b.test", "-w", " %{http_code}")
        #expect(wrong.output.hasSuffix(" 421"), "\(wrong)")
        let load = try Program.run("h2load", ["-n", "1000", "-c", "4", "-m", "10", "https://127.0.0.1:\(port)/"])
        #expect(load.output.contains("1000 succeeded, 0 failed"), "\(load)")
    }

    @Test("members are spoken to in HTTP/2 over TLS, if they agree")
    func http2Members() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=ec")
        let (port, inner) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let front = try Program(
            Self.configuration(port: inner, member: member.port, authority, certificates: ["ec"]))
        let trust = "{ server_name: a.test, authority: \(authority.path("ca.pem")) }"
        let program = try Program(
            Self.configuration(
                port: port, member: inner, authority, certificates: ["ec"], upstream: ", http2: true, tls: \(trust)"))
        let result = try Self.curl(port, "/echo", authority)
        #expect(result.output.contains("Via: 2 meridian-") && result.output.contains(", 2 meridian-"), "\(result)")
        let load = try Program.run("h2load", ["-n", "1000", "-c", "4", "-m", "10", "https://127.0.0.1:\(port)/"])
        #expect(load.output.contains("1000 succeeded, 0 failed"), "\(load)\(program.text)\(front.text)")
    }

    @Test("a client that speaks nothing new enough is refused")
    func minimumVersion() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=ec")
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(
                port: port, member: member.port, authority, certificates: ["ec"], tls: ", minimum_version: 1.3"))
        #expect(try Self.client(port, authority, "-tls1_2").contains("alert"), "\(program.text)")
        #expect(try Self.client(port, authority, "-tls1_3").contains("200 OK"))
    }

    @Test("clients show certificates, members get the subject and nobody can make one up", arguments: [true, false])
    func clientCertificates(isRequired: Bool) throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=ec")
        try authority.issue("alice", subject: "/C=PL/O=Example, Inc/CN=alice")
        let stranger = try Authority()
        defer { stranger.remove() }
        try stranger.issue("alice", subject: "/CN=alice")
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(
                port: port, member: member.port, authority, certificates: ["ec"],
                tls: ", client_certificates: { authority: \(authority.path("ca.pem")), required: \(isRequired) }"))
        let forged = ["-H", "X-Client-Certificate-Subject: CN=root"]
        let known = try Self.curl(
            port, "/echo", authority, "--cert", authority.path("alice.pem"), "--key", authority.path("alice.key"),
            forged[0], forged[1])
        #expect(
            known.output.contains("\nX-Client-Certificate-Subject: CN=alice,O=Example\\, Inc,C=PL\r\n"),
            "\(known)\(program.text)")
        #expect(!known.output.contains("CN=root"))
        let none = try Self.curl(port, "/echo", authority, forged[0], forged[1])
        #expect(isRequired ? none.status != 0 : none.status == 0)
        #expect(!none.output.contains("X-Client-Certificate-Subject"))
        let wrong = try Self.curl(
            port, "/echo", authority, "--cert", stranger.path("alice.pem"), "--key", stranger.path("alice.key"))
        #expect(wrong.status != 0 && wrong.output.isEmpty)
    }

    @Test("members that ask for a certificate are shown one")
    func upstreamCertificate() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=ec")
        try authority.issue("edge", subject: "/CN=edge")
        let (outerPort, innerPort) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let inner = try Program(
            Self.configuration(
                port: innerPort, member: member.port, authority, certificates: ["ec"],
                tls: ", client_certificates: { authority: \(authority.path("ca.pem")) }"))
        let shown = ", tls: { server_name: a.test, authority: \(authority.path("ca.pem")), certificate: edge }"
        let outer = try Program(
            Self.configuration(
                port: outerPort, member: innerPort, authority, certificates: ["ec", "edge"], upstream: shown))
        let answer = try Self.curl(outerPort, "/echo", authority)
        #expect(
            answer.output.contains("\nX-Client-Certificate-Subject: CN=edge\r\n"),
            "\(answer)\(outer.text)\(inner.text)")
        try outer.replaceConfiguration(
            Self.configuration(
                port: outerPort, member: innerPort, authority, certificates: ["ec", "edge"],
                upstream: shown.replacingOccurrences(of: ", certificate: edge", with: "")))
        outer.hangUp()
        try wait(for: "generation 2") { outer.logged("generation=2 ") }
        #expect(try Self.curl(outerPort, "/", authority).output.contains("502"))
    }

    @Test("a certificate is replaced by a reload, under load and without a failed request; a broken one is refused")
    func replacement() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("ec", subject: "/CN=first", days: 5)
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(port: port, member: member.port, authority, certificates: ["ec"])
                + "\nadmin: { socket: \(socket) }\n")
        #expect(program.logged("a certificate ends soon"), "\(program.text)")
        func status() throws -> String {
            try Program.run(Program.binary.path, ["status", "--socket", socket]).output
        }
        // The fifth day has begun to run, or has not.
        let days = try status()
        #expect(days.contains("certificate ec  4 days left") || days.contains("certificate ec  5 days left"), "\(days)")
        #expect(try Self.client(port, authority).contains("subject=CN = first"))

        let load = try Load(port, seconds: 3, scheme: "https")
        for turn in 2..<6 {
            try authority.issue("ec", subject: "/CN=turn\(turn)", days: 90)
            program.hangUp()
            try wait(for: "generation \(turn)") { program.logged("generation=\(turn) ") }
            #expect(try Self.client(port, authority).contains("subject=CN = turn\(turn)"))
        }
        let result = try load.result()
        #expect(result.requests > 50 && result.failures.isEmpty, "\(result)")
        let later = try status()
        #expect(later.contains("certificate ec  89 days left") || later.contains("certificate ec  90 days left"))

        // A key that belongs to another certificate.
        try authority.issue("other", subject: "/CN=other")
        try FileManager.default.removeItem(atPath: authority.path("ec.key"))
        try FileManager.default.copyItem(atPath: authority.path("other.key"), toPath: authority.path("ec.key"))
        program.hangUp()
        try wait(for: "the refusal") { program.logged("reload refused") }
        #expect(try Self.client(port, authority).contains("subject=CN = turn5"))
    }
}
