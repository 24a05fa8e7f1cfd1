import Foundation
import Testing

@testable import ConfigurationLoading

@Suite("Files of logs")
struct LogFileTests {
    private func complaints(_ folder: String, _ access: String, _ queries: String) -> [String] {
        ConfigurationLoader.load(
            text: """
                dns: { listen: ["127.0.0.1:5300"], query_log: { path: \(queries) } }
                proxy: { access_log: \(access) }
                zones: { example.com: { ns: [ns1.example.com] } }
                """, name: "\(folder)/f"
        ).diagnostics.filter { $0.severity == .error }.map { $0.description.replacing("\(folder)/", with: "") }
    }

    @Test("two paths that lead to one file are refused, also before it is there; others are not")
    func identity() throws {
        let files = FileManager.default
        let folder = files.temporaryDirectory.appending(path: "meridian-logs-\(UUID().uuidString)").path
        try files.createDirectory(atPath: "\(folder)/real", withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }
        try Data().write(to: URL(filePath: "\(folder)/real/there"))
        for (link, target) in [
            ("folder", "real"), ("link", "real/there"), ("dangling", "\(folder)/real/new"), ("far", "dangling"),
            ("circle", "circle"),
        ] { try files.createSymbolicLink(atPath: "\(folder)/\(link)", withDestinationPath: target) }
        try files.linkItem(atPath: "\(folder)/real/there", toPath: "\(folder)/hard")
        #expect(unsafe mkfifo("\(folder)/pipe", 0o600) == 0)
        try files.createSymbolicLink(atPath: "\(folder)/real/pipe", withDestinationPath: "../pipe")
        let cases: [(access: String, queries: String, isOne: Bool)] = [
            ("real/there", "link", true), ("real/there", "hard", true), ("real/there", "folder/there", true),
            ("real/there", "folder/../real/there", true), ("real/new", "dangling", true), ("far", "real/new", true),
            ("real/new", "folder/new", true), ("real/there", "real/new", false), ("real/there", "dangling", false),
            ("circle", "real/new", false), ("pipe", "real/pipe", false), ("nowhere/a", "nowhere/b", false),
        ]
        for (access, queries, isOne) in cases {
            let expected =
                "f:1:47: \(queries) leads to the file of proxy.access_log, \(access); name another for one of them"
            #expect(complaints(folder, access, queries) == (isOne ? [expected] : []), "\(access) \(queries)")
        }
    }
}
