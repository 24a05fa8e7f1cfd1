import Foundation
import Testing

/// How an operator does what a runbook says.
enum Way: String, CaseIterable {
    case commands, api
}

/// Two regions with a VIP and a member each, a name over both, and a VIP with TLS.
final class RunbookSite {
    let way: Way
    let dnsPort: Int
    let ports: [Int]
    private(set) var members: [MemberProcess?]
    let socket: String
    let yaml: String
    let program: Program
    let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")

    /// - Parameter proxy: settings of the VIP tier in place of the usual ones.
    init(
        _ way: Way, more: String = "", ttl: String = "1s", proxy: String = #"access_log: "off", drain_timeout: 1s"#,
        certificateDays: Int = 5
    ) throws {
        self.way = way
        dnsPort = try freePort()
        ports = try (0..<3).map { _ in try freePort() }
        members = try [MemberProcess(port: freePort()), MemberProcess(port: freePort())]
        socket = "/tmp/meridian-\(dnsPort).sock"
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.certify(folder, days: certificateDays)
        yaml = """
            dns: { listen: ["127.0.0.1:\(dnsPort)"] }
            regions:
              eu: { host: eu.lb.example.net }
              us: { host: us.lb.example.net }
            # A machine with much else to do must not make a member that works look sick.
            monitors: { web: { http: {}, interval: 2s, timeout: 2s, fall: 2 } }
            virtual_servers:
              eu-1: { address: "127.0.0.1:\(ports[0])", region: eu, monitors: [web] }
              us-1: { address: "127.0.0.2:\(ports[1])", region: us, monitors: [web] }
            pools:
              eu: { region: eu, virtual_servers: [eu-1], ttl: \(ttl) }
              us: { region: us, virtual_servers: [us-1], ttl: \(ttl) }
            wide_ips:
              api.example.com: { pools: [eu, us], method: global-availability, ttl: \(ttl) }
            zones:
              example.com: { ns: [ns1.example.com], records: { ns1: { A: [127.0.0.1] } } }
              example.net: { ns: [ns1.example.com] }
            upstreams:
              eu: { members: ["127.0.0.1:\(members[0]?.port ?? 0)"] }
              us: { members: ["127.0.0.1:\(members[1]?.port ?? 0)"] }
            certificates:
              web: { chain: \(folder.path)/web.pem, key: \(folder.path)/web.key }
            listeners:
              eu: { address: "127.0.0.1:\(ports[0])", upstream: eu }
              us: { address: "127.0.0.2:\(ports[1])", upstream: us }
              web: { address: "127.0.0.1:\(ports[2])", tls: { certificates: [web] }, upstream: us }
            proxy: { \(proxy) }
            admin: { socket: \(socket), state: \(folder.path)/state.db }
            \(more)
            """
        program = try Program(yaml)
        try wait(for: "the admin socket to answer") { [socket] in
            try Program.run(Program.binary.path, ["status", "--socket", socket]).status == 0
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    static func certify(_ folder: URL, days: Int) throws {
        let made = try Program.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "\(days)", "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test", "-keyout",
                "\(folder.path)/web.key", "-out", "\(folder.path)/web.pem",
            ])
        guard made.status == 0 else { throw Program.Failure(description: made.error) }
    }

    /// One step: the command, or the request that does the same.
    ///
    /// - Returns: what was said, and whether it was done.
    @discardableResult
    func act(
        _ command: [String], _ method: String, _ path: String, _ body: String = ""
    ) throws -> (text: String, isDone: Bool) {
        switch way {
        case .commands:
            let result = try call(command)
            return (result.text, result.status == 0)
        case .api:
            let output = try Program.run(
                "curl",
                [
                    "--silent", "--max-time", "60", "--unix-socket", socket, "-X", method, "--data-binary", body,
                    "-H", "Accept: application/json", "-w", "\n%{http_code}", "http://meridian\(path)",
                ]
            ).output
            let status = Int(output.split(separator: "\n").last ?? "") ?? 0
            return (output, (200..<300).contains(status))
        }
    }

    /// A command, whatever the way is: what it says, and its exit code.
    func call(_ command: [String]) throws -> (text: String, status: Int32) {
        let result = try Program.run(Program.binary.path, command + ["--socket", socket])
        return (result.output + result.error, result.status)
    }

    /// Whether the file can be served as it is, and what is said of it.
    func check() throws -> (text: String, isDone: Bool) {
        switch way {
        case .commands:
            let result = try Program.run(Program.binary.path, ["check", "-c", program.configuration.path])
            return (result.output + result.error, result.status == 0)
        case .api:
            let answer = try act([], "POST", "/v1/check")
            return (answer.text, answer.isDone && answer.text.contains(#""isValid":true"#))
        }
    }

    /// What is left of a drain, by the API: what clients of a region have open, and how many ever came.
    func clients(of region: String) throws -> (open: Int, arrived: Int) {
        let text = try get("/v1/regions/\(region)")
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let clients = try #require(object?["clients"] as? [String: Int], "\(text)")
        return (try #require(clients["open"]), try #require(clients["arrived"]))
    }

    /// The body of an answer of the API.
    func get(_ path: String) throws -> String {
        try Program.run(
            "curl", ["--silent", "--max-time", "60", "--unix-socket", socket, "http://meridian\(path)"]
        ).output
    }

    func look(_ command: [String], _ path: String) throws -> String { try act(command, "GET", path).text }

    /// What a client's resolver gets.
    func region() throws -> String {
        let answer = try Program.data(dnsPort, "api.example.com", "A") + [""]
        return String(answer[0].prefix(2))
    }

    func state(ofPool name: String) throws -> String? {
        let command = ["status", "--pool", name, "--json"]
        let text = way == .commands ? try call(command).text : try get("/v1/pools/\(name)")
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let pool = way == .commands ? (object?["pools"] as? [[String: Any]])?.first : object
        return pool?["state"] as? String
    }

    /// The status of a request to where the name leads.
    func request() throws -> Int {
        let isEU = try region() == "eu"
        let address = isEU ? "127.0.0.1:\(ports[0])" : "127.0.0.2:\(ports[1])"
        let output = try Program.run(
            "curl", ["--silent", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}", "http://\(address)/"]
        ).output
        return Int(output) ?? 0
    }

    func kill(_ member: Int) { members[member]?.kill() }

    func revive(_ member: Int) throws {
        let port = members[member]?.port ?? 0
        members[member] = nil
        members[member] = try MemberProcess(port: port)
    }

    func replace(_ text: String, with other: String) throws {
        try program.replaceConfiguration(yaml.replacing(text, with: other))
    }
}
