import Foundation
import Testing

@Suite("TLS sessions that are taken up again, and what is counted of handshakes", .serialized)
struct TLSResumptionScenarios {
    private struct Site {
        let authority: Authority
        let port: Int
        let metrics: Int
        let member: MemberProcess
        let program: Program

        /// - Parameter clients: whether they must show certificates of the authority; `nil`: they are not asked.
        init(clients: Bool? = nil) throws {
            authority = try Authority()
            try authority.issue("ec", subject: "/CN=ec")
            try authority.issue("alice", subject: "/CN=alice")
            (port, metrics) = (try freePort(), try freePort())
            member = try MemberProcess(port: try freePort())
            let path = authority.path("ca.pem")
            let tls = clients.map { ", client_certificates: { authority: \(path), required: \($0) }" } ?? ""
            program = try Program(
                """
                proxy: { access_log: "off", threads: 1 }
                metrics: { listen: "127.0.0.1:\(metrics)" }
                certificates: { ec: { chain: \(authority.path("ec.pem")), key: \(authority.path("ec.key")) } }
                upstreams: { app: { members: ["127.0.0.1:\(member.port)"] } }
                listeners:
                  web: { address: "127.0.0.1:\(port)", tls: { certificates: [ec]\(tls) }, upstream: app }
                """)
        }

        func ask(_ arguments: String...) throws -> String {
            try Program.run(
                "sh",
                [
                    "-c",
                    "printf 'GET /echo HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n' | "
                        + "timeout -s KILL 60 openssl s_client -connect 127.0.0.1:\(port) -servername a.test "
                        + "-CAfile \(authority.path("ca.pem")) -ign_eof " + arguments.joined(separator: " ") + " 2>&1",
                ]
            ).output
        }

        func figure(_ series: String) throws -> Double? {
            try Program.run("curl", ["-sS", "--max-time", "60", "http://127.0.0.1:\(metrics)/metrics"]).output
                .split(separator: "\n").first { $0.hasPrefix(series + " ") }
                .flatMap { Double($0.dropFirst(series.count + 1)) }
        }
    }

    @Test("a session is taken up again, in both versions", arguments: ["1_2", "1_3"])
    func resumed(version: String) throws {
        let site = try Site()
        defer { site.authority.remove() }
        let session = site.authority.path("session")
        let first = try site.ask("-tls\(version) -sess_out \(session)")
        #expect(first.contains("200 OK") && first.contains("\nNew, TLSv1."), "\(first)\(site.program.text)")
        let second = try site.ask("-tls\(version) -sess_in \(session)")
        #expect(second.contains("200 OK") && second.contains("\nReused, TLSv1."), "\(second)\(site.program.text)")
        let result = version == "1_2" ? "tls1.2" : "tls1.3"
        #expect(try site.figure("meridian_tls_handshakes_total{result=\"\(result)\"}") == 2)
    }

    @Test(
        "who takes up a session that began with a certificate is still the one whom it names",
        arguments: ["1_2", "1_3"], [true, false])
    func clientCertificate(version: String, isRequired: Bool) throws {
        let site = try Site(clients: isRequired)
        defer { site.authority.remove() }
        let session = site.authority.path("session")
        let own = "-cert \(site.authority.path("alice.pem")) -key \(site.authority.path("alice.key"))"
        let subject = "\nX-Client-Certificate-Subject: CN=alice\r\n"
        let first = try site.ask("-tls\(version) -sess_out \(session)", own)
        #expect(first.contains(subject), "\(first)\(site.program.text)")
        let second = try site.ask("-tls\(version) -sess_in \(session)", own)
        #expect(second.contains(subject), "\(second)\(site.program.text)")
        // Without the key there is only what the session says, or nobody.
        let third = try site.ask("-tls\(version) -sess_in \(session)")
        #expect(third.contains(subject) == third.contains("\nReused, "), "\(third)")
        #expect(third.contains("200 OK") || isRequired)
    }

    @Test("a session does not outlive the certificate that it began with")
    func endedMeanwhile() throws {
        let site = try Site(clients: false)
        defer { site.authority.remove() }
        let own = "-cert \(site.authority.path("alice.pem")) -key \(site.authority.path("alice.key"))"
        let versions = ["1_2", "1_3"]
        var end = Date.now
        // As long as it takes to begin both sessions, on whatever machine.
        let hasBegun = try [5.0, 30, 120].contains { seconds in
            end = .now.addingTimeInterval(seconds)
            try site.authority.expire("alice", at: end)
            return try versions.allSatisfy {
                try site.ask("-tls\($0) -sess_out \(site.authority.path($0))", own).contains("CN=alice\r\n")
            }
        }
        #expect(hasBegun, "\(site.program.text)")
        try wait(for: "the end of the certificate", seconds: 180) { Date.now > end.addingTimeInterval(1) }
        for version in versions {
            let later = try site.ask("-tls\(version) -sess_in \(site.authority.path(version))")
            #expect(!later.contains("HTTP/1.1 200 OK"), "\(later)")
        }
        // Nobody in particular is let in as before.
        #expect(try site.ask("-tls1_3").contains("200 OK"))
    }

    @Test("handshakes are counted by version and by failure, and each certificate's end has its name")
    func counted() throws {
        let site = try Site()
        defer { site.authority.remove() }
        #expect(try site.ask("-tls1_2").contains("200 OK"))
        for _ in 0..<2 { #expect(try site.ask("-tls1_3").contains("200 OK")) }
        _ = try site.ask("-tls1_1 -cipher ALL:@SECLEVEL=0")
        _ = try Program.run("curl", ["-sS", "--max-time", "60", "http://127.0.0.1:\(site.port)/"])
        func series(_ result: String) -> String { "meridian_tls_handshakes_total{result=\"\(result)\"}" }
        try wait(for: "the failures") { try site.figure(series("failed")) == 2 }
        #expect(try site.figure(series("tls1.2")) == 1)
        #expect(try site.figure(series("tls1.3")) == 2)
        let end = try #require(
            try site.figure("meridian_certificate_expiry_timestamp_seconds{certificate=\"ec\"}"))
        let days = (end - Date.now.timeIntervalSince1970) / 86_400
        #expect(days > 29 && days < 31, "\(days)")
    }
}
