import Foundation
import Testing

@Suite("Commands that watch a node")
struct WatchScenarios {
    /// A command that goes on while the test does, ended with it.
    private final class Command {
        private let process = Process()
        private let file = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID().uuidString)")

        init(_ arguments: [String]) throws {
            try Data().write(to: file)
            process.executableURL = Program.binary
            process.arguments = arguments
            process.standardOutput = try FileHandle(forWritingTo: file)
            process.standardError = process.standardOutput
            try process.start()
        }

        deinit {
            // The threads of a test run may have other signals blocked, and so has what they start.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
            try? FileManager.default.removeItem(at: file)
        }

        var text: String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
        var status: Int32? { process.isRunning ? nil : process.terminationStatus }
    }

    @Test("they go on when the node is restarted before their eyes, and say so")
    func restart() throws {
        let port = try freePort()
        let (socket, state) = ("/tmp/meridian-\(port).sock", "/tmp/meridian-\(port).db")
        defer {
            for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: state + end) }
        }
        let yaml =
            NameServerScenarios.configuration(port: port).replacingOccurrences(of: "ttl: 30s", with: "ttl: 1s")
            .replacingOccurrences(of: "eu: { region: eu, ", with: "eu: { region: eu, ttl: 1s, ")
            + "\nadmin: { socket: \(socket), state: \(state) }\n"
        let first = try Program(yaml)
        let status = try Command(["status", "--watch", "--interval", "1s", "--socket", socket])
        let drain = try Command(
            [
                "drain", "region", "eu", "--wait", "--quiet-for", "20s", "--timeout", "10m", "--yes", "--socket",
                socket,
            ])
        try wait(for: "the drain and its first look") { drain.text.contains("quiet for") }
        first.kill()
        for command in [status, drain] {
            try wait(for: "a word that the node is gone") { command.text.contains("; trying again") }
        }
        let second = try Program(yaml)
        for command in [status, drain] {
            try wait(for: "a word that the node is back") { command.text.contains("-- connected again") }
        }
        #expect(status.text.components(separatedBy: "; trying again")[0].contains("generation 1"), "\(status.text)")
        try wait(for: "what is served since") {
            status.text.components(separatedBy: "-- connected again")[1].contains("generation 1")
        }
        try wait(for: "the end of the drain", seconds: 180) { drain.status != nil }
        #expect(drain.status == 0 && drain.text.contains("region eu is drained"), "\(drain.text)")
        #expect(status.status == nil)
        withExtendedLifetime(second) {}
    }
}
