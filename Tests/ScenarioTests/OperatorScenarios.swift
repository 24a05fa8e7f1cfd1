import Foundation
import Testing

@Suite("Operators, through the admin socket")
struct OperatorScenarios {
    @Test("drain, disable and enable move the answers, and a broken file is refused with its place")
    func overrides() throws {
        let port = try freePort()
        // A socket's path has 107 bytes at most, so it does not lie in the test's own folder.
        let socket = "/tmp/meridian-\(port).sock"
        let yaml = NameServerScenarios.configuration(port: port) + "\nadmin: { socket: \(socket) }\n"
        let program = try Program(yaml)
        try wait(for: "the admin socket") { FileManager.default.fileExists(atPath: socket) }
        func call(_ arguments: String...) throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, arguments + ["--socket", socket])
        }
        func answer() throws -> String { try Program.dig(port, "api.example.com", "+short") }

        #expect(try answer() == "eu.lb.example.net.\n")
        #expect(try call("drain", "region", "eu", "--reason", "patching").status == 0)
        #expect(try answer() == "us.lb.example.net.\n")
        #expect(try call("status").output.contains("override region eu  drain  patching"))
        #expect(try call("enable", "region", "eu").status == 0)
        #expect(try answer() == "eu.lb.example.net.\n")
        #expect(try call("disable", "pool", "eu").status == 0)
        #expect(try answer() == "us.lb.example.net.\n")

        let unknown = try call("drain", "region", "mars")
        #expect(unknown.status == 1)
        #expect(unknown.error.contains("no region named mars"))

        try program.replaceConfiguration("wide_ipz: {}\n" + yaml)
        let refused = try call("reload")
        #expect(refused.status == 1)
        #expect(refused.error.contains("meridian.yaml:1:1: "))
        #expect(refused.error.contains("generation 1 stays in force"))
        try program.replaceConfiguration(yaml)
        #expect(try call("reload").output == "generation 2 is in force\n")
        #expect(try answer() == "us.lb.example.net.\n", "an override outlives a reload")
    }
}
