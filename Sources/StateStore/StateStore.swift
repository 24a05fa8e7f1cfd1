internal import GRDB
import Glibc
package import TrafficModel

/// What must survive a restart, in one SQLite file: what operators decided, what monitors last knew, and the audit
/// trail of changes.
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
    /// As it was opened: changes to one that was deleted or replaced meanwhile would be lost with the process.
    private let file: FileIdentity?

    /// Opens the file, or makes it.
    package init(path: String) throws(StateStoreError) {
        self.path = path
        Self.make(path)
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
            guard try !database.read(Self.migrator.hasBeenSuperseded) else {
                throw StateStoreError(
                    path: path, reason: "a newer version of Meridian wrote it, with what this one does not know",
                    advice: "start that version, or move the file away to start without overrides")
            }
            try Self.migrator.migrate(database)
        } catch {
            throw Self.explain(error, path)
        }
        file = FileIdentity(path)
    }

    private func requireFile() throws(StateStoreError) {
        guard FileIdentity(path) == file else {
            throw StateStoreError(
                path: path, reason: "the file was deleted or replaced while the node runs, so that nothing can be kept",
                advice: "put it back or make way for a new one, and restart the node")
        }
    }

    /// Makes the file where there is none, as logs are made: for the user and the group, whatever the umask lets pass.
    /// SQLite gives its other files the same mode. Where it cannot be made, opening it says why.
    private static func make(_ path: String) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        if descriptor >= 0 { close(descriptor) }
    }

    // MARK: What operators decided

    /// All that was set and not cleared; what this version does not understand is left out.
    package func state() throws(StateStoreError) -> OperatorState {
        do {
            return try database.read { try OperatorState($0) }
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// Makes changes and records who made them, all or none.
    package func apply(_ changes: [StateChange], _ records: [AuditRecord]) async throws(StateStoreError) {
        try await writing { database in
            for change in changes { try change.store(in: database) }
            for record in records { try Self.insert(record, database) }
        }
    }

    // MARK: Health

    /// The last verdicts of monitors, by what was asked.
    package func health() throws(StateStoreError) -> [HealthMemory: HealthState] {
        do {
            let rows = try database.read { try Row.fetchAll($0, sql: "SELECT endpoint, monitor, up FROM health") }
            return Dictionary(
                rows.map { row in
                    let isUp: Bool = row["up"]
                    return (HealthMemory(endpoint: row["endpoint"], monitor: row["monitor"]), isUp ? .up : .down)
                }, uniquingKeysWith: { first, _ in first })
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// `unknown` forgets.
    package func remember(_ verdicts: [HealthMemory: HealthState]) async throws(StateStoreError) {
        try await writing { database in
            for (memory, state) in verdicts {
                guard state != .unknown else {
                    try database.execute(
                        sql: "DELETE FROM health WHERE endpoint = ? AND monitor = ?",
                        arguments: [memory.endpoint, memory.monitor])
                    continue
                }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO health VALUES (?, ?, ?)",
                    arguments: [memory.endpoint, memory.monitor, state == .up])
            }
        }
    }

    // MARK: Audit trail

    package func record(_ record: AuditRecord) async throws(StateStoreError) {
        try await writing { try Self.insert(record, $0) }
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
        var record = AuditRecord(
            time: WallTime(milliseconds: row["time"]), author: row["author"], origin: row["origin"], action: action,
            kind: row["kind"], name: row["name"], detail: row["detail"], reason: row["reason"])
        record.number = row["number"]
        return record
    }

    private static func insert(_ record: AuditRecord, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO audit (time, author, origin, action, kind, name, detail, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.time.milliseconds, record.author, record.origin, record.action.rawValue, record.kind,
                record.name, record.detail, record.reason,
            ])
        let number = database.lastInsertedRowID
        guard number % trimInterval == 0 else { return }
        try database.execute(sql: "DELETE FROM audit WHERE number <= ?", arguments: [number - Int64(auditLimit)])
    }

    /// Runs a reading transaction.
    func reading<Result>(_ body: (Database) throws -> Result) throws(StateStoreError) -> Result {
        do {
            return try database.read(body)
        } catch {
            throw Self.explain(error, path)
        }
    }

    /// Runs a transaction, all or nothing.
    func writing(_ body: @Sendable @escaping (Database) throws -> Void) async throws(StateStoreError) {
        try requireFile()
        do {
            try await database.write(body)
        } catch {
            throw Self.explain(error, path)
        }
    }

    private static func explain(_ error: any Error, _ path: String) -> StateStoreError {
        if let error = error as? StateStoreError { return error }
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
