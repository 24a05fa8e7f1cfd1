internal import Maintenance
internal import TrafficModel

/// `windows:`.
enum WindowSection {
    private typealias Kind = Overrides.Subject.Kind

    private static let subjectKeys: [(key: String, kind: Overrides.Subject.Kind)] = [
        ("region", .region), ("pool", .pool), ("virtual_server", .virtualServer), ("member", .member),
    ]
    private static let pattern = Shape<String>.text("name or pattern", limit: 320)
    static let region = pattern.field("region", "What is maintained: a region, or regions by pattern (`*`, `?`).")
    static let pool = pattern.field("pool", "A pool, or pools by pattern.")
    static let server = pattern.field("virtual_server", "A virtual server, or virtual servers by pattern.")
    static let member = pattern.field("member", "Members: `UPSTREAM/ADDRESS:PORT`, or a pattern of it.")
    static let verdict = Shape<String>.scalar(
        ScalarDescription(kind: "word", range: "drain, disable", words: ["drain", "disable"]), text: { $0 }
    ) { text, position, context in
        if ["drain", "disable"].contains(text) { return text }
        context.error(position, "\"\(text.shortened)\" is not what a window can do", "write drain or disable")
        return nil
    }.field("verdict", default: "drain", "What holds while it is open.")
    static let start = Shape<WallTime>.instant.field(
        "from", "The start of a window that comes once, as RFC 3339 writes it: `2026-12-01T02:00:00Z`.")
    static let weekly = Shape<[CalendarRule.Weekday]>.oneOrList(of: .choice()).field(
        "weekly", "The days of a window that comes each week.")
    static let monthly = Shape<[CalendarRule.MonthDay]>.oneOrList(of: .monthDay).field(
        "monthly", "The days of a window that comes each month: `15`, `last`, `second tue`, `last sun`.")
    static let time = Shape<Int>.timeOfDay.field(
        "at", "When it starts on its days, on the clock of `zone`: `\"02:30\"`.")
    static let zone = Shape<String>.timeZone.field(
        "zone", default: "UTC", "The time zone of `at`, such as `Europe/Berlin`.")
    static let duration = Shape<Duration>.duration(1000...2_678_400_000).field(
        "for", required: true, "How long it is open.")
    static let lead = Shape<Duration>.duration(0...86_400_000).field(
        "drain", default: .zero, "For how long before its start is drained.")
    static let reason = Shape<String>.reason.field("reason", default: "", "Why, for those who look at the status.")

    static let model = ObjectModel(
        title: "windows.NAME", summary: "A time of maintenance: drained before it, taken out during it, back after it.",
        fields: [
            region.description, pool.description, server.description, member.description, verdict.description,
            start.description, weekly.description, monthly.description, time.description, zone.description,
            duration.description, lead.description, reason.description,
        ], exactlyOne: ["from", "weekly", "monthly"])

    static let shape = Shape<[Named<Located<MaintenanceWindow>>]>.map(key: "name", of: window)

