import Foundation
import Testing

@Suite("Measurements from a file, with the real binary")
struct MeasurementScenarios {
    @Test(
        "the least loaded region is answered as the file changes, a broken file changes nothing, and old data is none")
    func load() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let file = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString).csv")
        func write(_ text: String) throws { try text.write(to: file, atomically: true, encoding: .utf8) }
        defer { try? FileManager.default.removeItem(at: file) }  // left behind: only rubbish in /tmp
        try write("load,eu-1,connections,900\nload,us-1,connections,10\n")
        let yaml = NameServerScenarios.configuration(port: port)
            .replacingOccurrences(of: "[eu-1, eu-2]", with: "[eu-1]")
            .replacingOccurrences(of: "  eu-2: { address: \"192.0.2.2:443\", region: eu }\n", with: "")
        let stages = yaml.components(separatedBy: "\n").filter {
            !$0.contains("method: topology") && !$0.contains("topology:") && !$0.contains("prefixes:")
        }.joined(separator: "\n").replacingOccurrences(
            of: "    ttl: 30s", with: "    ttl: 30s\n    stages: [available, { order: connections }]")
        let program = try Program(
            stages + "\nmeasurements: { file: \(file.path), max_age: 20s }\nadmin: { socket: \(socket) }\n")
        func answer() throws -> String { try Program.dig(port, "api.example.com", "+short") }
        func becomes(_ wanted: String) throws {
            try wait(for: "the answer \(wanted)") { (try? answer()) == wanted }  // no answer: not yet
        }
        try becomes("us.lb.example.net.\n")
        let explained = try Program.run(
            Program.binary.path, ["explain", "api.example.com", "--resolver", "127.0.0.1", "--socket", socket])
        #expect(explained.output.contains("connections 900.0, from \(file.path)"), "\(explained)")
        try write("load,eu-1,connections,1\nload,us-1,connections,10\n")
        try becomes("eu.lb.example.net.\n")
        try write("load,eu-1,connections,9\nload,us-1,connections,1\n")
        try becomes("us.lb.example.net.\n")
        try write("load,eu-1,connections,many\n")
        try wait(for: "the complaint") { program.logged("is not a number from 0") }
        #expect(try answer() == "us.lb.example.net.\n")
        // Then the readings become too old, and the order of the configuration is back.
        try becomes("eu.lb.example.net.\n")
    }

    private static func pair(_ port: Int, _ addresses: [String], stages: String, extra: String) -> String {
        """
        dns: { listen: ["127.0.0.1:\(port)"] }
        regions: { eu: { host: eu.lb.example.net }, us: { host: us.lb.example.net } }
        virtual_servers:
          eu-1: { address: "\(addresses[0])", region: eu, monitors: [eu] }
          us-1: { address: "\(addresses[1])", region: us, monitors: [us] }
        pools: { eu: { virtual_servers: [eu-1] }, us: { virtual_servers: [us-1] } }
        wide_ips: { api.example.com: { pools: [eu, us], stages: \(stages) } }
        zones: { example.com: { ns: [ns1.example.com] }, example.net: { ns: [ns1.example.com] } }
        \(extra)
        """
    }

    private static func monitors(_ eu: String, _ us: String) -> String {
        "monitors: { eu: { http: \(eu), interval: 200ms }, us: { http: \(us), interval: 200ms } }\n"
    }

    @Test("what servers report to health checks moves clients: in the field, and in a JSON body")
    func reports() throws {
        let port = try freePort()
        let (eu, us) = (try MemberProcess(port: try freePort()), try MemberProcess(port: try freePort()))
        func configuration(_ checks: String) -> String {
            Self.pair(
                port, ["127.0.0.1:\(eu.port)", "127.0.0.1:\(us.port)"], stages: "[available, { order: queue }]",
                extra: checks)
        }
        let program = try Program(configuration(Self.monitors("{ path: /queue/7 }", "{ path: /queue/2 }")))
        func becomes(_ wanted: String) throws {
            try wait(for: "the answer \(wanted)") {
                (try? Program.dig(port, "api.example.com", "+short")) == wanted  // no answer: not yet
            }
        }
        try becomes("us.lb.example.net.\n")
        for checks in [
            Self.monitors("{ path: /queue/1 }", "{ path: /queue/2 }"),
            Self.monitors("{ path: /body/9, load: body }", "{ path: /queue/3 }"),
            Self.monitors("{ path: /body/2, load: body }", "{ path: /body/3, load: body }"),
        ] {
            try program.replaceConfiguration(configuration(checks))
            program.hangUp()
            try becomes(checks.contains("/body/9") ? "us.lb.example.net.\n" : "eu.lb.example.net.\n")
        }
    }

    @Test("what this node's own listener carries moves clients, and a file's word for the other place stands beside it")
    func listener() throws {
        let (port, listener) = (try freePort(), try freePort())
        let (socket, member) = ("/tmp/meridian-\(port).sock", try MemberProcess(port: try freePort()))
        let file = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString).csv")
        try "load,us-1,connections,2".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }  // left behind: only rubbish in /tmp
        let program = try Program(
            Self.pair(
                port, ["127.0.0.1:\(listener)", "127.0.0.1:\(member.port)"],
                stages: "[available, { order: connections }]",
                extra: """
                    monitors: { eu: { tcp: {}, interval: 10s }, us: { tcp: {}, interval: 10s } }
                    upstreams: { app: { members: ["127.0.0.1:\(member.port)"] } }
                    listeners: { web: { address: "127.0.0.1:\(listener)", upstream: app } }
                    measurements: { file: \(file.path) }
                    admin: { socket: \(socket) }
                    """))
        func becomes(_ wanted: String) throws {
            try wait(for: "the answer \(wanted)") {
                (try? Program.dig(port, "api.example.com", "+short")) == wanted  // no answer: not yet
            }
        }
        try becomes("eu.lb.example.net.\n")
        var clients = (0..<5).compactMap { _ in RawClient(listener) }
        #expect(clients.count == 5)
        try becomes("us.lb.example.net.\n")
        let explained = try Program.run(
            Program.binary.path, ["explain", "api.example.com", "--resolver", "127.0.0.1", "--socket", socket])
        #expect(explained.output.contains("connections 5.0, from listener web"), "\(explained)")
        #expect(explained.output.contains("members 1.0, from listener web"), "\(explained)")
        clients.removeAll()
        try becomes("eu.lb.example.net.\n")
        #expect(!program.logged("measurements stay as they were"))
    }
}
