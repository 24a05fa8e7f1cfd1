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
            stages + "\nmeasurements: { file: \(file.path), max_age: 5s }\nadmin: { socket: \(socket) }\n")
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
}
