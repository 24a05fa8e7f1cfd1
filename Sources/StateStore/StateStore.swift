internal import GRDB
package import TrafficModel

/// What must survive a restart, in one SQLite file: overrides, and the audit trail of changes.
///
/// A change and its audit record are one transaction that is on the disk when the call returns, so a process that is
/// killed at any moment has both or neither.
package final class StateStore: Sendable {
    /// The audit trail keeps the latest records; an operator makes a handful a day.
    package static let auditLimit = 100_000
    /// How often the oldest records are looked for, in records.
    private static let trimInterval: Int64 = 1_000

    private let path: String
    private let database: DatabaseQueue

    /// Opens the file, or makes it.
    package init(path: String) throws(StateStoreError) {
        self.path = path
        do {
            var settings = Configuration()
            settings.label = "state"
            settings.journalMode = .wal
            settings.prepareDatabase { database in
                // On the disk before a change is acknowledged; and one process alone, or two nodes would undo each
                // other's changes.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            }
            database = try DatabaseQueue(path: path, configuration: settings)
            try Self.migrator.migrate(database)
        } catch {
            throw Self.explain(error, path)
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: overrides and audit") { database in
            try database.execute(
                sql: """
                    CREATE TABLE override (
                        kind TEXT NOT NULL, name TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
                        author TEXT NOT NULL, since INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (kind, name)
                    ) WITHOUT ROWID;
                    CREATE TABLE audit (
                        number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, author TEXT NOT NULL,
                        origin TEXT NOT NULL, action TEXT NOT NULL, kind TEXT, name TEXT, detail TEXT NOT NULL,
                        reason TEXT NOT NULL
                    );
                    """)
        }
        return migrator
    }

    // MARK: Overrides

    /// All overrides that were set and not cleared; what this version does not understand is left out.
    package func overrides() throws(StateStoreError) -> Overrides {
        do {
            let rows = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM override") }
            var overrides = Overrides()
            for row in rows {
                guard let subject = Overrides.Subject(kind: row["kind"], name: row["name"]),
                    let verdict = Overrides.Verdict(rawValue: row["verdict"])
                else { continue }
                let expires: Int64? = row["expires"]
                overrides.entries[subject] = Overrides.Entry(
                    verdict: verdict, reason: row["reason"], author: row["author"],
                    since: WallTime(milliseconds: row["since"]), expires: expires.map(WallTime.init(milliseconds:)))
            }
            return overrides
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// Sets an override, or clears it with `nil`, and records who did it.
    package func change(
        _ subject: Overrides.Subject, to entry: Overrides.Entry?, _ record: AuditRecord
    ) async throws(StateStoreError) {
        do {
            try await database.write { database in
                if let entry {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO override VALUES (?, ?, ?, ?, ?, ?, ?)",
                        arguments: [
                            subject.kind, subject.name, entry.verdict.rawValue, entry.reason, entry.author,
                            entry.since.milliseconds, entry.expires?.milliseconds,
                        ])
                } else {
                    try database.execute(
                        sql: "DELETE FROM override WHERE kind = ? AND name = ?",
                        arguments: [subject.kind, subject.name])
                }
                try Self.insert(record, database)
            }
        } catch {
            throw Self.explain(error, path)
        }
    }

    // MARK: Audit trail

    package func record(_ record: AuditRecord) async throws(StateStoreError) {
        do {
            try await database.write { try Self.insert(record, $0) }
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// The latest records, newest first.
    package func audit(latest count: Int) async throws(StateStoreError) -> [AuditRecord] {
        do {
            return try await database.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT * FROM audit ORDER BY number DESC LIMIT ?", arguments: [count]
                ).compactMap(Self.record)
            }
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// `nil` for an action that this version does not know.
    private static func record(_ row: Row) -> AuditRecord? {
        guard let action = AuditRecord.Action(rawValue: row["action"]) else { return nil }
        let (kind, name): (String?, String?) = (row["kind"], row["name"])
        var record = AuditRecord(
            time: WallTime(milliseconds: row["time"]), author: row["author"], origin: row["origin"], action: action,
            detail: row["detail"], reason: row["reason"])
        record.number = row["number"]
        if let kind, let name { record.subject = Overrides.Subject(kind: kind, name: name) }
        return record
    }

    private static func insert(_ record: AuditRecord, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO audit (time, author, origin, action, kind, name, detail, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.time.milliseconds, record.author, record.origin, record.action.rawValue, record.subject?.kind,
                record.subject?.name, record.detail, record.reason,
            ])
        let number = database.lastInsertedRowID
        guard number % trimInterval == 0 else { return }
        try database.execute(sql: "DELETE FROM audit WHERE number <= ?", arguments: [number - Int64(auditLimit)])
    }

    private static func explain(_ error: any Error, _ path: String) -> StateStoreError {
        guard let error = error as? DatabaseError else {
            return StateStoreError(path: path, reason: "\(error)", advice: "check the file")
        }
        let advice =
            switch error.resultCode {
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
                "name a file in a folder that exists and that this user can write to"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another node uses it; give each its own"
            case .SQLITE_NOTADB, .SQLITE_CORRUPT: "move it away to start without overrides, or restore it from a backup"
            case .SQLITE_FULL, .SQLITE_IOERR: "make room on the disk"
            default: "check the file"
            }
        return StateStoreError(path: path, reason: error.message ?? "\(error.resultCode)", advice: advice)
    }
}
