import Foundation
import Testing

@Suite("Admin addresses that cannot be had")
struct AdminStartScenarios {
    @Test("a node that operators could not reach does not go on serving: it names the address and ends with 1")
    func unreachable() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let taken = try SilentServer()
        let other = try Program(
            "dns: { listen: [\"127.0.0.1:\(try freePort())\"] }\nadmin: { socket: \(folder)/other.sock }\n")
        try "important".write(toFile: "\(folder)/notes", atomically: true, encoding: .utf8)
        let token =
            "tokens: { ann: { role: view, hash: \"sha256:\(String(repeating: "0", count: 32)):\(String(repeating: "0", count: 64))\" } }"
        let address = "127.0.0.1:\(taken.port)"
        let cases = [
            (
                "admin: { socket: \(folder)/none/a.sock }",
                "admin.socket: cannot listen on \(folder)/none/a.sock: No such file or directory; make its folder first"
            ),
            ("admin: { socket: \(folder)/notes }", "admin.socket: \(folder)/notes is there and no socket"),
            ("admin: { socket: \(folder)/other.sock }", "admin.socket: another process serves \(folder)/other.sock"),
            (
                "admin: { listen: \"\(address)\", \(token) }",
                "admin.listen: cannot listen on \(address): Address already in use; another process has this port"
            ),
            (
                "admin: { socket: \(folder)/b.sock, listen: \"\(address)\", \(token) }",
                "admin.listen: cannot listen on \(address): Address already in use; another process has this port"
            ),
            (
                "metrics: { listen: \"\(address)\" }",
                "metrics.listen: cannot listen on \(address): Address already in use; another process has this port"
            ),
        ]
        for (admin, expected) in cases {
            let file = "\(folder)/meridian.yaml"
            try "dns: { listen: [\"127.0.0.1:\(try freePort())\"] }\n\(admin)\n"
                .write(toFile: file, atomically: true, encoding: .utf8)
            let result = try Program.run(Program.binary.path, ["run", "-c", file])
            #expect(result.status == 1, "\(admin)")
            let told = result.error.split(separator: "\n").filter { !$0.contains("warning") && !$0.contains("serving") }
            #expect(told.count == 1 && told.allSatisfy { $0.hasPrefix(expected) }, "\(admin): \(result.error)")
        }
        #expect(try String(contentsOfFile: "\(folder)/notes", encoding: .utf8) == "important")
        withExtendedLifetime((taken, other)) {}
    }
}
