import Foundation
import Testing

@Suite("What a node remembers")
struct DurabilityScenarios {
    /// `make test-slow` kills a hundred times.
    private static let kills = ProcessInfo.processInfo.environment["MERIDIAN_KILLS"].flatMap { Int($0) } ?? 10

    private struct Override: Decodable {
        var verdict: String
        var reason: String
    }
    private struct Plan: Decodable { var reason: String }
    private struct Status: Decodable {
        var overrides: [Override]
        var windows: [Plan]
        var shifts: [Plan]

        /// Every change of this test has a reason of its own.
        var reasons: Set<String> {
            Set(overrides.map(\.reason) + windows.map(\.reason) + shifts.map(\.reason))
        }
    }
    private struct Entry: Decodable {
        var action: String
        var author: String
        var reason: String
    }

    /// Where one program after another finds what the ones before left.
    private final class Site {
        let port: Int
        let socket: String
        private let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        var yaml: String {
            NameServerScenarios.configuration(port: port)
                + "\nadmin: { socket: \(socket), state: \(folder.path)/state.db }\n"
        }

        init() throws {
            port = try freePort()
            socket = "/tmp/meridian-\(port).sock"
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func call(_ arguments: [String]) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
    }

    /// The command of a change whose reason is its number. A later change of the first two sorts replaces the one before
    /// it; windows and shifts stand beside each other.
    private static func change(_ number: Int) -> [String] {
        let why = ["--reason", "r\(number)"]
        switch number % 4 {
        case 0: return ["drain", "virtual-server", "eu-2"] + why
        case 1: return ["weight", "pool", "eu", "0.\(number % 7 + 1)"] + why
        case 2:
            return ["window", "add", "w\(number)", "--pool", "us", "--from", "2999-01-01T00:00Z", "--for", "1h"] + why
        default:
            return [
                "shift", "--wip", "n\(number).example.com", "--from", "eu", "--to", "us", "--share", "1%", "--for",
                "9d",
            ] + why
        }
    }

    /// One process after another serves the same file, and each is killed right after it acknowledged a change, while
    /// the next change is under way: that one may or may not be there, but not without its record, nor its record
    /// without it.
    @Test("a node that is killed at any moment has every change that it acknowledged, in force and in the audit trail")
    func killed() throws {
        let site = try Site()
        let (port, socket) = (site.port, site.socket)
        // Two shifts of one name are refused, so each has its own.
        let names = stride(from: 3, through: max(2 * Self.kills, 3), by: 4).map {
            "  n\($0).example.com: { pools: [eu, us], method: ratio }"
        }
        let yaml = site.yaml.replacing("wide_ips:\n", with: "wide_ips:\n\(names.joined(separator: "\n"))\n")
        func call(_ arguments: [String]) throws -> (output: String, error: String, status: Int32) {
            try site.call(arguments)
        }
        func look() throws -> (status: Status, records: Set<String>) {
            let body = try call(["audit", "--last", "1000", "--json"]).output
            let entries = try JSONDecoder().decode([Entry].self, from: Data(body.utf8))
            #expect(entries.allSatisfy { !$0.author.isEmpty })
            return (
                try JSONDecoder().decode(Status.self, from: Data(try call(["status", "--json"]).output.utf8)),
                Set(entries.map(\.reason).filter { $0.hasPrefix("r") })
            )
        }
        /// In force, by what it excludes: the last of the sorts that replace each other, all of the others.
        var present: [String: String] = [:]
        func note(_ number: Int) { present[number % 4 < 2 ? "\(number % 4)" : "\(number)"] = "r\(number)" }
        var acknowledged: Set<String> = []
        var isDrained = false
        var number = 0
        for round in 1...Self.kills {
            let program = try Program(yaml)
            try wait(for: "the admin socket") { accepts(socket) }
            try wait(for: "the node to answer") { try call(["status"]).status == 0 }
            let found = try look()
            if number > 0, found.records.contains("r\(number)") {
                note(number)
                acknowledged.insert("r\(number)")
            }
            #expect(found.status.reasons.subtracting(["", "eu"]) == Set(present.values), "round \(round)")
            #expect(found.records == acknowledged, "round \(round)")
            #expect(
                try Program.data(port, "api.example.com") == [isDrained ? "us.lb.example.net." : "eu.lb.example.net."])
            isDrained.toggle()
            let toggled = isDrained ? ["drain", "region", "eu", "--reason", "eu"] : ["enable", "region", "eu"]
            #expect(try call(toggled).status == 0)
            number += 1
            let change = try call(Self.change(number))
            try #require(change.status == 0, "\(change.error)")
            note(number)
            acknowledged.insert("r\(number)")
            number += 1
            let late = Process()
            late.executableURL = Program.binary
            late.arguments = Self.change(number) + ["--socket", socket]
            late.standardError = FileHandle.nullDevice
            late.standardOutput = FileHandle.nullDevice
            try late.start()
            usleep(UInt32.random(in: 0...25_000))
            program.kill()
            late.waitUntilExit()
        }
    }

    @Test("what monitors found last counts until the first round after a restart has found something else")
    func health() throws {
        let site = try Site()
        // Accepts and never answers: the check knows only after its ten seconds.
        let silent = try SilentServer()
        let yaml =
            site.yaml
            .replacing("192.0.2.1:443\", region: eu", with: "127.0.0.1:\(silent.port)\", region: eu, monitors: [web]")
            .replacing("[eu-1, eu-2]", with: "[eu-1]")
            + "\nmonitors: { web: { http: {}, interval: 10s, timeout: 10s, fall: 1 } }\n"
        let first = try Program(yaml)
        let answer = { try Program.data(site.port, "api.example.com") }
        #expect(try answer() == ["eu.lb.example.net."], "unknown counts as up")
        try wait(for: "the check to fail") { try answer() == ["us.lb.example.net."] }
        // Health is written each second, when overrides that end are looked for: one of two seconds ends after that.
        #expect(try site.call(["drain", "virtual-server", "us-1", "--for", "2s"]).status == 0)
        try wait(for: "the override to end") { try !site.call(["status"]).output.contains("override") }
        first.kill()
        let second = try Program(yaml)
        #expect(try answer() == ["us.lb.example.net."], "\(second.text)")
    }

    @Test("an override ends by itself, and the audit trail says that it did")
    func expiry() throws {
        let site = try Site()
        let program = try Program(site.yaml)
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try site.call(arguments)
        }
        try wait(for: "the admin socket") { try call("status").status == 0 }
        let drained = try call("drain", "region", "eu", "--for", "1s", "--reason", "short")
        #expect(drained.output == "region eu is draining for 1s\n", "\(drained.error)")
        #expect(try call("drain", "virtual-server", "eu-2", "--for", "1h").status == 0)
        #expect(try call("status").output.contains("ends in "))
        try wait(for: "the end of the override") {
            try Program.data(site.port, "api.example.com") == ["eu.lb.example.net."]
        }
        #expect(try call("audit").output.contains("expire-override  region eu  drain  short"), "\(program.text)")
        #expect(try call("drain", "region", "eu", "--for", "soon").status != 0)
        #expect(try call("audit", "--last", "0").error.contains("--last 0: from 1 to 10000"))
    }
}
