import Foundation
import StateStore
import Testing
import TrafficModel

@Suite("What survives a restart")
struct StateStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "meridian-state-\(UUID().uuidString)")
    private var path: String { folder.appending(path: "state.db").path }

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private static let subjects: [Overrides.Subject] = [
        .region("eu"), .pool("eu"), .virtualServer("eu-1"), .member(upstream: "web", endpoint: "[2001:db8::1]:8080"),
    ]

    private func record(_ action: AuditRecord.Action, _ subject: Overrides.Subject?, at time: Int64) -> AuditRecord {
        AuditRecord(
            time: WallTime(milliseconds: time), author: "root", origin: "test", action: action, subject: subject,
            detail: "drain", reason: "'; DROP TABLE override; --")
    }

    @Test("overrides come back as they were set, and cleared ones do not", arguments: Overrides.Verdict.allCases)
    func overrides(verdict: Overrides.Verdict) async throws {
        var expected: [Overrides.Subject: Overrides.Entry] = [:]
        do {
            let store = try StateStore(path: path)
            for (index, subject) in Self.subjects.enumerated() {
                let entry = Overrides.Entry(
                    verdict: verdict, reason: "disk \u{1F4BD} \"full\"", author: "root",
                    since: .init(milliseconds: Int64(index)),
                    expires: index == 0 ? nil : .init(milliseconds: 1 << 40))
                try await store.change(subject, to: entry, record(.setOverride, subject, at: 1))
                expected[subject] = entry
            }
            try await store.change(.pool("eu"), to: nil, record(.clearOverride, .pool("eu"), at: 2))
            expected[.pool("eu")] = nil
        }
        #expect(try StateStore(path: path).overrides().entries == expected)
    }

    @Test("the audit trail lists the latest first, with their numbers, and no more than asked for")
    func audit() async throws {
        let store = try StateStore(path: path)
        for time in 1...5 { try await store.record(record(.reload, nil, at: Int64(time))) }
        try await store.change(.region("eu"), to: nil, record(.clearOverride, .region("eu"), at: 6))
        let latest = try await store.audit(latest: 3)
        #expect(latest.map(\.number) == [6, 5, 4])
        #expect(latest.map(\.time.milliseconds) == [6, 5, 4])
        #expect(latest.map(\.subject) == [.region("eu"), nil, nil])
        #expect(latest.first?.reason == "'; DROP TABLE override; --")
    }

    @Test("one file serves one node")
    func exclusive() throws {
        let first = try StateStore(path: path)
        let error = #expect(throws: StateStoreError.self) { try StateStore(path: path) }
        #expect(error?.description.contains("another node uses it") == true, "\(String(describing: error))")
        #expect(try first.overrides().entries.isEmpty)
    }

    @Test("what is no database, and what cannot be made, is told with what to do")
    func unusable() throws {
        try Data(repeating: 7, count: 8192).write(to: URL(filePath: path))
        let broken = #expect(throws: StateStoreError.self) { try StateStore(path: path) }
        #expect(broken?.description.contains("move it away") == true, "\(String(describing: broken))")
        let nowhere = #expect(throws: StateStoreError.self) {
            try StateStore(path: folder.appending(path: "none/state.db").path)
        }
        #expect(nowhere?.description.contains("a folder that exists") == true, "\(String(describing: nowhere))")
    }
}
