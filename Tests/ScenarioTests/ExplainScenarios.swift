import Foundation
import Testing

@Suite("Explain, with the real binary")
struct ExplainScenarios {
    @Test("a configuration that nobody runs is explained, for people and for programs")
    func offline() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // left behind: only rubbish in /tmp
        let file = folder.appending(path: "meridian.yaml")
        try NameServerScenarios.configuration(port: 5300).write(to: file, atomically: true, encoding: .utf8)
        let text = try Program.run(
            Program.binary.path,
            ["explain", "api.example.com", "A", "--client", "192.0.2.0/24", "--config", file.path])
        #expect(text.status == 0, "\(text.error)")
        #expect(text.output.contains("api.example.com 30 IN CNAME eu.lb.example.net."), "\(text.output)")
        #expect(text.output.contains("1. available: "), "\(text.output)")
        let json = try Program.run(
            Program.binary.path,
            ["explain", "api.example.com", "--resolver", "192.0.2.1", "--json", "--config", file.path])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["code"] as? String == "NOERROR")
        #expect((object["steps"] as? [Any])?.isEmpty == false)
        for (arguments, wrong) in [
            (["api.example.com"], "for whom?"), (["api.example.com", "--client", "x"], "is not a network"),
            (["api.example.com", "WHAT", "--client", "10.0.0.0/8"], "is not a record type"),
        ] {
            let refused = try Program.run(Program.binary.path, ["explain"] + arguments + ["--config", file.path])
            #expect(refused.status == 64)
            #expect(refused.error.contains(wrong), "\(refused.error)")
        }
    }

    @Test("a running node explains what it answers now, overrides and all")
    func running() throws {
        let port = try freePort()
        let socket = "/tmp/meridian-\(port).sock"
        let program = try Program(
            NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n")
        func call(_ arguments: String...) throws -> String {
            try Program.run(Program.binary.path, arguments + ["--socket", socket]).output
        }
        _ = try call("drain", "region", "eu", "--reason", "patching")
        let text = try call("explain", "api.example.com", "--resolver", "127.0.0.1")
        #expect(text.contains("CNAME us.lb.example.net."), "\(text)")
        #expect(text.contains("without eu: draining"), "\(text)")
        #expect(text.contains("override of region eu: drain (patching)"), "\(text)")
        #expect(try Program.dig(port, "api.example.com", "+short") == "us.lb.example.net.\n")
        withExtendedLifetime(program) {}
    }
}