    private static let window = Shape<Located<MaintenanceWindow>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let subject = subject(reader, context)
        let days: CalendarRule.Days? =
            reader.read(weekly, context).map { .weekly($0) } ?? reader.read(monthly, context).map { .monthly($0) }
        let minutes = reader.read(time, context)
        let place = reader.read(zone, context)
        if !reader.has("from"), !reader.has("at") {
            context.error(node.position, "a window that comes again needs a time of day", "add at: \"02:30\"")
        }
        for key in ["at", "zone"] where reader.has("from") && reader.has(key) {
            context.error(
                reader.position(of: key), "\(key) and from exclude each other", "from says the day, time and zone")
        }
        let schedule: MaintenanceWindow.Schedule? =
            reader.read(start, context).map { .once(start: $0) }
            ?? days.flatMap { days in
                minutes.map { .rule(CalendarRule(days: days, time: $0, zone: place)) }
            }
        guard let subject, let schedule, let length = reader.read(duration, context) else { return nil }
        var window = MaintenanceWindow(subject: subject, schedule: schedule, duration: length)
        if window.neverCloses {
            context.error(
                reader.position(of: "for"), "each run would be open until the next begins: the window never closes",
                "shorten it")
        }
        window.verdict = reader.read(verdict, context) == "disable" ? .disable : .drain
        window.lead = reader.read(lead, context)
        window.reason = reader.read(reason, context)
        return Located(value: window, position: reader.position(of: key(of: subject)))
    }

    private static func key(of subject: Overrides.Subject) -> String {
        subjectKeys.first { $0.kind == subject.kind }?.key ?? "region"
    }

    private static func subject(_ reader: ObjectReader, _ context: DecodingContext) -> Overrides.Subject? {
        let given = subjectKeys.filter { reader.has($0.key) }
        guard given.count == 1 else {
            let all = subjectKeys.map(\.key).joined(separator: ", ")
            context.error(
                reader.node.position, "a window is about one of \(all), not \(given.count) of them", "name one")
            return nil
        }
        let fields = ["region": region, "pool": pool, "virtual_server": server, "member": member]
        guard let field = fields[given[0].key], let name = reader.read(field, context) else { return nil }
        guard given[0].kind != .member || name.contains("/") || name.contains("*") else {
            context.error(
                reader.position(of: "member"), "a member is named with its upstream", "write UPSTREAM/ADDRESS:PORT")
            return nil
        }
        return Overrides.Subject(given[0].kind, name)
    }
}

extension Shape where Value == WallTime {
    static var instant: Shape {
        scalar(ScalarDescription(kind: "instant"), text: { _ in "" }) { text, position, context in
            if let time = WallTime(text: text) { return time }
            context.error(
                position, "\"\(text.shortened)\" is no instant", "write one like 2026-12-01T02:00:00Z")
            return nil
        }
    }
}

extension Shape where Value == CalendarRule.MonthDay {
    static var monthDay: Shape {
        scalar(
            ScalarDescription(
                kind: "day of a month", range: "1 to 31, last, first mon … last sun", type: .stringOrInteger),
            text: { $0.text }
        ) { text, position, context in
            if let day = CalendarRule.MonthDay(text) { return day }
            context.error(
                position, "\"\(text.shortened)\" is no day of a month",
                "write 1 to 31, last, or one like second tue or last sun")
            return nil
        }
    }
}

extension Shape where Value == Int {
    /// Minutes since midnight. YAML 1.1 would take an unquoted 02:30 for a number, which the text is read before.
    static var timeOfDay: Shape {
        scalar(ScalarDescription(kind: "time of day", pattern: "^[0-2][0-9]:[0-5][0-9]$")) { text, position, context in
            if let minutes = CalendarRule.minutes(text) { return minutes }
            context.error(position, "\"\(text.shortened)\" is no time of day", "write one like \"02:30\"")
            return nil
        }
    }
}

extension Shape where Value == String {
    static var timeZone: Shape {
        scalar(ScalarDescription(kind: "time zone"), text: { $0 }) { text, position, context in
            if MaintenanceCalendar.isZone(text) { return text }
            context.error(
                position, "\"\(text.shortened)\" is no time zone", "write an IANA name such as Europe/Berlin, or UTC")
            return nil
        }
    }

    /// One line: it stands in logs and tables, which must not be forged with it.
    static var reason: Shape {
        text("reason", limit: 1024, allowsEmpty: true).map(text: { $0 }) { text, position, context in
            guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
                context.error(position, "the reason has control characters", "write it in one line")
                return nil
            }
            return text
        }
    }
}

extension ConfigurationAssembly {
    mutating func assembleWindows() {
        if draft.windows.count > MaintenanceWindow.limit / 2, let first = draft.windows.last {
            context.error(
                first.position, "there are more than \(MaintenanceWindow.limit / 2) windows",
                "join some with patterns and lists of days")
        }
        for entry in draft.windows {
            guard let window = entry.value else { continue }
            intent.windows[entry.name] = window.value
            if !context.hasErrors, !intent.has(window.value.subject) {
                context.warning(
                    window.position, "nothing is named \(window.value.subject.name.shortened)",
                    "correct the name, or leave it if it is to come")
            }
        }
    }
}
