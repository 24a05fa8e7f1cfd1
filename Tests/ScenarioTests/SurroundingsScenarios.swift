import Foundation
import Testing

@Suite("What a right configuration finds around it")
struct SurroundingsScenarios {
    @Test("check tells of files with which run would end, of certificates that have ended and windows that are over")
    func findings() throws {
        let authority = try Authority()
        defer { authority.remove() }
        try authority.issue("old", subject: "/CN=old.example.com", host: "old.example.com")
        try authority.expire("old")
        let folder = String(authority.path("x").dropLast())
        try "important".write(toFile: authority.path("notes"), atomically: true, encoding: .utf8)
        func check(_ admin: String, _ more: String = "") throws -> (error: String, status: Int32) {
            let yaml = NameServerScenarios.configuration(port: 5399) + "\nadmin: { \(admin) }\n\(more)\n"
            try yaml.write(toFile: authority.path("m.yaml"), atomically: true, encoding: .utf8)
            let result = try Program.run(Program.binary.path, ["check", "-c", authority.path("m.yaml")])
            return (result.error, result.status)
        }
        let cases = [
            (
                "socket: \(folder)none/a.sock",
                "admin.socket: \(folder)none/a.sock cannot be made by this user: its folder"
            ),
            ("socket: \(folder)notes", "admin.socket: \(folder)notes is there and no socket"),
            ("state: \(folder)none/state.db", "admin.state: \(folder)none/state.db cannot be written by this user"),
            (
                "state: \(folder)",
                "admin.state: \(folder) cannot be written by this user, and `run` would end: it is a folder"
            ),
        ]
        for (admin, expected) in cases {
            let result = try check(admin)
            #expect(result.status == 0 && result.error.contains(expected), "\(admin): \(result.error)")
        }
        // What `run` would make, or its service manager.
        #expect(try check("socket: /run/meridian/admin.sock, state: \(folder)state.db").error.isEmpty)
        let past = try check(
            "state: \(folder)state.db",
            """
            certificates: { old: { chain: \(authority.path("old.pem")), key: \(authority.path("old.key")) } }
            listeners:
              web: { address: "127.0.0.1:5398", tls: { certificates: [old] }, routes: [{ respond: { body: a } }] }
            windows:
              gone: { region: eu, from: 2025-01-01T00:00:00Z, for: 1h }
            """)
        #expect(past.status == 0)
        #expect(past.error.contains("certificates.old: it ended at "), "\(past.error)")
        #expect(past.error.contains("windows.gone: it is over and does not come again"), "\(past.error)")
        let endless = try check(
            "state: \(folder)state.db", #"windows: { w: { region: eu, weekly: [tue], at: "02:30", for: 7d } }"#)
        #expect(endless.status == 1 && endless.error.contains("the window never closes; shorten it"), "\(endless)")
        let long = try check(
            "state: \(folder)state.db", #"windows: { w: { region: eu, monthly: [15], at: "02:30", for: 30d } }"#)
        #expect(long.status == 0, "\(long)")
        #expect(!FileManager.default.fileExists(atPath: authority.path("state.db")))
    }
}
