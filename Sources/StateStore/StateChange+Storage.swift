internal import GRDB
internal import TrafficModel

extension StateChange {
    func store(in database: Database) throws {
        switch self {
        case .override(let subject, let entry):
            try Self.delete(from: "override", subject, database)
            guard let entry else { return }
            try database.execute(
                sql: """
                    INSERT INTO override (kind, name, verdict, reason, author, since, expires, target)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    subject.kind.rawValue, subject.name, entry.verdict.rawValue, entry.reason, entry.author,
                    entry.since.milliseconds, entry.expires?.milliseconds, entry.target,
                ])
        case .weight(let subject, let entry):
            try Self.delete(from: "weight", subject, database)
            guard let entry else { return }
            try database.execute(
                sql: "INSERT INTO weight VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    subject.kind.rawValue, subject.name, entry.factor, entry.reason, entry.author,
                    entry.since.milliseconds, entry.expires?.milliseconds,
                ])
        case .window(let name, let window):
            try database.execute(sql: "DELETE FROM window WHERE name = ?", arguments: [name])
            if let window { try Self.insert(window, named: name, database) }
        case .skip(let name, let until):
            try database.execute(sql: "DELETE FROM skip WHERE name = ?", arguments: [name])
            guard let until else { return }
            try database.execute(sql: "INSERT INTO skip VALUES (?, ?)", arguments: [name, until.milliseconds])
        case .run(let name, let run):
            try database.execute(sql: "DELETE FROM run WHERE name = ?", arguments: [name])
            guard let run else { return }
            try database.execute(
                sql: "INSERT INTO run VALUES (?, ?, ?, ?)",
                arguments: [name, run.phase.rawValue, run.starts.milliseconds, run.ends.milliseconds])
        case .lock(let name, let isLocked):
            let sql = isLocked ? "INSERT OR IGNORE INTO lock VALUES (?)" : "DELETE FROM lock WHERE name = ?"
            try database.execute(sql: sql, arguments: [name])
        case .shift(let id, let shift):
            try database.execute(sql: "DELETE FROM shift WHERE id = ?", arguments: [id])
            guard let shift else { return }
            try database.execute(
                sql: "INSERT INTO shift VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    id, shift.wideIP, shift.kind.rawValue, shift.from, shift.to, shift.share, shift.slope,
                    shift.progress, shift.isReturning, shift.reason, shift.author, shift.since.milliseconds,
                ])
            try database.execute(
                sql: """
                    INSERT INTO counter VALUES ('shift', ?1)
                    ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)
                    """, arguments: [id])
        }
    }

    private static func delete(from table: String, _ subject: Overrides.Subject, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM \(table) WHERE kind = ? AND name = ?",
            arguments: [subject.kind.rawValue, subject.name])
    }

    private static func insert(_ window: MaintenanceWindow, named name: String, _ database: Database) throws {
        var (start, rule): (WallTime?, CalendarRule?)
        switch window.schedule {
        case .once(let time): start = time
        case .rule(let given): rule = given
        }
        try database.execute(
            sql: "INSERT INTO window VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                name, window.subject.kind.rawValue, window.subject.name, window.verdict.rawValue, start?.milliseconds,
                rule?.days.text, rule?.time, rule?.zone, Int64(window.duration / .milliseconds(1)),
                Int64(window.lead / .milliseconds(1)), window.reason, window.author,
            ])
    }
}

extension OperatorState {
    /// What this version does not understand is left out.
    init(_ database: Database) throws {
        self.init()
        for row in try Row.fetchAll(database, sql: "SELECT * FROM override") {
            guard let subject = Self.subject(row, name: "name"),
                let verdict = Overrides.Verdict(rawValue: row["verdict"])
            else { continue }
            overrides.entries[subject] = Self.entry(row, verdict, target: row["target"])
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM weight") {
            guard let subject = Self.subject(row, name: "name") else { continue }
            var entry = Self.entry(row, .weight)
            entry.factor = row["factor"]
            overrides.weights[subject] = entry
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM window") {
            windows[row["name"]] = Self.window(row)
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM skip") {
            skips[row["name"]] = WallTime(milliseconds: row["until"])
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM run") {
            guard let phase = WindowRun.Phase(rawValue: row["phase"]) else { continue }
            runs[row["name"]] = WindowRun(
                phase: phase, starts: WallTime(milliseconds: row["starts"]), ends: WallTime(milliseconds: row["ends"]))
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM shift") {
            guard let kind = Overrides.Subject.Kind(rawValue: row["kind"]) else { continue }
            var shift = Shift(
                wideIP: row["wide_ip"], kind: kind, from: row["source"], to: row["target"], share: row["share"],
                slope: row["slope"], progress: row["progress"], reason: row["reason"], author: row["author"],
                since: WallTime(milliseconds: row["since"]))
            shift.isReturning = row["is_returning"]
            shifts[row["id"]] = shift
        }
        locks = try Set(String.fetchAll(database, sql: "SELECT name FROM lock"))
        lastShift = try Int64.fetchOne(database, sql: "SELECT value FROM counter WHERE name = 'shift'") ?? 0
    }

    private static func subject(_ row: Row, name: String) -> Overrides.Subject? {
        Overrides.Subject(kind: row["kind"], name: row[name])
    }

    private static func entry(_ row: Row, _ verdict: Overrides.Verdict, target: String? = nil) -> Overrides.Entry {
        let expires: Int64? = row["expires"]
        return Overrides.Entry(
            verdict: verdict, target: target, reason: row["reason"], author: row["author"],
            since: WallTime(milliseconds: row["since"]), expires: expires.map(WallTime.init(milliseconds:)))
    }

    private static func window(_ row: Row) -> MaintenanceWindow? {
        guard let subject = subject(row, name: "subject"), let verdict = Overrides.Verdict(rawValue: row["verdict"])
        else { return nil }
        let (start, time): (Int64?, Int?) = (row["start"], row["time"])
        let (days, zone): (String?, String?) = (row["days"], row["zone"])
        let schedule: MaintenanceWindow.Schedule
        if let start {
            schedule = .once(start: WallTime(milliseconds: start))
        } else if let time, let zone, let days = days.flatMap(CalendarRule.Days.init) {
            schedule = .rule(CalendarRule(days: days, time: time, zone: zone))
        } else {
            return nil
        }
        let (duration, lead): (Int64, Int64) = (row["duration"], row["lead"])
        var window = MaintenanceWindow(subject: subject, schedule: schedule, duration: .milliseconds(duration))
        window.lead = .milliseconds(lead)
        window.verdict = verdict
        window.reason = row["reason"]
        window.author = row["author"]
        return window
    }
}
