internal import GRDB

extension StateStore {
    static var migrator: DatabaseMigrator {
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
        migrator.registerMigration("2: weights, cutovers, windows, shifts, locks, health") { database in
            try database.execute(
                sql: """
                    ALTER TABLE override ADD COLUMN target TEXT;
                    CREATE TABLE weight (
                        kind TEXT NOT NULL, name TEXT NOT NULL, factor REAL NOT NULL, reason TEXT NOT NULL,
                        author TEXT NOT NULL, since INTEGER NOT NULL, expires INTEGER, PRIMARY KEY (kind, name)
                    ) WITHOUT ROWID;
                    CREATE TABLE window (
                        name TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,
                        verdict TEXT NOT NULL, start INTEGER, days TEXT, time INTEGER, zone TEXT,
                        duration INTEGER NOT NULL, lead INTEGER NOT NULL, reason TEXT NOT NULL, author TEXT NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE skip (name TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE TABLE run (
                        name TEXT NOT NULL PRIMARY KEY, phase TEXT NOT NULL, starts INTEGER NOT NULL,
                        ends INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE shift (
                        id INTEGER NOT NULL PRIMARY KEY, wide_ip TEXT NOT NULL, kind TEXT NOT NULL,
                        source TEXT NOT NULL, target TEXT NOT NULL, share REAL NOT NULL, slope REAL NOT NULL,
                        progress REAL NOT NULL, is_returning INTEGER NOT NULL, reason TEXT NOT NULL,
                        author TEXT NOT NULL, since INTEGER NOT NULL
                    );
                    CREATE TABLE lock (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
                    CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE TABLE health (
                        endpoint TEXT NOT NULL, monitor TEXT NOT NULL, up INTEGER NOT NULL,
                        PRIMARY KEY (endpoint, monitor)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("service levels") { database in
            try database.execute(
                sql: """
                    CREATE TABLE service (
                        kind TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, name)
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}
