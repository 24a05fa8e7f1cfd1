import Foundation
import Testing

/// They take a minute, and keep the machine busy: `make test-slow` runs them.
@Suite(
    "The VIP tier under attack, by slowhttptest, with members that die under HTTP/2, and seen by testssl.sh",
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["MERIDIAN_SLOW"] != nil))
struct AttackScenarios {
    private static func configuration(_ port: Int, _ member: Int, limits: String) -> String {
        """
        proxy: { access_log: "off", threads: 1, limits: { \(limits) } }
        upstreams:
          app: { members: ["127.0.0.1:\(member)"] }
        listeners:
          web: { address: "127.0.0.1:\(port)", upstream: app }
        """
    }

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let arguments: [String]
        var testDescription: String { name }
    }

    static let attacks = [
        Attack(name: "slow heads", arguments: ["-H", "-i", "1"]),
        Attack(name: "slow bodies", arguments: ["-B", "-i", "1", "-s", "8192"]),
        Attack(name: "slow reading", arguments: ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "16"]),
    ]

    @Test("who is slow on purpose is cut off in time, and others are served meanwhile", arguments: attacks)
    func slow(_ attack: Attack) throws {
        let port = try freePort()
        let member = try MemberProcess(port: try freePort())
        let program = try Program(
            Self.configuration(
                port, member.port,
                limits: "head_timeout: 2s, body_timeout: 2s, body_rate: 1KiB, read_rate: 100KiB, buffer_size: 16KiB"))
        let attacker = Process()
        let output = makePipe()
        attacker.executableURL = URL(filePath: "/usr/bin/env")
        // A probe of its own would share what is measured.
        let path = attack.name == "slow reading" ? "/large" : "/"
        attacker.arguments =
            ["slowhttptest", "-c", "100", "-r", "100", "-l", "12", "-p", "5"] + attack.arguments
            + ["-u", "http://127.0.0.1:\(port)\(path)"]
        attacker.standardOutput = output
        try attacker.start()
        var served = 0
        while attacker.isRunning {
            let result = try Program.run("curl", ["-sS", "--max-time", "5", "http://127.0.0.1:\(port)/"])
            #expect(result.output == "abc", "\(result)\(program.text)")
            served += 1
            usleep(200_000)
        }
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(served > 2)
        // It ends by itself when the last of its connections was closed on it; who reads slowly does not notice.
        #expect(attack.name == "slow reading" || text.contains("No open connections left"), "\(text.suffix(2000))")
        #expect(program.memory < 300 << 20)
    }

    @Test("a member that is killed under HTTP/2 load fails no request", arguments: [false, true])
    func killedMember(isHTTP2: Bool) throws {
        let port = try freePort()
        let members = try [MemberProcess(port: try freePort()), MemberProcess(port: try freePort())]
        // Members that speak HTTP/2 are programs of our own, in front of the others.
        var fronts: [Program] = []
        var ports = members.map(\.port)
        if isHTTP2 {
            ports = try members.map { _ in try freePort() }
            for (member, own) in zip(members, ports) {
                fronts.append(try Program(Self.configuration(own, member.port, limits: "")))
            }
        }
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 1 }
            upstreams:
              app: { members: [\(ports.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", "))], http2: \(isHTTP2) }
            listeners:
              web: { address: "127.0.0.1:\(port)", upstream: app }
            """)
        let load = Process()
        let output = makePipe()
        load.executableURL = URL(filePath: "/usr/bin/env")
        load.arguments = ["h2load", "-D", "4", "-c", "8", "-m", "8", "http://127.0.0.1:\(port)/"]
        load.standardOutput = output
        try load.start()
        usleep(1_500_000)
        if isHTTP2 { fronts[1].kill() } else { members[1].kill() }
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        load.waitUntilExit()
        #expect(
            text.contains(" 0 failed, 0 errored, 0 timeout") && text.contains("0 4xx, 0 5xx"), "\(text)\(program.text)")
        #expect(!text.contains("status codes: 0 2xx"))
    }

    /// What it says of certificates is about the one that the test made.
    private struct Finding: Decodable {
        var id: String
        var severity: String
        var finding: String
    }

    @Test(
        "testssl.sh finds no weakness, whatever the key and the oldest version", arguments: ["ec", "rsa"],
        ["1.2", "1.3"])
    func weaknesses(key: String, version: String) throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("own", subject: "/CN=a.test", key: key, days: 90)
        let port = try freePort()
        let program = try Program(
            """
            proxy: { access_log: "off", threads: 1 }
            certificates: { own: { chain: \(authority.path("own.pem")), key: \(authority.path("own.key")) } }
            listeners:
              web:
                address: "127.0.0.1:\(port)"
                tls: { certificates: [own], minimum_version: \(version) }
                routes: [ { respond: { body: hello } } ]
            """)
        let report = program.folder.appending(path: "findings.json")
        let result = try Program.run(
            "testssl",
            [
                "--warnings", "off", "--color", "0", "--quiet", "--jsonfile", report.path, "--ip", "127.0.0.1",
                "--protocols", "--server-defaults", "--server-preference", "--std", "--vulnerable", "a.test:\(port)",
            ])
        let findings = try JSONDecoder().decode([Finding].self, from: Data(contentsOf: report))
        #expect(findings.count > 50, "\(result)")
        // About the test's authority, and the machine's OpenSSL; and a preference of the server's would say nothing
        // where all that is offered is good (as Mozilla's "intermediate" has it).
        let others = ["engine_problem", "cert_chain_of_trust", "cert_revocation", "DNS_CAArecord", "cipher_order"]
        let bad = findings.filter {
            !["OK", "INFO"].contains($0.severity) && !others.contains($0.id) && !$0.id.hasPrefix("cipher_order")
        }
        #expect(bad.isEmpty, "\(bad)")
    }
}
