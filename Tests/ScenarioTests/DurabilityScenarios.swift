import Foundation
import Testing

@Suite("What a node remembers")
struct DurabilityScenarios {
    private static let kills = 100

    private struct Override: Decodable {
        var kind: String
        var name: String
        var verdict: String
    }
    private struct Status: Decodable { var overrides: [Override] }
    private struct Entry: Decodable {
        var action: String
        var name: String?
        var author: String
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

    /// One process after another serves the same file, and each is killed right after it acknowledged a change, while
    /// the next change is under way.
    @Test("a node that is killed at any moment has every change that it acknowledged, in force and in the audit trail")
    func killed() throws {
        let site = try Site()
        let (port, socket) = (site.port, site.socket)
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try site.call(arguments)
        }
        var isDrained = false
        for round in 1...Self.kills {
            let program = try Program(site.yaml)
            try wait(for: "the admin socket") { try call("status").status == 0 }
            let status = try JSONDecoder().decode(Status.self, from: Data(try call("status", "--json").output.utf8))
            #expect(status.overrides.contains { $0.name == "eu" && $0.verdict == "drain" } == isDrained, "\(round)")
            #expect(
                try Program.data(port, "api.example.com") == [isDrained ? "us.lb.example.net." : "eu.lb.example.net."])
            isDrained.toggle()
            #expect(try call(isDrained ? "drain" : "enable", "region", "eu").status == 0)
            // This one may or may not be in time. It changes no answer of these names.
            let late = Process()
            late.executableURL = Program.binary
            late.arguments = [
                round.isMultiple(of: 2) ? "disable" : "enable", "virtual-server", "eu-2", "--socket", socket,
            ]
            late.standardError = FileHandle.nullDevice
            late.standardOutput = FileHandle.nullDevice
            try late.run()
            usleep(UInt32.random(in: 0...15_000))
            program.kill()
            late.waitUntilExit()
        }
        let program = try Program(site.yaml)
        try wait(for: "the admin socket") { try call("status").status == 0 }
        let body = try call("audit", "--last", "1000", "--json").output
        let entries = try JSONDecoder().decode([Entry].self, from: Data(body.utf8))
        #expect(entries.count { $0.name == "eu" } == Self.kills, "\(program.text)")
        #expect(entries.allSatisfy { !$0.author.isEmpty })
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
        #expect(try call("audit", "--last", "0").error.contains("last: a number from 1 to 10000"))
    }
}
