import Foundation
import Testing

@Suite("Findings for programs")
struct FindingScenarios {
    private static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    @Test("check tells each finding with its place, and that all is well")
    func check() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "findings-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "meridian.yaml").path
        try "dns: { listen: [\"127.0.0.1:5399\"] }\npools:\n  eu:\n    region: mars\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try Program.run(Program.binary.path, ["check", "--json", "-c", file])
        #expect(refused.status == 1 && refused.error.isEmpty, "\(refused)")
        let report = try Self.object(refused.output)
        #expect(report["isValid"] as? Bool == false && report["path"] as? String == file && report["counts"] == nil)
        let findings = try #require(report["diagnostics"] as? [[String: Any]])
        let mars = try #require(findings.first { $0["path"] as? String == "/pools/eu/region" }, "\(refused)")
        #expect(mars["file"] as? String == file && mars["line"] as? Int == 4 && mars["column"] as? Int == 13)
        #expect(mars["severity"] as? String == "error")
        #expect((mars["message"] as? String)?.hasPrefix("there is no region \"mars\"") == true, "\(mars)")
        #expect(findings.contains { $0["severity"] as? String == "warning" }, "\(findings)")

        try "regions: { eu: { host: eu.example.net } }\n".write(toFile: file, atomically: true, encoding: .utf8)
        let idle = try Self.object(try Program.run(Program.binary.path, ["check", "--json", "-c", file]).output)
        #expect((idle["diagnostics"] as? [[String: Any]])?.map { $0["path"] as? String } == [""], "\(idle)")

        try "listeners: { own: { address: \"127.0.0.1:5398\", routes: [{ respond: { body: a } }] } }\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        let fine = try Program.run(Program.binary.path, ["check", "--json", "-c", file])
        #expect(fine.status == 0, "\(fine)")
        let counts = try Self.object(fine.output)["counts"] as? [String: Int]
        #expect(counts?["listeners"] == 1 && counts?["virtual_servers"] == 0, "\(fine)")
        let absent = try Program.run(Program.binary.path, ["check", "--json", "-c", "/nowhere.yaml"])
        let whole = try #require(try Self.object(absent.output)["diagnostics"] as? [[String: Any]])
        #expect(absent.status == 1 && whole.count == 1 && whole[0]["line"] as? Int == 0 && whole[0]["path"] == nil)
    }

    @Test("a refused reload tells the same", arguments: [false, true])
    func reload(isDryRun: Bool) throws {
        let site = try CommandSite()
        let trial = isDryRun ? ["--dry-run"] : []
        func reload() throws -> (output: String, error: String, status: Int32) {
            try Program.run(Program.binary.path, ["reload", "--json", "--socket", site.socket] + trial)
        }
        try site.program.replaceConfiguration(
            site.yaml.replacingOccurrences(
                of: "eu-1: { address: \"127.0.0.1:\(site.ports[0])\", region: eu }",
                with: "eu-1: { address: \"127.0.0.1:\(site.ports[0])\", region: mars }"))
        let refused = try reload()
        #expect(refused.status == 1 && refused.error.isEmpty, "\(refused)")
        let outcome = try Self.object(refused.output)
        #expect(outcome["applied"] as? Bool == false && outcome["generation"] as? Int == 1)
        let findings = try #require(outcome["diagnostics"] as? [[String: Any]], "\(refused)")
        let mars = try #require(
            findings.first { $0["path"] as? String == "/virtual_servers/eu-1/region" }, "\(refused)")
        #expect(mars["line"] as? Int == 6 && mars["file"] as? String == site.program.configuration.path, "\(mars)")
        #expect((mars["column"] as? Int ?? 0) > 1 && mars["severity"] as? String == "error")
        if !isDryRun {
            // Of the log: a line for it, as people read it.
            let line = "error \(site.program.configuration.path):6:\(mars["column"] ?? ""): there is no region \"mars\""
            let told = site.program.text
            #expect(told.contains(line) && told.contains("the configuration in force stays generation=1"), "\(told)")
        }

        try site.program.replaceConfiguration(site.yaml.replacingOccurrences(of: site.socket, with: site.socket + "2"))
        let socket = try Self.object(try reload().output)
        let reason = (socket["diagnostics"] as? [[String: Any]])?.first
        #expect((reason?["message"] as? String)?.contains("admin.socket cannot change") == true, "\(socket)")
    }
}
