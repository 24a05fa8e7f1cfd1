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
    /// - Parameter host: `nil`: only the subject has a name.
    func issue(_ name: String, subject: String, key: String = "ec", host: String? = "a.test", days: Int = 30) throws {
        let algorithm =
            switch key {
            case "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            case "rsa": ["rsa:2048"]
            case "ed25519": ["ed25519"]
            default: ["ec", "-pkeyopt", "ec_paramgen_curve:\(key)"]
            }
        try Self.openssl(
            ["req", "-new", "-newkey"] + algorithm
                + ["-nodes", "-subj", subject, "-keyout", path("\(name).key"), "-out", path("\(name).csr")])
        try (host.map { "subjectAltName=DNS:\($0)\n" } ?? "keyUsage=digitalSignature\n").write(
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
                "printf 'GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n' | timeout -s KILL 60 openssl s_client "
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
            ["-sS", "--max-time", "60", "--cacert", authority.path("ca.pem"), "--resolve", "a.test:\(port):127.0.0.1"]
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

    @Test("of keys that clients know by halves each gets one that it can do with, and nothing is signed with SHA-1")
    func manyKeys() throws {
        let authority = try Authority()
        defer { authority.remove() }
        let kinds = [("ed", "ed25519"), ("p521", "P-521"), ("p384", "P-384"), ("rsa", "rsa")]
        for (name, key) in kinds { try authority.issue(name, subject: "/CN=\(name)", key: key) }
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(
                port: port, member: member.port, authority, certificates: kinds.map(\.0)))
        for (arguments, name) in [
            ("", "ed"), ("-tls1_2", "ed"), ("-sigalgs ECDSA+SHA256:RSA-PSS+SHA256", "rsa"),
            ("-sigalgs ECDSA+SHA512:RSA-PSS+SHA256", "p521"), ("-sigalgs ECDSA+SHA384", "p384"),
            ("-tls1_2 -sigalgs ECDSA+SHA256:RSA-PSS+SHA256 -curves P-256:P-384", "p384"),
            ("-tls1_2 -sigalgs ECDSA+SHA256:RSA+SHA256 -curves X25519", "rsa"),
            ("-curves P-521", "ed"), ("-tls1_2 -sigalgs ECDSA+SHA512 -curves P-521", "p521"),
            ("-tls1_2 -sigalgs ECDSA+SHA512:RSA+SHA256 -curves X25519:P-521", "p521"),
            ("-tls1_2 -sigalgs RSA+SHA256 -curves P-521", "rsa"),
        ] {
            let answer = try Self.client(port, authority, arguments)
            #expect(answer.contains("CN = \(name)\n") && answer.contains("200 OK"), "\(answer)\(program.text)")
        }
        for scheme in ["RSA+SHA1", "ECDSA+SHA1"] {
            let answer = try Self.client(port, authority, "-tls1_2 -cipher ALL:@SECLEVEL=0 -sigalgs \(scheme)")
            #expect(answer.contains("handshake failure") && !answer.contains("200 OK"), "\(answer)")
        }
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

    @Test(
        "a member's certificate must be for the name, not for its address nor by its common name",
        arguments: [
            ("a.test", "/CN=x", true), ("*.a.test", "/CN=a.test", false), ("b.test,IP:127.0.0.1", "/CN=x", false),
            (nil, "/CN=a.test", false),
        ] as [(String?, String, Bool)])
    func memberIdentity(host: String?, subject: String, isTaken: Bool) throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("edge", subject: "/CN=edge")
        try authority.issue("member", subject: subject, host: host)
        let (outerPort, innerPort) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let inner = try Program(
            Self.configuration(port: innerPort, member: member.port, authority, certificates: ["member"]))
        let socket = "/tmp/meridian-\(outerPort).sock"
        let trust = ", tls: { server_name: a.test, authority: \(authority.path("ca.pem")) }"
        func outer(_ upstream: String, _ more: String = "") -> String {
            Self.configuration(
                port: outerPort, member: innerPort, authority, certificates: ["edge"], upstream: trust + upstream)
                + "\nadmin: { socket: \(socket) }\n" + more
        }
        let program = try Program(outer(""))
        func answer() throws -> String { try Self.curl(outerPort, "/", authority, "-w", " %{http_code}").output }
        #expect(try answer().hasSuffix(isTaken ? " 200" : " 502"), "\(program.text)\(inner.text)")
        try program.replaceConfiguration(outer(", http2: true"))
        program.hangUp()
        try wait(for: "members in HTTP/2") { program.logged("generation=2 ") }
        #expect(try answer().hasSuffix(isTaken ? " 200" : " 502"), "\(program.text)\(inner.text)")

        let probe = "{ tls: true, host: a.test, verify_certificate: true, authority: \(authority.path("ca.pem")) }"
        try program.replaceConfiguration(
            outer(", monitors: [deep]", "monitors: { deep: { http: \(probe), interval: 100ms } }\n"))
        program.hangUp()
        try wait(for: "a verdict") {
            try Program.run("curl", ["-s", "--unix-socket", socket, "http://localhost/v1/monitors"]).output
                .contains(isTaken ? #""state":"up""# : #""state":"down""#)
        }
        #expect(isTaken || program.logged("TLS handshake failed: "), "\(program.text)")
    }

    @Test(
        "a member whose certificate is refused says why, in the status and once in the log",
        arguments: [
            ("ended", "a.test", "a.test", -1, "its certificate has ended"),
            ("named", "a.test", "b.test", 30, "its certificate is for another name"),
            ("strange", "a.test", "a.test", 30, "no authority that is trusted vouches for its certificate"),
            ("address", "127.0.0.1", "a.test,IP:127.0.0.1", 30, nil),
            ("another address", "127.0.0.2", "a.test,IP:127.0.0.1", 30, "its certificate is for another name"),
        ] as [(String, String, String, Int, String?)])
    func refusal(_ name: String, wanted: String, host: String, days: Int, reason: String?) throws {
        let authority = try Authority()
        defer { authority.remove() }
        let stranger = try Authority()
        defer { stranger.remove() }
        try authority.issue("edge", subject: "/CN=edge")
        let issuer = name == "strange" ? stranger : authority
        try issuer.issue("member", subject: "/CN=x", host: host, days: days)
        let (outerPort, innerPort) = (try freePort(), try freePort())
        let member = try MemberProcess(port: try freePort())
        let inner = try Program(
            Self.configuration(port: innerPort, member: member.port, issuer, certificates: ["member"]))
        let socket = "/tmp/meridian-\(outerPort).sock"
        let trust = ", ejection_time: 0s, tls: { server_name: \(wanted), authority: \(authority.path("ca.pem")) }"
        let outer = try Program(
            Self.configuration(
                port: outerPort, member: innerPort, authority, certificates: ["edge"], upstream: trust)
                + "\nadmin: { socket: \(socket) }\n")
        for _ in 0..<3 {
            let answer = try Self.curl(outerPort, "/", authority, "-w", " %{http_code}").output
            #expect(answer.hasSuffix(reason == nil ? " 200" : " 502"), "\(answer)\(outer.text)\(inner.text)")
        }
        let status = try Program.run(Program.binary.path, ["status", "--socket", socket]).output
        let lines = outer.text.split(separator: "\n").filter { $0.contains("certificate is refused") }
        if let reason {
            #expect(status.contains("ago: \(reason)"), "\(status)")
            #expect(lines.count == 1 && lines[0].contains(reason) && lines[0].contains("upstream=app"), "\(lines)")
        } else {
            #expect(!status.contains("refused") && lines.isEmpty, "\(status)\(lines)")
        }
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
        #expect(result.requests > 5 && result.failures.isEmpty, "\(result)")
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
