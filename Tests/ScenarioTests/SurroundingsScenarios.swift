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

    @Test("a node keeps its state to itself, also while what it finds around it is looked at")
    func state() throws {
        let (port, other) = (try freePort(), try freePort())
        let (socket, state) = ("/tmp/meridian-\(port).sock", "/tmp/meridian-\(port).db")
        defer {
            for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: state + end) }
        }
        func yaml(_ port: Int, _ admin: String) -> String {
            NameServerScenarios.configuration(port: port) + "\nadmin: { \(admin) }\n"
        }
        let node = try Program(yaml(port, "socket: \(socket), state: \(state)"))
        let second = node.folder.appending(path: "second.yaml").path
        try yaml(other, "state: \(state)").write(toFile: second, atomically: true, encoding: .utf8)
        let looks = [
            ["curl", "-sS", "--fail", "--unix-socket", socket, "-X", "POST", "http://meridian/v1/check"],
            [Program.binary.path, "check", "-c", node.configuration.path],
            [Program.binary.path, "reload", "--dry-run", "--socket", socket],
            [Program.binary.path, "reload", "--socket", socket],
        ]
        for look in looks {
            let looked = try Program.run(look[0], Array(look.dropFirst()))
            #expect(looked.status == 0, "\(look): \(looked)")
            // One that had the state would go on until it is ended.
            let run = try Program.run("timeout", ["-k", "10", "60", Program.binary.path, "run", "-c", second])
            #expect(run.status == 1 && run.error.contains("another node uses it"), "\(look): \(run)")
        }
    }
}
