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
        .wideIP("*.example.com"), .region("eu"), .pool("eu"), .virtualServer("eu-?"),
        .member(upstream: "web", endpoint: "[2001:db8::1]:8080"),
    ]

    private func record(_ action: AuditRecord.Action, _ subject: Overrides.Subject?, at time: Int64) -> AuditRecord {
        AuditRecord(
            time: WallTime(milliseconds: time), author: "root", origin: "test", action: action, subject: subject,
            detail: "drain", reason: "'; DROP TABLE override; --")
    }

    @Test("its files are for the user and the group, as logs are")
    func mode() async throws {
        let store = try StateStore(path: path)
        try await store.record(record(.reload, nil, at: 1))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(path: name).path)
            #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o027 } == 0, "\(name)")
        }
    }

    @Test("without a file, the latest changes are told in the same way, and no more of them than fit")
    func recent() {
        var recent = RecentAudit()
        #expect(recent.latest(10) == [])
        for time in 1...Int64(RecentAudit.limit + 5) { recent.append([record(.reload, nil, at: time)]) }
        let latest = recent.latest(3)
        let last = Int64(RecentAudit.limit + 5)
        #expect(latest.map(\.number) == [last, last - 1, last - 2])
        #expect(latest.map(\.time.milliseconds) == latest.map(\.number))
        #expect(recent.latest(.max).map(\.number) == Array((6...last).reversed()))
    }

    @Test("overrides come back as they were set, and cleared ones do not", arguments: Overrides.Verdict.allCases)
    func overrides(verdict: Overrides.Verdict) async throws {
        var expected = Overrides()
        let isWeight = verdict == .weight
        do {
            let store = try StateStore(path: path)
            for (index, subject) in Self.subjects.enumerated() {
                let entry = Overrides.Entry(
                    verdict: verdict, target: verdict == .cutover ? "us" : nil, factor: isWeight ? 0.3 : 1,
                    reason: "disk \u{1F4BD} \"full\"", author: "root", since: .init(milliseconds: Int64(index)),
                    expires: index == 0 ? nil : .init(milliseconds: 1 << 40))
                try await store.apply(
                    [isWeight ? .weight(subject, entry) : .override(subject, entry)],
                    [record(.setOverride, subject, at: 1)])
                expected[subject, ofWeight: isWeight] = entry
            }
            let gone = Overrides.Subject.pool("eu")
            try await store.apply(
                [isWeight ? .weight(gone, nil) : .override(gone, nil)], [record(.clearOverride, gone, at: 2)])
            expected[gone, ofWeight: isWeight] = nil
        }
        #expect(try StateStore(path: path).state().overrides == expected)
    }

    @Test("windows, skips, runs and shifts come back as they were, and what was taken out does not")
    func operatorState() async throws {
        var expected = OperatorState()
        var window = MaintenanceWindow(
            subject: .member(upstream: "web", endpoint: "10.0.*"), schedule: .once(start: .init(milliseconds: 77)),
            duration: .milliseconds(1500))
        window.verdict = .disable
        window.lead = .seconds(60)
        window.reason = "move"
        window.author = "root"
        var again = window
        again.schedule = .rule(
            CalendarRule(days: .monthly([.day(15), .last, .nth(5, .sun)]), time: 150, zone: "Europe/Berlin"))
        var shift = Shift(
            wideIP: "api.*", kind: .pool, from: "a", to: "b", share: 0.3, slope: 1.0 / 7, progress: 0.123456789,
            reason: "r", author: "root", since: .init(milliseconds: 5))
        shift.isReturning = true
        let run = WindowRun(phase: .draining, starts: .init(milliseconds: 77), ends: .init(milliseconds: 1577))
        let changes: [StateChange] = [
            .window("once", window), .window("again", again), .window("gone", window),
            .skip("again", .init(milliseconds: 9)),
            .skip("gone", .init(milliseconds: 9)), .run("once", run), .run("gone", run), .shift(3, shift),
            .shift(9, shift), .window("gone", nil), .skip("gone", nil), .run("gone", nil), .shift(9, nil),
            .lock("eu-1", true), .lock("us-1", true), .lock("us-1", false),
        ]
        do {
            let store = try StateStore(path: path)
            try await store.apply(changes, [])
            for change in changes { change.apply(to: &expected) }
        }
        let found = try StateStore(path: path).state()
        #expect(found == expected)
        #expect(found.lastShift == 9, "no number is used twice")
        #expect(found.windows.count == 2 && found.shifts.count == 1)
    }

    @Test("a change that fails leaves nothing of itself, and no record")
    func atomic() async throws {
        let store = try StateStore(path: path)
        let entry = Overrides.Entry(verdict: .drain, reason: "")
        // A number that is not one violates NOT NULL, after the first part was written.
        let broken = Overrides.Entry(verdict: .weight, factor: .nan, reason: "")
        await #expect(throws: StateStoreError.self) {
            try await store.apply(
                [.override(.region("eu"), entry), .weight(.region("eu"), broken)],
                [record(.setOverride, .region("eu"), at: 1)])
        }
        #expect(try store.state() == OperatorState())
        #expect(try await store.audit(latest: 10).isEmpty)
    }

    @Test("health comes back, and what is forgotten does not")
    func health() async throws {
        let known = (1...3).map { HealthMemory(endpoint: "192.0.2.\($0):80", monitor: "web") }
        do {
            let store = try StateStore(path: path)
            try await store.remember([known[0]: .up, known[1]: .down, known[2]: .down])
            try await store.remember([known[0]: .down, known[1]: .unknown])
        }
        #expect(try StateStore(path: path).health() == [known[0]: .down, known[2]: .down])
    }

    @Test("the audit trail lists the latest first, with their numbers, and no more than asked for")
    func audit() async throws {
        let store = try StateStore(path: path)
        for time in 1...5 { try await store.apply([], [record(.reload, nil, at: Int64(time))]) }
        try await store.apply([], [record(.clearOverride, .region("eu"), at: 6)])
        let latest = try await store.audit(latest: 3)
        #expect(latest.map(\.number) == [6, 5, 4])
        #expect(latest.map(\.time.milliseconds) == [6, 5, 4])
        #expect(latest.map(\.kind) == ["region", nil, nil])
        #expect(latest.map(\.name) == ["eu", nil, nil])
        #expect(latest.first?.reason == "'; DROP TABLE override; --")
    }

    @Test("a file of the first version is read and written further")
    func migration() async throws {
        let sql = """
            CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
            INSERT INTO grdb_migrations VALUES ('1: overrides and audit');
            CREATE TABLE override (
                kind TEXT NOT NULL, name TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
                author TEXT NOT NULL, since INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (kind, name)
            ) WITHOUT ROWID;
            CREATE TABLE audit (
                number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, author TEXT NOT NULL,
                origin TEXT NOT NULL, action TEXT NOT NULL, kind TEXT, name TEXT, detail TEXT NOT NULL,
                reason TEXT NOT NULL
            );
            INSERT INTO override VALUES ('region', 'eu', 'force-down', 'old', 'root', 5, NULL);
            """
        try run(sql)
        let store = try StateStore(path: path)
        let old = Overrides.Entry(verdict: .forceDown, reason: "old", author: "root", since: .init(milliseconds: 5))
        #expect(try store.state().overrides.entries == [.region("eu"): old])
        let new = Overrides.Entry(verdict: .cutover, target: "us", reason: "new", since: .init(milliseconds: 6))
        try await store.apply([.override(.region("eu"), new)], [])
        #expect(try store.state().overrides.entries == [.region("eu"): new])
    }

    @Test("a file of a later version is left alone: what it says that this one cannot read would be lost")
    func laterVersion() throws {
        do { _ = try StateStore(path: path) }
        try run("INSERT INTO grdb_migrations VALUES ('9: what is to come')")
        let error = #expect(throws: StateStoreError.self) { try StateStore(path: path) }
        #expect(
            error?.description.contains("a newer version of Meridian wrote it") == true, "\(String(describing: error))")
    }

    @Test("what could not be found after a restart is not acknowledged", arguments: [false, true])
    func deleted(isReplaced: Bool) async throws {
        let store = try StateStore(path: path)
        try await store.record(record(.reload, nil, at: 1))
        try FileManager.default.removeItem(atPath: path)
        if isReplaced { try Data().write(to: URL(filePath: path)) }
        let error = await #expect(throws: StateStoreError.self) {
            try await store.apply([.override(.region("eu"), .init(verdict: .drain, reason: ""))], [])
        }
        #expect(error?.description.contains("deleted or replaced") == true, "\(String(describing: error))")
        #expect(try store.state() == OperatorState())
    }

    @Test("one file serves one node")
    func exclusive() throws {
        let first = try StateStore(path: path)
        let error = #expect(throws: StateStoreError.self) { try StateStore(path: path) }
        #expect(error?.description.contains("another node uses it") == true, "\(String(describing: error))")
        #expect(try first.state() == OperatorState())
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

    /// Writes to the file beside the program.
    private func run(_ sql: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])", path, sql,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
